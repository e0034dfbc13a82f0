package learn_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"kindred/pipeline/learn"
	"kindred/schemas"
)

// seen is a lesson about customers of whom half were last seen in a month and half in the one before, at times in seconds;
// those in the source rather in the later one. Each customer has one of so many times.
func seen(t *testing.T, times, shards int) *learn.Result {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	const begin, month = 1_700_000_000, 30 * 24 * 3600
	store := stored(t, 6000, shards, func(i int) (id, profile string, segments []string) {
		at := random.IntN(times) * (2 * month / times)
		chance := 0.02
		if at >= month {
			chance = 0.2
		}
		if random.Float64() < chance {
			segments = []string{"vip"}
		}
		id = fmt.Sprint("c-", i)
		return id, fmt.Sprintf(`{"customerId":%q,"fields":{"Seen":%d}}`, id, begin+at), segments
	})
	result, err := learned(t, store, shards, lesson(func(d *schemas.Definition) { d.Fields = []string{"Seen"} }))
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func TestThisMonthIsToldFromTheLast(t *testing.T) {
	for _, times := range []int{4, 100, 100_000} {
		for _, shards := range []int{1, 3} {
			r := seen(t, times, shards)
			if r.Report.Quality.AUC < 0.65 || r.Report.Quality.AUC > 0.9 {
				t.Errorf("of %d times in %d shards: %+v", times, shards, r.Report.Quality)
			}
		}
	}
}

// Whether shards keep numbers by value or have too many of them makes no difference to the model.
func TestNumbersAreCutAlikeInHoweverManyShards(t *testing.T) {
	for _, times := range []int{300, 5000} {
		first := seen(t, times, 1).Model.Fields
		for _, shards := range []int{2, 16, 40} {
			if got := seen(t, times, shards).Model.Fields; !slices.Equal(got[0].Bounds, first[0].Bounds) {
				t.Errorf("%d times in %d shards are cut at %v, in one at %v", times, shards, got[0].Bounds, first[0].Bounds)
			}
		}
	}
}
