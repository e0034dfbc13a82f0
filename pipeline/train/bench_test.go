package train_test

import (
	"math/rand/v2"
	"testing"

	"kindred/pipeline/train"
)

// The largest problem: 30,000 + 60,000 customers, 20 fields of 10 levels, in the order in which they come; and one with eight
// crosses.
func BenchmarkFit(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	linear := linearTruth(rng, 20, 10, -2.2, 0.7)
	crossed := crossedTruth(rng, 20, 10, -2.7, 1, []int{0, 1}, []int{2, 3}, []int{4, 5}, []int{6, 7}, []int{8, 9}, []int{10, 11},
		[]int{12, 13}, []int{14, 15})
	for name, truth := range map[string]truth{"fields": linear, "crosses": crossed} {
		b.Run(name, func(b *testing.B) {
			all := truth.customers(rng, 300_000)
			for b.Loop() {
				b.StopTimer()
				p := problem(truth.levels, all)
				if p.Source.Len() != train.SourceRows || p.Background.Len() != train.BackgroundRows {
					b.Fatalf("%d + %d customers", p.Source.Len(), p.Background.Len())
				}
				b.StartTimer()
				if _, err := train.Fit(b.Context(), p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
