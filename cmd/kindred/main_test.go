package main

import (
	"flag"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets more tests run at a time than there are processors: most of them wait most of the time.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", strconv.Itoa(2*runtime.GOMAXPROCS(0))); err != nil { // unless the command line says otherwise
		panic(err)
	}
	testscript.Main(m, map[string]func(){"kindred": main})
}

// TestCommands runs every script in testdata. $NOBODY is an address where nobody listens, $FREE one where the script may.
func TestCommands(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:      "testdata",
		Deadline: time.Now().Add(2 * time.Minute), // a command that waits for ever fails its script
		Setup: func(env *testscript.Env) error {
			free, err := freeAddress()
			env.Setenv("FREE", free)
			env.Setenv("NOBODY", "127.0.0.1:1") // a port that was free a moment ago may be somebody's by now
			env.Setenv("NO_COLOR", "1")
			env.Setenv("GORACE", os.Getenv("GORACE"))
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "servers": servers, "secured": secured, "publish": publish, "answer": answer, "refuse": refuse, "town": town,
			"consume": consume, "letters": letters, "eventually": eventually,
		},
	})
}
