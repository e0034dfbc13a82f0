package train_test

import (
	"crypto/sha256"
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

// Slots are filled up with zeros, to a length that differs between blocks.
func TestAnIDHashesLikeItsSlot(t *testing.T) {
	for length := 1; length <= 20; length++ {
		id := []byte("c-00000000000000042x")[20-length:]
		slot := make([]byte, 64)
		copy(slot, id)
		for width := length; width <= len(slot); width++ {
			if train.Hash(slot[:width]) != train.Hash(id) {
				t.Errorf("%s hashes otherwise in a slot of %d bytes", id, width)
			}
		}
	}
}

// Ids that differ in a digit only must be spread as if by chance: over all hashes, and among the lowest.
func TestHashesAreSpreadEvenly(t *testing.T) {
	notShort(t)
	for _, format := range []string{"%d", "c-%d", "customer-%012d", "%08x-0000-4000-8000-000000000000", "%d@example.com"} {
		const ids, parts = 256_000, 256
		var counts, lowest [parts]int
		seen := map[uint64]bool{}
		for i := range ids {
			hash := train.Hash(fmt.Appendf(nil, format, i))
			seen[hash] = true
			counts[hash>>56]++
			if hash>>56 == 0 {
				lowest[hash>>48]++
			}
		}
		if len(seen) != ids {
			t.Errorf("%s: %d hashes of %d ids", format, len(seen), ids)
		}
		var squares, lowSquares float64 // chi squares: 255 and a few times 23 by chance; less would be a lattice
		for part := range parts {
			expected, low := float64(ids)/parts, float64(counts[0])/parts
			squares += (float64(counts[part]) - expected) * (float64(counts[part]) - expected) / expected
			lowSquares += (float64(lowest[part]) - low) * (float64(lowest[part]) - low) / low
		}
		if min(squares, lowSquares) < 160 || max(squares, lowSquares) > 350 {
			t.Errorf("%s: chi squares are %.0f and %.0f", format, squares, lowSquares)
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
	// Level 1 marks the lowest: the sample must consist of them alone, and so differ from a background of zeros.
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

// Whichever way customers come and are joined, a sample is in the order of their hashes, and of the ids where those are equal.
func TestASampleIsInOneOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 1))
	const customers, limit = 200, 150
	for range 20 {
		parts := []*train.Sample{{Limit: limit, Width: 1}, {Limit: limit, Width: 1}}
		for _, i := range rng.Perm(customers) {
			parts[rng.IntN(2)].Add(uint64(i/7)<<40, fmt.Appendf(nil, "c-%03d", i), []uint8{uint8(i)})
		}
		sample := &train.Sample{Limit: limit, Width: 1}
		sample.Join(parts...)
		other := &train.Sample{Limit: 1, Width: 1}
		other.Add(0, []byte("c"), []uint8{0})
		problem := train.Problem{Levels: []int{customers}, Source: sample, Background: other}
		problem.Describe(sha256.New())
		levels := sample.Levels()
		if len(levels) != limit || !slices.IsSorted(levels) || levels[limit-1] != limit-1 {
			t.Fatalf("the order is %v", levels)
		}
	}
}
