package selection_test

import (
	"flag"
	"os"
	"testing"
)

// The cases of property tests are the same every time; -rapid.seed and -rapid.checks look further.
func TestMain(m *testing.M) {
	for name, value := range map[string]string{"rapid.seed": "1", "rapid.checks": "300", "rapid.nofailfile": "true"} {
		if err := flag.Set(name, value); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}
