package train_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"testing"

	"kindred/pipeline/train"
)

func fit(t *testing.T, p train.Problem) *train.Result {
	t.Helper()
	result, err := train.Fit(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func TestPlantedTruthIsFound(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	truth := linearTruth(rng, 6, 5, -2, 1)
	result := fit(t, problem(truth.levels, truth.customers(rng, 60_000)))

	for f, weights := range result.Weights {
		for level := range weights {
			// Only differences within a field can be told: the rest is in the bias.
			found, planted := weights[level]-weights[0], truth.weights[f][level]-truth.weights[f][0]
			if math.Abs(found-planted) > 0.2 {
				t.Errorf("field %d level %d weighs %.3f more than level 0, planted %.3f", f, level, found, planted)
			}
		}
	}
	for f, share := range result.Influence {
		if planted := f%3 != 2; planted != (share > 0.02) || share < 0 || share > 1 {
			t.Errorf("field %d has influence %.4f, planted: %v", f, share, planted)
		}
	}
}

// Quality is measured out of fold: it must foretell how customers rank that no fit has seen.
func TestQualityForetellsNewCustomers(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 1))
	truth := linearTruth(rng, 8, 6, -2, 0.8)
	result := fit(t, problem(truth.levels, truth.customers(rng, 20_000)))
	quality := result.Quality

	fresh := rankedAUC(result, truth.customers(rng, 40_000))
	if math.Abs(quality.AUC-fresh) > 0.02 {
		t.Errorf("AUC out of fold %.3f, of new customers %.3f", quality.AUC, fresh)
	}
	if quality.RecallAt20 < 0.2 || quality.RecallAt20 > 1 || quality.LiftAt20 != quality.RecallAt20/0.2 {
		t.Errorf("recall %.3f and lift %.3f in the top 20 %%", quality.RecallAt20, quality.LiftAt20)
	}
	for band := 1; band < 4; band++ {
		if quality.BandLift[band] <= quality.BandLift[band-1] {
			t.Errorf("lifts of the bands do not ascend: %.2f", quality.BandLift)
		}
	}
	// A score of 0.8 and more stands for a lift of 4 and more, one below 0.4 for less than two thirds.
	if quality.BandLift[3] < 3.5 || quality.BandLift[0] > 0.67 {
		t.Errorf("lifts %.2f do not fit the scores", quality.BandLift)
	}
	if quality.Holdout == 0 || quality.Grade == "" {
		t.Errorf("holdout %d, grade %q", quality.Holdout, quality.Grade)
	}
}

func rankedAUC(result *train.Result, all []customer) float64 {
	var won, pairs float64
	var source, others []float64
	for _, c := range all {
		if c.source {
			source = append(source, logit(result, c.levels))
		} else {
			others = append(others, logit(result, c.levels))
		}
	}
	for i := 0; i < len(source); i += 7 {
		for j := 0; j < len(others); j += 7 {
			pairs++
			switch {
			case source[i] > others[j]:
				won++
			case source[i] == others[j]:
				won += 0.5
			}
		}
	}
	return won / pairs
}

// A source that is a random tenth of all is like anyone: everybody scores about 0.5, not 0.1.
func TestHalfMeansAsLikelyAsAnyone(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	truth := linearTruth(rng, 5, 6, -2.2, 0)
	all := truth.customers(rng, 30_000)
	result := fit(t, problem(truth.levels, all))
	var sum, squares float64
	for _, c := range all {
		z := logit(result, c.levels)
		sum += z
		squares += z * z
	}
	if n := float64(len(all)); math.Abs(sum/n) > 0.02 || math.Sqrt(squares/n) > 0.15 {
		t.Errorf("logits have mean %.3f and spread %.3f, want about 0", sum/n, math.Sqrt(squares/n))
	}
	if auc := result.Quality.AUC; math.Abs(auc-0.5) > 0.03 || result.Quality.Grade != train.Chance {
		t.Errorf("AUC %.3f is said to be %s", auc, result.Quality.Grade)
	}
}

// However rare the source, its mean probability and the background's add up to 1.
func TestThePriorIsBalanced(t *testing.T) {
	for _, bias := range []float64{-4, -2, 0, 1.5} {
		rng := rand.New(rand.NewPCG(4, 1))
		truth := linearTruth(rng, 5, 6, bias, 1)
		all := truth.customers(rng, 20_000)
		result := fit(t, problem(truth.levels, all))
		var mean, count [2]float64
		for _, c := range all {
			class := 0
			if c.source {
				class = 1
			}
			mean[class] += 1 / (1 + math.Exp(-logit(result, c.levels)))
			count[class]++
		}
		if sum := mean[0]/count[0] + mean[1]/count[1]; math.Abs(sum-1) > 0.02 {
			t.Errorf("bias %v: mean probabilities of source and background add up to %.3f", bias, sum)
		}
	}
}

func TestSameCustomersSameBits(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 1))
	truth := linearTruth(rng, 7, 8, -1, 1)
	all := truth.customers(rng, 5_000)
	p := problem(truth.levels, all)
	first := fit(t, p)
	if again := fit(t, p); !reflect.DeepEqual(first, again) {
		t.Error("the same problem gives another result the second time")
	}
	for range 3 {
		rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		if again := fit(t, problem(truth.levels, all)); !reflect.DeepEqual(first, again) {
			t.Error("another order of arrival gives another result")
		}
	}
}

// A large sample is fitted in parts: as well as a whole, and in the same ones on a single core.
func TestALargeSampleIsFittedTheSameOnAnyNumberOfCores(t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 1))
	truth := linearTruth(rng, 4, 4, 0, 1)
	p := problem(truth.levels, truth.customers(rng, 60_000))
	result := fit(t, p)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	if alone := fit(t, p); !reflect.DeepEqual(result, alone) {
		t.Error("one core gives another result")
	}
	for f, weights := range result.Weights {
		for level := range weights {
			found, planted := weights[level]-weights[0], truth.weights[f][level]-truth.weights[f][0]
			if math.Abs(found-planted) > 0.1 {
				t.Errorf("field %d level %d weighs %.3f more than level 0, planted %.3f", f, level, found, planted)
			}
		}
	}
}

func TestCustomersOnManyShardsGiveTheSameBits(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 1))
	truth := linearTruth(rng, 7, 8, -1, 1)
	all := truth.customers(rng, 4_000)
	want := fit(t, problem(truth.levels, all))

	whole := problem(truth.levels, nil)
	whole.Source.Of, whole.Background.Of = 0, 0
	for _, c := range all {
		if c.source {
			whole.Source.Of++
		} else {
			whole.Background.Of++
		}
	}
	for shard := 4; shard >= 0; shard-- {
		source, background := *whole.Source, *whole.Background
		part := train.Problem{
			Source:     &train.Sample{Limit: source.Limit, Of: source.Of, Width: source.Width},
			Background: &train.Sample{Limit: background.Limit, Of: background.Of, Width: background.Width},
		}
		for i := shard; i < len(all); i += 5 {
			sample := part.Background
			if all[i].source {
				sample = part.Source
			}
			sample.Add(train.Hash([]byte(all[i].id)), []byte(all[i].id), all[i].levels)
		}
		whole.Source.Join(part.Source)
		whole.Background.Join(part.Background)
	}
	if got := fit(t, whole); !reflect.DeepEqual(want, got) {
		t.Error("five shards give another result than one")
	}
}

// 25 members are the fewest that a run accepts. They must give modest weights and still find what is plain.
func TestATinySourceStaysSane(t *testing.T) {
	notShort(t)
	rng := rand.New(rand.NewPCG(7, 1))
	truth := linearTruth(rng, 10, 10, -2, 1)
	truth.weights[0] = []float64{3, -1, -1, -1, -1, -1, -1, -1, -1, -1}
	all := truth.customers(rng, 30_000)
	source := 0
	for i := range all { // the others would be members too, but nobody has said so
		if all[i].source {
			source++
			all[i].source = source <= 25
		}
	}
	result := fit(t, problem(truth.levels, all))
	for f, weights := range result.Weights {
		for level, w := range weights {
			if math.IsNaN(w) || math.Abs(w) > 2.5 {
				t.Errorf("field %d level %d weighs %v", f, level, w)
			}
		}
	}
	if auc := rankedAUC(result, truth.customers(rng, 20_000)); auc < 0.7 {
		t.Errorf("AUC %.3f of customers like them", auc)
	}
	if q := result.Quality; q.AUC <= 0.5 || q.AUC > 1 || q.Holdout != 25 {
		t.Errorf("quality %+v", q)
	}
}

func TestTooFewToMeasureIsSaid(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 1))
	truth := linearTruth(rng, 3, 3, 0, 1)
	result := fit(t, problem(truth.levels, truth.customers(rng, 9)))
	if q := result.Quality; q.Holdout != 0 || q.AUC != 0 || q.Grade == "" {
		t.Errorf("quality of nine customers: %+v", q)
	}
}

func TestASourceThatOneLevelTellsStaysFinite(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 1))
	truth := linearTruth(rng, 3, 4, 0, 0)
	all := truth.customers(rng, 4_000)
	for i := range all {
		all[i].source = all[i].levels[1] == 3
	}
	result := fit(t, problem(truth.levels, all))
	with, without := logit(result, []uint8{0, 3, 0}), logit(result, []uint8{0, 0, 0})
	if math.IsInf(with, 0) || with < 1 || without > -1 {
		t.Errorf("logits %v with it, %v without", with, without)
	}
	if result.Quality.AUC != 1 || result.Quality.Grade != "excellent" {
		t.Errorf("quality %+v", result.Quality)
	}
}

// What weighs nothing must not be learned from: rows of None are rows of no field.
func TestNoneWeighsNothing(t *testing.T) {
	rng := rand.New(rand.NewPCG(10, 1))
	truth := linearTruth(rng, 3, 4, 0, 0)
	all := truth.customers(rng, 4_000)
	for i := range all {
		if all[i].levels[1] = train.None; all[i].source {
			all[i].levels[1] = 2
		}
	}
	result := fit(t, problem(truth.levels, all))
	if w := result.Weights[1]; w[0] != 0 || w[1] != 0 || w[2] < 1 || w[3] != 0 {
		t.Errorf("weights %v, want nothing but the third", w)
	}
}

func TestNothingToLearnFromIsSaid(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 1))
	truth := linearTruth(rng, 3, 4, 0, 1)
	check := func(what string, want error, change func(all []customer)) {
		t.Helper()
		all := truth.customers(rng, 200)
		change(all)
		if _, err := train.Fit(t.Context(), problem(truth.levels, all)); !errors.Is(err, want) {
			t.Errorf("%s: error %v, want %v", what, err, want)
		}
	}
	every := func(change func(c *customer)) func([]customer) {
		return func(all []customer) {
			for i := range all {
				change(&all[i])
			}
		}
	}
	check("nobody in the source", train.ErrNoSource, every(func(c *customer) { c.source = false }))
	check("everybody in the source", train.ErrNoBackground, every(func(c *customer) { c.source = true }))
	check("all alike", train.ErrConstant, every(func(c *customer) { c.levels = []uint8{1, 2, train.None} }))

	all := truth.customers(rng, 200)
	all[17].levels[2] = 4
	if _, err := train.Fit(t.Context(), problem(truth.levels, all)); err == nil {
		t.Error("a level that does not exist is accepted")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := train.Fit(ctx, problem(truth.levels, truth.customers(rng, 200))); !errors.Is(err, context.Canceled) {
		t.Errorf("a canceled fit ends with %v", err)
	}
}

// Of ranges in an order each says something of its neighbours, so that few members tell as much as of a few ranges.
func TestNeighboursShareWhatTheyHaveInCommon(t *testing.T) {
	notShort(t)
	rng := rand.New(rand.NewPCG(30, 1))
	levels := slices.Repeat([]int{16}, 8)
	truth := truth{levels: levels, bias: -3}
	for f := range levels {
		weights := make([]float64, 16)
		for level := range weights {
			weights[level] = float64(f%3) * (float64(level)/8 - 1) // a line
		}
		truth.weights = append(truth.weights, weights)
	}
	fresh := truth.customers(rng, 20_000)
	var with, without float64
	const times = 5
	for range times {
		all := truth.customers(rng, 2_000)
		p := problem(levels, all)
		without += rankedAUC(fit(t, p), fresh) / times
		p = problem(levels, all)
		p.Ordered = levels
		with += rankedAUC(fit(t, p), fresh) / times
	}
	t.Logf("AUC %.3f, without the order %.3f", with, without)
	if with < without+0.01 {
		t.Errorf("AUC %.3f, without the order %.3f", with, without)
	}
}
