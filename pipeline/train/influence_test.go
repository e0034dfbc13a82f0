package train_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"kindred/pipeline/train"
)

// TestInfluenceIsWhatAFitWithoutTheFieldLacks compares it with fits that do not see the field, on customers that none has seen.
// Of independent fields, the two are nearly the same.
func TestInfluenceIsWhatAFitWithoutTheFieldLacks(t *testing.T) {
	notShort(t)
	rng := rand.New(rand.NewPCG(3, 1))
	truth := linearTruth(rng, 7, 6, -2, 1.2)
	known, fresh := truth.customers(rng, 40_000), truth.customers(rng, 40_000)
	result := fit(t, problem(truth.levels, known))
	all := balancedLoss(result, fresh)
	for f, influence := range result.Influence {
		blind := make([]customer, len(known))
		for i, c := range known {
			blind[i] = customer{c.id, append([]uint8{}, c.levels...), c.source}
			blind[i].levels[f] = train.None
		}
		without := fit(t, problem(truth.levels, blind))
		without.Weights[f] = make([]float64, truth.levels[f])
		if lacks := (balancedLoss(without, fresh) - all) / (math.Ln2 - all); math.Abs(lacks-influence) > 0.03 {
			t.Errorf("field %d has influence %.4f, a fit without it lacks %.4f", f, influence, lacks)
		}
	}
}

// balancedLoss is the mean of the mean losses of source and others.
func balancedLoss(r *train.Result, all []customer) float64 {
	var loss, n [2]float64
	for _, c := range all {
		class, sign := 0, 1.0
		if c.source {
			class, sign = 1, -1
		}
		loss[class] += math.Log1p(math.Exp(sign * logit(r, c.levels)))
		n[class]++
	}
	return loss[0]/n[0]/2 + loss[1]/n[1]/2
}

// TestACrossCountsForTheInfluenceOfItsFields: of fields that tell something only together, each is worth what the cross is.
func TestACrossCountsForTheInfluenceOfItsFields(t *testing.T) {
	rng := rand.New(rand.NewPCG(23, 1))
	truth := crossedTruth(rng, 6, 5, -3, 3, []int{0, 1}, []int{2, 3})
	result := fit(t, problem(truth.levels, truth.customers(rng, 20_000)))
	if len(result.Crosses) != 2 {
		t.Fatalf("crossed are %v", result.Crosses)
	}
	for _, c := range result.Crosses {
		if c.Influence < 0.1 {
			t.Errorf("the cross of %v has influence %.4f", c.Fields, c.Influence)
		}
	}
	for f, influence := range result.Influence {
		if crossed := f < 4; crossed != (influence > 0.1) {
			t.Errorf("field %d has influence %.4f, crossed: %v", f, influence, crossed)
		}
	}
}
