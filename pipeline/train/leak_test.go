package train_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"kindred/pipeline/train"
)

// Many columns make a model of 40 KB: if only that were left behind by each of some 700 fits, it would be 28 MB.
func TestNothingStaysInMemory(t *testing.T) {
	notShort(t)
	defer goleak.VerifyNone(t)
	rng := rand.New(rand.NewPCG(12, 1))
	truth := linearTruth(rng, 20, 250, -1, 1)
	p := problem(truth.levels, truth.customers(rng, 1_500))
	fits := func(n int) {
		for range n {
			if _, err := train.Fit(t.Context(), p); err != nil {
				t.Fatal(err)
			}
		}
	}
	fits(10)
	before := resident(t)
	fits(50)
	if grown := resident(t) - before; grown > 10<<20 {
		t.Errorf("50 fits left %d KB behind", grown>>10)
	}
}

// resident is the process's memory in bytes, C's included.
func resident(t *testing.T) int {
	debug.FreeOSMemory()
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skipf("memory cannot be read on %s", runtime.GOOS)
	}
	var size, pages int
	if _, err := fmt.Sscan(string(statm), &size, &pages); err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}

// liblinear prints its iterations to standard output unless it is kept from it.
func TestNothingIsPrinted(t *testing.T) {
	printed, err := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSameCustomersSameBits$").CombinedOutput()
	if err != nil || strings.Contains(string(printed), "iter") {
		t.Errorf("a fit printed (%v):\n%s", err, printed)
	}
}
