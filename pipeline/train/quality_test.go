package train_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"kindred/pipeline/train"
)

// A source that was drawn by lot is like anyone. At most one of twenty may be told from chance all the same, and graded so.
func TestASourceDrawnByLotIsHardlyEverGraded(t *testing.T) {
	notShort(t)
	rng := rand.New(rand.NewPCG(21, 1))
	truth := linearTruth(rng, 8, 6, 0, 1)
	population := truth.customers(rng, 4_000)
	const n = 200
	told, graded := 0, 0
	for range n {
		for i := range population {
			population[i].source = false
		}
		for _, i := range rng.Perm(len(population))[:25+rng.IntN(476)] {
			population[i].source = true
		}
		quality := fit(t, problem(truth.levels, population)).Quality
		if quality.AUCLow > 0.5 {
			told++
		}
		switch quality.Grade {
		case "fair", "good", "very good", "excellent":
			graded++
		}
		if (quality.AUCLow <= 0.5) != (quality.Grade == train.Chance) {
			t.Errorf("AUC %.3f from %.3f on is %s", quality.AUC, quality.AUCLow, quality.Grade)
		}
	}
	t.Logf("%d of %d told from chance, %d graded fair or better", told, n, graded)
	if graded*20 > n || told*10 > n {
		t.Errorf("%d of %d told from chance, %d graded fair or better", told, n, graded)
	}
}

// The interval of a small source must hold the AUC that customers have whom nobody has seen, nearly always.
func TestTheIntervalHoldsTheAUCOfNewCustomers(t *testing.T) {
	notShort(t)
	rng := rand.New(rand.NewPCG(22, 1))
	truth := linearTruth(rng, 6, 5, -2.5, 1)
	fresh := truth.customers(rng, 20_000)
	held, sure := 0, 0
	const times = 40
	for i := range times {
		result := fit(t, problem(truth.levels, truth.customers(rng, 600+60*i)))
		auc, q := rankedAUC(result, fresh), result.Quality
		if q.AUCLow <= auc && auc <= q.AUCHigh {
			held++
		}
		if q.AUCLow > 0.5 {
			sure++
		}
		if q.AUCLow > q.AUC || q.AUC > q.AUCHigh || q.AUCHigh-q.AUCLow > 0.5 {
			t.Errorf("AUC %.3f lies between %.3f and %.3f", q.AUC, q.AUCLow, q.AUCHigh)
		}
	}
	if held < times*85/100 || sure < times*9/10 {
		t.Errorf("of %d, %d intervals hold the AUC of new customers, %d tell it from chance", times, held, sure)
	}
}

// A source that is all in one city is told from everybody by its city; within that city nothing tells it apart.
func TestQualityIsMeasuredAmongTheCandidates(t *testing.T) {
	rng := rand.New(rand.NewPCG(23, 1))
	p := train.Problem{Levels: []int{4, 5}, Bands: bands}
	sample := func() *train.Sample { return &train.Sample{Limit: 10_000, Width: 2} }
	p.Source, p.Background, p.Elsewhere.Background = sample(), sample(), sample()
	for i := range 8_000 {
		id := fmt.Appendf(nil, "c-%d", i)
		city, into := rng.IntN(4), p.Elsewhere.Background
		if city == 0 {
			into = p.Background
			if rng.IntN(4) == 0 {
				into = p.Source
			}
		}
		into.Add(train.Hash(id), id, []uint8{uint8(city), uint8(rng.IntN(5))})
	}
	among := fit(t, p).Quality
	if among.Grade != train.Chance || math.Abs(among.AUC-0.5) > 0.05 || among.Elsewhere != 0 {
		t.Errorf("among the candidates it is %+v", among)
	}
	p.Background.Join(p.Elsewhere.Background)
	p.Elsewhere.Background = nil
	if world := fit(t, p).Quality; world.AUC < 0.85 {
		t.Errorf("among everybody it is %+v", world)
	}
	p.Elsewhere.Source, p.Source = p.Source, sample()
	if elsewhere := fit(t, p).Quality; elsewhere.Elsewhere != elsewhere.Holdout || elsewhere.Holdout == 0 {
		t.Errorf("of a source that is elsewhere it is %+v", elsewhere)
	}
}
