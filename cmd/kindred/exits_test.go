package main

import (
	"context"
	"errors"
	"os/exec"
	"strconv"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"kindred/schemas/retry"
)

// exits runs a command that must end with a certain code: exits 2 kindred ...
func exits(script *testscript.TestScript, negated bool, arguments []string) {
	if negated || len(arguments) < 2 {
		script.Fatalf("usage: exits CODE COMMAND ...")
	}
	if code := ended(script, arguments[1:]); code != arguments[0] {
		script.Fatalf("%v ended with %s, want %s", arguments[1:], code, arguments[0])
	}
}

// eventually is exits for a command that is repeated until it ends with the code: eventually 0 kindred ... The script's
// deadline bounds it.
func eventually(script *testscript.TestScript, negated bool, arguments []string) {
	if negated || len(arguments) < 2 {
		script.Fatalf("usage: eventually CODE COMMAND ...")
	}
	for ended(script, arguments[1:]) != arguments[0] {
		_ = retry.Sleep(context.Background(), 20*time.Millisecond)
	}
}

// ended runs a command and returns the code that it ends with.
func ended(script *testscript.TestScript, command []string) string {
	var failed *exec.ExitError
	if err := script.Exec(command[0], command[1:]...); errors.As(err, &failed) {
		return strconv.Itoa(failed.ExitCode())
	} else if err != nil {
		script.Fatalf("%v", err)
	}
	return "0"
}
