package train

import (
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"github.com/sjwhitworth/golearn/linear_models"
)

// The weights are read from liblinear's memory. They must be those that golearn's own Export writes, for either label first.
func TestWeightsAreThoseThatGolearnExports(t *testing.T) {
	liblinear.Lock()
	defer liblinear.Unlock()
	silence()
	rows := [][]uint8{{0, 1}, {0, None}, {1, 0}, {2, 1}, {1, 1}, {2, 0}}
	m := newMatrix(rows, newDesign([]int{3, 2}, nil))
	defer m.free()
	s := m.subset([]int{0, 1, 2, 3, 4, 5}, 2)
	defer s.free()

	trained, err := s.train(1, 0.001)
	if err != nil {
		t.Fatal(err)
	}
	exported := export(t, trained)
	weights, err := weightsOf(trained, m.columns)
	if err != nil {
		t.Fatal(err)
	}
	if len(weights) != 6 || len(exported) != 6 {
		t.Fatalf("%d weights, %d exported, want 6", len(weights), len(exported))
	}
	for i, w := range weights {
		if math.Abs(w-exported[i]) > 1e-15 {
			t.Errorf("column %d weighs %v, exported as %v", i, w, exported[i])
		}
	}
	if weights[0] <= 0 || weights[1] >= 0 {
		t.Errorf("the source's own level weighs %v, another %v", weights[0], weights[1])
	}
}

// export returns the weights for the source.
func export(t *testing.T, trained *linear_models.Model) (weights []float64) {
	path := filepath.Join(t.TempDir(), "model")
	if err := linear_models.Export(trained, path); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, lines, _ := strings.Cut(string(text), "\nw\n")
	if !strings.Contains(head, "label 1 -1") {
		t.Fatalf("labels: %s", head)
	}
	for _, line := range strings.Fields(lines) {
		w, err := strconv.ParseFloat(line, 64)
		if err != nil {
			t.Fatal(err)
		}
		weights = append(weights, w)
	}
	return weights
}

// Another golearn could move the fields of its C structs: that must be an error, not a write to wrong places.
func TestAnotherLayoutIsRefused(t *testing.T) {
	parameter := linear_models.NewParameter(linear_models.L2R_LR, 1, 0.1)
	if _, err := reach[problem](parameter); err != errOtherLayout {
		t.Errorf("a parameter passes for a problem: %v", err)
	}
	type swapped struct { // exported, as nobody reads them
		L, N int32
		Y, X *float64
		Bias int64
	}
	if _, err := reach[swapped](linear_models.NewProblem([][]float64{{0}}, []float64{0}, 0)); err != errOtherLayout {
		t.Errorf("a mirror of another layout is used: %v", err)
	}
}

// Where Go writes pointers into memory of C, the collector looks at what was there before: anything but zero may end the
// process, once in a few thousand runs.
func TestRoomForPointersIsEmpty(t *testing.T) {
	runtime.LockOSThread() // malloc gives a thread again what it has freed
	defer runtime.UnlockOSThread()
	const rows = 64
	m := newMatrix(make([][]uint8, rows), newDesign(nil, nil))
	defer m.free()
	for range 100 {
		s := m.subset(make([]int, rows), rows/2)
		used := unsafe.Slice((*uintptr)(s.rows), rows)
		for i := range used {
			used[i] = ^uintptr(0)
		}
		s.free()
		again := &subset{rows: emptyPointers(rows)}
		for i, found := range unsafe.Slice((*uintptr)(again.rows), rows) {
			if found != 0 {
				t.Fatalf("pointer %d of %d was %#x before it was written", i, rows, found)
			}
		}
		again.free()
	}
}
