package main

import (
	"net"
	"strings"
	"testing"
)

// A demo does not fail for a port that is in use: it says where the console is instead.
func TestADemoWhosePortIsInUseTakesAnother(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	var out, aside strings.Builder
	if code := run(t.Context(), []string{"demo", "--once", "--customers", "2000", "--partitions", "1", "--http", taken.Addr().String()}, &out, &aside); code != done {
		t.Fatalf("it ended with %d:\n%s", code, aside.String())
	}
	said := strings.Join(strings.Fields(aside.String()), " ")
	for _, want := range []string{taken.Addr().String() + " is in use by another program: --http chooses", "The console shows the same: http://127.0.0.1:"} {
		if !strings.Contains(said, want) {
			t.Errorf("it does not say %q:\n%s", want, aside.String())
		}
	}
}
