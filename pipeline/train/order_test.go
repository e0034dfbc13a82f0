package train

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// Places come out as a stable comparison sorts them, whichever bits of the keys differ.
func TestPlacesAreInTheOrderOfTheirKeys(t *testing.T) {
	rng := rand.New(rand.NewPCG(41, 1))
	for name, key := range map[string]func() uint64{
		"all bits": rng.Uint64,
		"low bits": func() uint64 { return rng.Uint64N(50) },
		"top bits": func() uint64 { return rng.Uint64N(50) << 58 },
		"one key":  func() uint64 { return 42 },
	} {
		for _, n := range []int{0, 1, 2, 5_000} {
			var places []place
			for i := range n {
				places = append(places, place{key(), i})
			}
			want := slices.Clone(places)
			slices.SortStableFunc(want, func(a, b place) int { return cmp.Compare(a.key, b.key) })
			if got := inOrder(places); !slices.Equal(got, want) {
				t.Errorf("%s: %d places are in another order", name, n)
			}
		}
	}
}

func TestKeysDescendAsNumbersRise(t *testing.T) {
	rising := []float64{math.Inf(-1), -math.MaxFloat64, -2, -1, -math.SmallestNonzeroFloat64, 0, math.SmallestNonzeroFloat64, 1, 2,
		math.MaxFloat64, math.Inf(1)}
	for i, x := range rising[1:] {
		if descending(x) >= descending(rising[i]) {
			t.Errorf("the key of %v is not below that of %v", x, rising[i])
		}
	}
	if descending(0) != descending(math.Copysign(0, -1)) {
		t.Error("zeros have two keys")
	}
}
