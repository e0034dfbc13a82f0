package selection_test

import (
	"cmp"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"kindred/pipeline/model"
	"kindred/pipeline/selection"
	"kindred/schemas"
)

// customer is a candidate.
type customer struct {
	score int
	tie   uint64
}

func count(customers []customer) *selection.Histogram {
	h := new(selection.Histogram)
	for _, c := range customers {
		h[c.score]++
	}
	return h
}

func cutOf(customers []customer, c selection.Choice) model.Cut {
	var ties []uint64
	for _, customer := range customers {
		if customer.score == c.Score {
			ties = append(ties, customer.tie)
		}
	}
	return c.Cut(ties)
}

// slowly sorts all candidates and takes the best: whole numbers of percent only, so that nothing is rounded.
func slowly(customers []customer, floor int, percent, count int, ofCandidates bool) []customer {
	sorted := slices.Clone(customers)
	slices.SortFunc(sorted, func(a, b customer) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(b.tie, a.tie))
	})
	similar := len(sorted)
	for similar > 0 && sorted[similar-1].score < floor {
		similar--
	}
	n := similar * percent / 100
	if ofCandidates {
		n = len(sorted) * percent / 100
	} else if n == 0 {
		n = 1
	}
	if count > 0 {
		n = count
	}
	return sorted[:min(n, similar)]
}

func TestTheCutIsThatOfSorting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		scores := rapid.SampledFrom([]int{0, 3999, 4000, 5499, 5500, 5501, 6000, 7000, 7999, 8000, 9999, model.Best})
		if rapid.IntRange(0, 3).Draw(t, "any score") == 0 { // seldom: ties matter most
			scores = rapid.IntRange(0, model.Best)
		}
		customers := rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) customer {
			return customer{scores.Draw(t, "score"), rapid.Uint64Range(1, 1<<20).Draw(t, "tie")}
		}), 0, 300, func(c customer) uint64 { return c.tie }).Draw(t, "customers")
		percent, number := rapid.IntRange(1, 100).Draw(t, "percent"), 0
		if rapid.Bool().Draw(t, "by count") {
			number = rapid.IntRange(1, 400).Draw(t, "count")
		}
		rule := selection.Rule{
			Floor: rapid.SampledFrom([]int{0, 5500, 9000, model.Best}).Draw(t, "floor"), Share: float64(percent) / 100,
			Count: int64(number), ShareOfCandidates: rapid.Bool().Draw(t, "of candidates"),
		}
		want := slowly(customers, rule.Floor, percent, number, rule.ShareOfCandidates)

		h := count(customers)
		choice := selection.Choose(h, rule)
		cut := cutOf(customers, choice)
		var members []customer
		var ties int64
		for _, c := range customers {
			if cut.Above(c.score, c.tie) {
				members = append(members, c)
			} else if c.score == cut.Score {
				ties++
			}
		}
		if len(members) != len(want) || int64(len(want)) != choice.Members {
			t.Fatalf("%d members above the cut, %d announced, want %d", len(members), choice.Members, len(want))
		}
		for _, c := range want {
			if !slices.Contains(members, c) {
				t.Fatalf("%+v is missing", c)
			}
		}
		if ties != choice.Ties {
			t.Fatalf("%d ties, want %d", choice.Ties, ties)
		}
		distributed(t, choice, h, customers, members)
		reached(t, h, customers)
	})
}

func distributed(t *rapid.T, choice selection.Choice, h *selection.Histogram, candidates, members []customer) {
	bounds := model.Bounds{4000, 6000, 8000}
	of := func(customers []customer, band int) (n int64) {
		for _, c := range customers {
			if bounds.Band(c.score) == band {
				n++
			}
		}
		return n
	}
	for band, got := range choice.Distribution(h, bounds) {
		if got.Candidates != of(candidates, band) || got.Members != of(members, band) {
			t.Fatalf("band %d is %+v, want %d and %d", band, got, of(candidates, band), of(members, band))
		}
	}
}

func reached(t *rapid.T, h *selection.Histogram, candidates []customer) {
	reach := selection.Reach(h)
	if len(reach) != 101 {
		t.Fatalf("the reach curve has %d points", len(reach))
	}
	for i, got := range reach {
		want := int64(0)
		for _, c := range candidates {
			if c.score >= i*100 {
				want++
			}
		}
		if got != want {
			t.Fatalf("%d reach %d %%, want %d", got, i, want)
		}
	}
}

func TestTheGreaterTiesAreIncluded(t *testing.T) {
	h := new(selection.Histogram)
	h[9000], h[7000], h[6000] = 1, 5, 3
	choice := selection.Choose(h, selection.Rule{Floor: 5500, Count: 3})
	if choice.Score != 7000 || choice.Take != 2 || choice.Ties != 3 || !choice.NeedsTies() {
		t.Fatalf("the choice is %+v", choice)
	}
	if cut, want := choice.Cut([]uint64{30, 50, 10, 40, 20}), (model.Cut{Score: 7000, Tie: 40}); cut != want {
		t.Errorf("the cut is %+v, want %+v", cut, want)
	}
	all := selection.Choose(h, selection.Rule{Floor: 5500, Count: 6})
	if cut, want := all.Cut(nil), (model.Cut{Score: 7000}); all.NeedsTies() || cut != want {
		t.Errorf("where none is left out the cut is %+v, want %+v", cut, want)
	}
}

func TestHowManyAreIncluded(t *testing.T) {
	check := func(what string, rule selection.Rule, want int64, scores ...int) {
		t.Helper()
		h := new(selection.Histogram)
		for _, s := range scores {
			h[s]++
		}
		if got := selection.Choose(h, rule).Members; got != want {
			t.Errorf("%s: %d, want %d", what, got, want)
		}
	}
	check("a share of the similar", selection.Rule{Floor: 5500, Share: 0.5}, 2, 9000, 8000, 7000, 5500, 5499, 5499)
	check("at least one", selection.Rule{Floor: 5500, Share: 0.2}, 1, 5500, 100, 100)
	check("nobody is similar", selection.Rule{Floor: 5500, Share: 0.2}, 0, 5499)
	check("nobody at all", selection.Rule{Floor: 0, Share: 1}, 0)
	check("a count", selection.Rule{Floor: 5500, Count: 2}, 2, 9000, 8000, 7000)
	check("a count beyond the similar", selection.Rule{Floor: 7500, Count: 20}, 2, 9000, 8000, 7000)
	check("everybody", selection.Rule{Floor: 0, Share: 1}, 3, 0, 0, 10000)
	check("a share of the candidates", selection.Rule{Floor: 4000, Share: 0.5, ShareOfCandidates: true}, 2, 5000, 4500, 100, 100)
	check("of which fewer are similar", selection.Rule{Floor: 4000, Share: 0.5, ShareOfCandidates: true}, 1, 5000, 100, 100, 100)
	check("of which it is not one", selection.Rule{Floor: 4000, Share: 0.2, ShareOfCandidates: true}, 0, 5000, 5000)
}

func TestSharesAreDecimal(t *testing.T) {
	check := func(share float64, n int, want int64) {
		t.Helper()
		h := new(selection.Histogram)
		h[9000] = int64(n)
		if got := selection.Choose(h, selection.Rule{Share: share}).Members; got != want {
			t.Errorf("%v of %d are %d, want %d", share, n, got, want)
		}
	}
	check(0.29, 100, 29) // 28.999999999999996 in float64
	check(0.1, 30, 3)
	check(0.7, 10, 7)
	check(0.57, 1_000_000, 570_000)
	check(1, 7, 7)
	check(1e-9, 7, 1)
}

func TestFloorsAreDecimal(t *testing.T) {
	for floor, want := range map[float64]int{
		0: 0, 0.55: 5500, 0.57: 5700, 0.5501: 5501, 0.55001: 5501, 0.00001: 1, 0.99999: model.Best, 1: model.Best,
	} {
		if got := selection.Floor(floor); got != want {
			t.Errorf("a floor of %v is a score of %d, want %d", floor, got, want)
		}
	}
}

func TestNobodyReachesTheCutOfNobody(t *testing.T) {
	choice := selection.Choose(new(selection.Histogram), selection.Rule{Share: 1})
	if cut := choice.Cut(nil); cut != model.Nobody() || choice.NeedsTies() {
		t.Errorf("the cut is %+v", cut)
	}
	for _, b := range choice.Distribution(new(selection.Histogram), model.Bounds{4000, 6000, 8000}) {
		if b.Members != 0 || b.Candidates != 0 {
			t.Errorf("somebody is in %+v", b)
		}
	}
}

func TestPresets(t *testing.T) {
	seed, ok := selection.Presets(nil).Named("seed")
	if !ok || seed.Floor != 0.55 || seed.Bounds != (model.Bounds{4000, 6000, 8000}) || seed.ShareOfCandidates {
		t.Errorf("seed is %+v", seed)
	}
	old, ok := selection.Presets(nil).Named("2020-05")
	if !ok || old.Floor != 0.4 || old.Bounds != (model.Bounds{5500, 7000, 8500}) || !old.ShareOfCandidates {
		t.Errorf("2020-05 is %+v", old)
	}
	if _, ok := selection.Presets(nil).Named("seeds"); ok {
		t.Error("there is a preset that is none")
	}
	rule := ruleOf(&schemas.Definition{Preset: "2020-05", Floor: 0.4, Share: 0.1})
	if want := (selection.Rule{Floor: 4000, Share: 0.1, ShareOfCandidates: true}); rule != want {
		t.Errorf("the rule is %+v, want %+v", rule, want)
	}
}

func TestBandsTellTheirEnds(t *testing.T) {
	h := new(selection.Histogram)
	h[8000], h[7999], h[0], h[model.Best] = 1, 2, 3, 4
	choice := selection.Choose(h, selection.Rule{Share: 0.5})
	got := choice.Distribution(h, model.Bounds{4000, 6000, 8000})
	want := []schemas.BandCount{
		{Band: "not similar", From: 0, To: 0.4, Candidates: 3},
		{Band: "somewhat similar", From: 0.4, To: 0.6},
		{Band: "similar", From: 0.6, To: 0.8, Candidates: 2},
		{Band: "very similar", From: 0.8, To: 1, Candidates: 5, Members: 5},
	}
	if !slices.Equal(got, want) {
		t.Errorf("the bands are %+v, want %+v", got, want)
	}
}

func ruleOf(d *schemas.Definition) selection.Rule { return selection.PresetOf(d).Rule(d) }
