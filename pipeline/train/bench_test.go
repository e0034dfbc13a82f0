package train_test

import (
	"math/rand/v2"
	"testing"

	"kindred/pipeline/train"
)

// The largest problem: 30,000 + 60,000 customers, 20 fields of 10 levels, in the order in which they come.
func BenchmarkFit(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	truth := linearTruth(rng, 20, 10, -2.2, 0.7)
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
}
