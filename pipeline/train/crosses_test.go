package train_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"testing"

	"kindred/pipeline/train"
)

// alone is a problem in which no field may be crossed.
func alone(p train.Problem) train.Problem {
	p.Apart = slices.Repeat([]bool{true}, len(p.Levels))
	return p
}

// revealed leaves so many of a source in it: the others would be members too, but nobody has said so.
func revealed(all []customer, n int) []customer {
	some := slices.Clone(all)
	for i := range some {
		if some[i].source {
			n--
			some[i].source = n >= 0
		}
	}
	return some
}

// hiddenAUC tells the members that were not revealed from those who are none.
func hiddenAUC(r *train.Result, all, some []customer) float64 {
	var rest []customer
	for i := range all {
		if !some[i].source {
			rest = append(rest, all[i])
		}
	}
	return rankedAUC(r, rest)
}

func TestWhatOnlyShowsInPairsIsFound(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 1))
	pairs := [][]int{{0, 1}, {2, 3}, {4, 5}, {6, 7}, {8, 9}, {10, 11}}
	truth := crossedTruth(rng, 14, 5, -5, 3, pairs...)
	all := truth.customers(rng, 40_000)
	some := revealed(all, 3_000)
	found := fit(t, problem(truth.levels, some))
	fields := fit(t, alone(problem(truth.levels, some)))
	with, without := hiddenAUC(found, all, some), hiddenAUC(fields, all, some)
	t.Logf("AUC of hidden members %.3f, by fields alone %.3f", with, without)
	if with < 0.95 || without > with-0.03 {
		t.Errorf("AUC of hidden members %.3f, by fields alone %.3f", with, without)
	}
	var crosses [][]int
	for _, c := range found.Crosses {
		crosses = append(crosses, c.Fields)
	}
	if !reflect.DeepEqual(crosses, pairs) {
		t.Errorf("crossed are %v, want %v", crosses, pairs)
	}
	if fields.Crosses != nil {
		t.Errorf("fields that are apart are crossed: %v", fields.Crosses)
	}
}

func TestWhatOnlyShowsInTriplesIsFound(t *testing.T) {
	rng := rand.New(rand.NewPCG(22, 1))
	truth := crossedTruth(rng, 10, 4, -4, 4, []int{0, 1, 2}, []int{3, 4, 5})
	all := truth.customers(rng, 40_000)
	some := revealed(all, 3_000)
	found := fit(t, problem(truth.levels, some))
	with, without := hiddenAUC(found, all, some), hiddenAUC(fit(t, alone(problem(truth.levels, some))), all, some)
	t.Logf("AUC of hidden members %.3f, by fields alone %.3f", with, without)
	if with < 0.93 || without > with-0.03 {
		t.Errorf("AUC of hidden members %.3f, by fields alone %.3f", with, without)
	}
}

// However many members have been revealed, crosses do no harm where there is nothing to cross.
func TestCrossesCostNothingWhereThereAreNone(t *testing.T) {
	notShort(t)
	const seeds = 4
	for _, members := range []int{100, 175, 348, 1_000, 3_000} {
		var lost float64
		for seed := range uint64(seeds) {
			rng := rand.New(rand.NewPCG(seed, 23))
			truth := linearTruth(rng, 12, 5, -1.5, 1)
			all := truth.customers(rng, 15_000)
			some := revealed(all, members)
			found := fit(t, problem(truth.levels, some))
			if found.Crosses != nil {
				lost += hiddenAUC(fit(t, alone(problem(truth.levels, some))), all, some) - hiddenAUC(found, all, some)
			}
		}
		if lost /= seeds; lost > 0.002 {
			t.Errorf("of %d members: crosses cost %.4f of AUC in the mean", members, lost)
		}
	}
}

// The quality is that of customers who neither chose the crosses nor fitted them.
func TestQualityWithCrossesForetellsNewCustomers(t *testing.T) {
	rng := rand.New(rand.NewPCG(24, 1))
	truth := crossedTruth(rng, 10, 5, -3, 1, []int{0, 1}, []int{2, 3})
	result := fit(t, problem(truth.levels, truth.customers(rng, 12_000)))
	fresh := rankedAUC(result, truth.customers(rng, 40_000))
	if result.Crosses == nil || result.Quality.AUC > fresh+0.02 || result.Quality.AUC < fresh-0.03 {
		t.Errorf("AUC out of fold %.3f, of new customers %.3f, with crosses %v", result.Quality.AUC, fresh, result.Crosses != nil)
	}
}

func TestCrossesAreTheSameOnAnyNumberOfCoresAndInAnyOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(25, 1))
	truth := crossedTruth(rng, 8, 5, -2, 2, []int{0, 1}, []int{2, 3}, []int{4, 5, 6})
	all := truth.customers(rng, 8_000)
	first := fit(t, problem(truth.levels, all))
	if first.Crosses == nil {
		t.Fatal("no crosses")
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, cores := range []int{1, 2, 3} {
		runtime.GOMAXPROCS(cores)
		rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		if again := fit(t, problem(truth.levels, all)); !reflect.DeepEqual(first, again) {
			t.Errorf("another order on %d cores gives another result", cores)
		}
	}
}

// What fewer than ten customers have together is not named, and neither are levels that weigh nothing by themselves.
func TestARareCombinationWeighsNothing(t *testing.T) {
	rng := rand.New(rand.NewPCG(26, 1))
	truth := crossedTruth(rng, 4, 12, -1, 3, []int{0, 1})
	all := truth.customers(rng, 6_000)
	for i := range all {
		if all[i].levels[1] == 3 {
			all[i].levels[1] = train.None
		}
	}
	result := fit(t, problem(truth.levels, all))
	if len(result.Crosses) == 0 || !slices.Equal(result.Crosses[0].Fields, []int{0, 1}) {
		t.Fatalf("crossed are %v", result.Crosses)
	}
	counts := make([]int, 12*12)
	for _, c := range all {
		if c.levels[1] != train.None {
			counts[int(c.levels[0])*12+int(c.levels[1])]++
		}
	}
	rare := 0
	for cell, weight := range result.Crosses[0].Weights {
		if counts[cell] < 10 {
			rare++
		}
		if named := weight != 0; named != (counts[cell] >= 10) {
			t.Errorf("a combination of %d customers weighs %v", counts[cell], weight)
		}
	}
	if rare < 20 {
		t.Errorf("only %d combinations are rare", rare)
	}
}

// With many fields not all pairs are scored on all rows. What matters is found all the same.
func TestPairsOfManyFieldsAreFound(t *testing.T) {
	rng := rand.New(rand.NewPCG(27, 1))
	truth := crossedTruth(rng, 60, 4, -2, 2, []int{11, 50})
	result := fit(t, problem(truth.levels, truth.customers(rng, 15_000)))
	if len(result.Crosses) != 1 || !slices.Equal(result.Crosses[0].Fields, []int{11, 50}) {
		t.Errorf("crossed are %v", result.Crosses)
	}
}

// Members have an odd number of three flags set, rather: no pair of flags says anything of that.
func TestWhatShowsInNoPairIsFound(t *testing.T) {
	rng := rand.New(rand.NewPCG(28, 1))
	all, levels := make([]customer, 12_000), slices.Repeat([]int{2}, 8)
	for i := range all {
		flags := make([]uint8, len(levels))
		for f := range flags {
			flags[f] = uint8(rng.IntN(2))
		}
		odd := (flags[1] + flags[4] + flags[6]) % 2
		all[i] = customer{fmt.Sprint("c-", i), flags, rng.IntN(10) < 1+2*int(odd)}
	}
	result := fit(t, problem(levels, all))
	found := func(c train.Cross) bool { return slices.Equal(c.Fields, []int{1, 4, 6}) && c.Influence > 0.5 }
	if !slices.ContainsFunc(result.Crosses, found) {
		t.Errorf("crossed are %v", result.Crosses)
	}
}

// Members are those beyond one number whose other number is below another. Few customers tell of each of 256 combinations, but
// many of four parts.
func TestCornersAreCutOff(t *testing.T) {
	notShort(t)
	rng := rand.New(rand.NewPCG(29, 1))
	levels := slices.Repeat([]int{16}, 6)
	truth := truth{levels: levels, bias: -3, weights: slices.Repeat([][]float64{make([]float64, 16)}, 6)}
	for _, fields := range [][]int{{0, 1}, {2, 3}, {4, 5}} {
		corner := train.Cross{Fields: fields, Weights: make([]float64, 256)}
		for cell := range corner.Weights {
			if cell/16 >= 6 && cell%16 < 3 {
				corner.Weights[cell] = 2.5
			}
		}
		truth.crosses = append(truth.crosses, corner)
	}
	p := problem(levels, truth.customers(rng, 4_000))
	p.Ordered = levels
	fresh := truth.customers(rng, 30_000)
	best := rankedAUC(&train.Result{Weights: truth.weights, Crosses: truth.crosses}, fresh)
	got := rankedAUC(fit(t, p), fresh)
	t.Logf("AUC %.3f, that of the truth is %.3f", got, best)
	if got < best-0.005 {
		t.Errorf("AUC %.3f, that of the truth is %.3f", got, best)
	}
}
