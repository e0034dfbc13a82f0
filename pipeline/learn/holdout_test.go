package learn_test

import (
	"math"
	"reflect"
	"slices"
	"testing"

	"kindred/pipeline/cache"
	"kindred/pipeline/learn"
	"kindred/pipeline/testkit"
	"kindred/pipeline/train"
	"kindred/schemas"
)

// heldOut returns the scores of those whom a model holds out, by customer.
func heldOut(t *testing.T, store *cache.Store, shards int, learned *learn.Result) map[string]int {
	t.Helper()
	found := map[string]int{}
	for shard := range shards {
		view, err := store.Scan(t.Context(), shard, cache.Want{Segments: learned.Model.Definition.Segments()})
		if err != nil {
			t.Fatal(err)
		}
		for row, score := range learn.HeldOut(learned.Model, "vip-expansion", view) {
			found[string(view.ID(row))] = score
		}
	}
	return found
}

// The share is taken of those whom share and count choose: neither the weights nor the cut know of it.
func TestTheHoldOutIsTakenOfThoseWhoAreChosen(t *testing.T) {
	customers := testkit.Town(6000)
	store := cached(t, customers, 3)
	all, err := learned(t, store, 3, lesson(nil))
	if err != nil {
		t.Fatal(err)
	}
	some, err := learned(t, store, 3, lesson(func(d *schemas.Definition) { d.Holdout = 0.2 }))
	if err != nil {
		t.Fatal(err)
	}
	members, left, out := decided(all.Model, customers), decided(some.Model, customers), heldOut(t, store, 3, some)
	for id, state := range members {
		_, stays := left[id]
		if score, held := out[id]; held == stays || held && score != state.Score() {
			t.Errorf("%s is a member: %v, held out: %v, with %d after %d", id, stays, held, score, state.Score())
		}
	}
	if len(left)+len(out) != len(members) || len(out) == 0 || len(heldOut(t, store, 3, all)) > 0 {
		t.Errorf("of %d members %d are left, %d held out", len(members), len(left), len(out))
	}
	some.Model.Definition.Holdout = 0
	if !reflect.DeepEqual(some.Model, all.Model) {
		t.Error("whoever is held out has changed the model")
	}
	a, b := all.Report, some.Report
	if b.Counts.Chosen() != a.Counts.Members || b.Counts.HeldOut != int64(len(out)) || b.Cut != a.Cut || b.Ties != a.Ties || !slices.Equal(a.Reach, b.Reach) {
		t.Errorf("the report has %+v and cut %v, without a hold-out %+v and %v", b.Counts, b.Cut, a.Counts, a.Cut)
	}
}

// Who is held out is like who is not: else they could not be compared.
func TestTheHeldOutAreSpreadEvenly(t *testing.T) {
	const share = 0.2
	customers := testkit.Town(12_000)
	store := cached(t, customers, 4)
	learned, err := learned(t, store, 4, lesson(func(d *schemas.Definition) { d.Share, d.Floor, d.Holdout = 1, 0, share }))
	if err != nil {
		t.Fatal(err)
	}
	out := heldOut(t, store, 4, learned)
	scores := map[string]int{}
	for id, state := range decided(learned.Model, customers) {
		scores[id] = state.Score()
	}
	for id, score := range out {
		scores[id] = score
	}
	check := func(what string, group func(id string) int) {
		t.Helper()
		all, held := map[int]float64{}, map[int]float64{}
		for id := range scores {
			all[group(id)]++
			if _, is := out[id]; is {
				held[group(id)]++
			}
		}
		sum := 0.0
		for g, n := range all {
			sum += (held[g] - share*n) * (held[g] - share*n) / (n * share * (1 - share))
		}
		if far := (sum - float64(len(all))) / math.Sqrt(2*float64(len(all))); far > 4 || len(all) < 4 {
			t.Errorf("%s tells who is held out: chi-square %.0f of %d groups", what, sum, len(all))
		}
	}
	check("the score", func(id string) int { return scores[id] / 1000 })
	check("the band and the last digit", func(id string) int { return learned.Model.Band(scores[id])*10 + int(id[len(id)-1]-'0') })
	check("who is in a sample", func(id string) int { return int(train.Hash([]byte(id)) >> 60) })
}
