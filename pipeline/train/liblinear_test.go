package train

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
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
	d := newDesign([]int{3, 2}, nil)
	m := newMatrix(rows, 2, d, unscaled(d))
	defer m.free()

	trained, err := m.train(1, 0.001)
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
	d := newDesign(nil, nil)
	for range 100 {
		m := newMatrix(make([][]uint8, rows), rows/2, d, unscaled(d))
		used := unsafe.Slice((*uintptr)(m.rows), rows)
		for i := range used {
			used[i] = ^uintptr(0)
		}
		m.free()
		again := emptyPointers(rows)
		for i, found := range unsafe.Slice((*uintptr)(again), rows) {
			if found != 0 {
				t.Fatalf("pointer %d of %d was %#x before it was written", i, rows, found)
			}
		}
		(&matrix{rows: again}).free()
	}
}

// unscaled returns the scales that leave columns as they are.
func unscaled(d *design) []float64 { return slices.Repeat([]float64{1}, d.intercept+1) }

// Columns of many rows are scaled, so that liblinear takes fewer steps. The weights are those that it finds otherwise, but for
// what the scales hold them down by, and customers rank alike.
func TestScalesHardlyMoveWeights(t *testing.T) {
	liblinear.Lock()
	defer liblinear.Unlock()
	silence()
	rng := rand.New(rand.NewPCG(31, 1))
	const n, source = 6_000, 2_000
	d := newDesign([]int{3, 8, 40}, []int{0, 8, 0})
	rows := make([][]uint8, n)
	for i := range rows {
		level := func(levels int) uint8 { return uint8(min(rng.IntN(levels), rng.IntN(levels))) }
		rows[i] = []uint8{level(3), level(8), level(40)}
		if i < source && rng.IntN(2) == 0 {
			rows[i][0], rows[i][1] = 2, uint8(5+rng.IntN(3))
		}
	}
	for _, c := range []float64{0.001, 0.1, 3} {
		scaled, err := d.fit(rows, source, c, 1e-6)
		if err != nil {
			t.Fatal(err)
		}
		m := newMatrix(rows, source, d, unscaled(d))
		plain, err := m.fit(c, 1e-6)
		m.free()
		if err != nil {
			t.Fatal(err)
		}
		var apart, all float64
		for _, row := range rows {
			logit := d.logit(plain, row)
			apart += math.Pow(d.logit(scaled, row)-logit, 2)
			all += logit * logit
		}
		if share := math.Sqrt(apart / all); share > 0.015 || c == 0.001 && share > 1e-4 {
			t.Errorf("C %v: logits are %.4f of their length apart", c, share)
		}
	}
}
