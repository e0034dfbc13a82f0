package main

import (
	"flag"
	"net"
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

// TestCommands runs every script in testdata. $NOBODY is an address where nobody listens.
func TestCommands(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:      "testdata",
		Deadline: time.Now().Add(2 * time.Minute), // a command that waits for ever fails its script
		Setup: func(env *testscript.Env) error {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			env.Setenv("NOBODY", listener.Addr().String())
			env.Setenv("NO_COLOR", "1")
			return listener.Close()
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "servers": servers, "secured": secured, "publish": publish, "answer": answer, "refuse": refuse, "town": town,
			"consume": consume, "letters": letters, "eventually": eventually,
		},
	})
}
