package train_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"kindred/pipeline/train"
)

// A sample large enough for everybody takes everybody; one that is not takes its limit, and asks for few more.
func TestCeilingLetsTheLimitThroughAndFewMore(t *testing.T) {
	for _, of := range []int{100, 1_000, 1_100, 20_000, 200_000} {
		sample := &train.Sample{Limit: 1_000, Of: int64(of), Width: 1}
		asked := 0
		for i := range of {
			id := fmt.Appendf(nil, "c-%d", i)
			if hash := train.Hash(id); hash <= sample.Ceiling() {
				sample.Add(hash, id, []uint8{0})
				asked++
			}
		}
		if sample.Len() != min(of, 1_000) || asked > 1_500 {
			t.Errorf("of %d: %d kept, %d asked for", of, sample.Len(), asked)
		}
	}
}

// When more customers come than were announced, the lowest hashes still win.
func TestTheLowestHashesWin(t *testing.T) {
	type row struct {
		hash uint64
		id   []byte
	}
	rng := rand.New(rand.NewPCG(1, 1))
	sample := &train.Sample{Limit: 50, Width: 1}
	background := &train.Sample{Limit: 50, Width: 1}
	var rows []row
	for i := range 20_000 {
		id := fmt.Appendf(nil, "c-%d", i)
		rows = append(rows, row{train.Hash(id), id})
	}
	slices.SortFunc(rows, func(a, b row) int {
		if a.hash < b.hash {
			return -1
		}
		return 1
	})
	// Level 1 marks the lowest: the sample must consist of them alone, and so tell itself from a background of zeros.
	for _, i := range rng.Perm(len(rows)) {
		level := uint8(0)
		if i < 50 {
			level = 1
		}
		sample.Add(rows[i].hash, rows[i].id, []uint8{level})
		background.Add(rows[i].hash, rows[i].id, []uint8{0})
	}
	result := fit(t, train.Problem{Levels: []int{2}, Source: sample, Background: background, Bands: bands})
	if result.Quality.AUC != 1 || result.Quality.Holdout != 50 {
		t.Errorf("quality %+v, want the 50 lowest and no other", result.Quality)
	}
}
