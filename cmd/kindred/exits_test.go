package main

import (
	"errors"
	"os/exec"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"
)

// exits runs a command that must end with a certain code: exits 2 kindred ...
func exits(script *testscript.TestScript, negated bool, arguments []string) {
	if negated || len(arguments) < 2 {
		script.Fatalf("usage: exits CODE COMMAND ...")
	}
	code := 0
	var ended *exec.ExitError
	if err := script.Exec(arguments[1], arguments[2:]...); errors.As(err, &ended) {
		code = ended.ExitCode()
	} else if err != nil {
		script.Fatalf("%v", err)
	}
	if strconv.Itoa(code) != arguments[0] {
		script.Fatalf("%v ended with %d, want %s", arguments[1:], code, arguments[0])
	}
}
