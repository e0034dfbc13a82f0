package train_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"kindred/pipeline/train"
)

// Of those alike three tenths are in the source; the others are hidden among the candidates, so that nobody is as sure a member
// as a sum of weights says. With enough source members the scores say what is so, of members nobody has seen.
func TestScoresPromiseWhatHiddenMembersKeep(t *testing.T) {
	check := func(customers int, calibrated bool) {
		t.Helper()
		rng := rand.New(rand.NewPCG(31, 1))
		truth := linearTruth(rng, 9, 6, -2.2, 2.2)
		all := truth.customers(rng, customers)
		var hidden []bool
		for i := range all {
			hidden = append(hidden, all[i].source && rng.Float64() > 0.3)
			all[i].source = all[i].source && !hidden[i]
		}
		result := fit(t, problem(truth.levels, all))
		if got := result.Curve != nil; got != calibrated {
			t.Fatalf("of %d customers, %d in the source, it is calibrated: %v", customers, result.Quality.Holdout, got)
		}
		if !calibrated {
			return
		}
		var in, out [4]float64
		var ins, outs float64
		for i, c := range all {
			if c.source {
				continue
			}
			band, score := 0, 1/(1+math.Exp(-result.Curve.Logit(logit(result, c.levels))))
			for band < 3 && score >= bands[band] {
				band++
			}
			out[band]++
			outs++
			if hidden[i] {
				in[band]++
				ins++
			}
		}
		for band := range 4 {
			lift, q := (in[band]/ins)/(out[band]/outs), result.Quality
			for what, said := range map[string]float64{"observed": q.BandLift[band], "promised": q.BandPromise[band]} {
				if in[band] > 100 && math.Abs(said/lift-1) > 0.25 {
					t.Errorf("band %d: the %s lift is %.2f, that of hidden members %.2f", band, what, said, lift)
				}
			}
		}
	}
	check(20_000, true)
	check(3_000, false)
}

// A curve and its inverse are one, and rise everywhere.
func TestACurveRisesAndCanBeReversed(t *testing.T) {
	for _, curve := range []train.Curve{nil, {{0.5, 1}}, {{-3, -2}, {-1, -1.9}, {0, 0.3}, {2, 1.5}}} {
		last := math.Inf(-1)
		for sum := -9.0; sum <= 9; sum += 0.25 {
			logit := curve.Logit(sum)
			if logit <= last || math.Abs(curve.Sum(logit)-sum) > 1e-9 {
				t.Errorf("%v: %v deserves %v, which %v deserves; before it was %v", curve, sum, logit, curve.Sum(logit), last)
			}
			last = logit
		}
	}
}
