package reading

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"kindred/pipeline/model"
)

// Whatever order members come in, the same ones are kept, in the order of the contract.
func TestTheBestAreKept(t *testing.T) {
	type member struct {
		id    string
		score int
	}
	random := rand.New(rand.NewPCG(1, 2))
	var all []member
	for i := range 500 {
		all = append(all, member{"c-" + strconv.Itoa(i), random.IntN(40)})
	}
	sorted := slices.Clone(all)
	slices.SortFunc(sorted, func(a, b member) int {
		if a.score != b.score {
			return b.score - a.score
		}
		if model.Tie("x", []byte(a.id)) > model.Tie("x", []byte(b.id)) {
			return -1
		}
		return 1
	})
	for _, most := range []int{0, 1, 7, 500, 1000} {
		random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		r := ranking{expansion: "x", most: most}
		for _, m := range all {
			id := []byte(m.id)
			r.see(id, m.score, 2)
			clear(id) // the ranking must have copied it
		}
		got := r.members()
		if len(got) != min(most, len(all)) {
			t.Fatalf("%d kept, want %d", len(got), most)
		}
		for i, m := range got {
			if m.CustomerID != sorted[i].id || m.Score != float64(sorted[i].score)/10_000 || m.Band != "similar" {
				t.Fatalf("at %d of %d: %+v, want %+v", i, most, m, sorted[i])
			}
		}
	}
}
