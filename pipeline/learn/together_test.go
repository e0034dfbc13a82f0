package learn_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"kindred/pipeline/learn"
	"kindred/pipeline/testkit"
)

// crossedTown makes customers of whom the old of Oslo and the young of Bergen are in the source.
func crossedTown(n int) []testkit.Customer {
	rng := rand.New(rand.NewPCG(9, 1))
	customers := make([]testkit.Customer, n)
	for i := range customers {
		c := testkit.Customer{ID: fmt.Sprint("c-", i), City: []string{"Oslo", "Bergen"}[i%2], Age: 20 + 10*rng.IntN(5)}
		chance := 0.03
		if old := c.Age > 40; old == (c.City == "Oslo") {
			chance = 0.4
		}
		if rng.Float64() < chance {
			c.Segments = append(c.Segments, "vip")
		}
		customers[i] = c
	}
	return customers
}

// TestTheReportTellsWhatOnlyShowsTogether: the old of Oslo and the young of Bergen are in the source, so neither city and no age
// tells much. The report says which combinations do, and how many have them; a model that is recalled says the same.
func TestTheReportTellsWhatOnlyShowsTogether(t *testing.T) {
	customers := crossedTown(12_000)
	const shards = 2
	store := cached(t, customers, shards)
	result, err := learned(t, store, shards, lesson(nil))
	if err != nil {
		t.Fatal(err)
	}
	found := result.Report.Crosses
	if len(found) != 1 || !reflect.DeepEqual(found[0].Fields, []string{"Age", "City"}) || found[0].Influence < 0.5 {
		t.Fatalf("what only shows together is %+v", found)
	}
	for _, v := range append(found[0].For, found[0].Against...) {
		var n int64
		for _, c := range customers {
			if v.Value == fmt.Sprintf("%d together with %s", c.Age, c.City) {
				n++
			}
		}
		speaks := strings.HasSuffix(v.Value, "Oslo") == (v.Value >= "50")
		if n != v.Customers || n < 10 || speaks != (v.Lift > 1.5) || !speaks != (v.Lift < 0.7) {
			t.Errorf("it says %+v, %d have that", v, n)
		}
	}
	if len(found[0].For) != 3 || len(found[0].Against) != 3 {
		t.Errorf("it names %d and %d combinations", len(found[0].For), len(found[0].Against))
	}

	keep(t, store, shards, "vip-expansion", []byte(bytesOf(t, result, 3)))
	l := lesson(nil)
	l.Definition.Share, l.Last = 0.5, &learn.Last{Epoch: 3, Report: result.Report, Suffices: true}
	again, err := learned(t, store, shards, l)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(again.Report.Crosses, found) {
		t.Errorf("recalled, it says %+v", again.Report.Crosses)
	}
}
