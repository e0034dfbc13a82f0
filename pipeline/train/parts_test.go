package train

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// The mean of the parts is what a fit of the whole finds, also where the penalty holds the weights down.
func TestPartsFindWhatTheWholeFinds(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	source, background := &Sample{Limit: 20_000, Width: 3}, &Sample{Limit: 20_000, Width: 3}
	for i := range 2 * 20_000 {
		levels, into := []uint8{uint8(rng.IntN(3)), uint8(rng.IntN(3)), uint8(rng.IntN(3))}, background
		if rng.IntN(4) < 1+int(levels[0]) {
			into = source
		}
		id := fmt.Appendf(nil, "c-%d", i)
		into.Add(Hash(id), id, levels)
	}
	task, err := newTask(Problem{Levels: []int{3, 3, 3}, Source: source, Background: background})
	if err != nil {
		t.Fatal(err)
	}
	silence()
	for _, c := range []float64{0.0001, 1} {
		whole, err := task.fitPart(0, 1, c)
		if err != nil {
			t.Fatal(err)
		}
		parts, err := task.fitAll(c)
		if err != nil {
			t.Fatal(err)
		}
		same := true
		for column, weight := range whole {
			same = same && parts[column] == weight
			if math.Abs(parts[column]-weight) > 0.01 {
				t.Errorf("C %v: column %d weighs %.4f in parts and %.4f as a whole", c, column, parts[column], weight)
			}
		}
		if same {
			t.Error("the whole was fitted, not parts")
		}
	}
}
