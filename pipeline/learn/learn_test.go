package learn_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"kindred/pipeline/learn"
	"kindred/pipeline/model"
	"kindred/pipeline/testkit"
	"kindred/schemas"
)

func TestTheSameCustomersGiveTheSameModelInHoweverManyShards(t *testing.T) {
	customers := testkit.Town(6000)
	l := lesson(func(d *schemas.Definition) { d.Suppress = []string{"employees"} })
	var first []byte
	for _, shards := range []int{1, 2, 5} {
		learned, err := learned(t, cached(t, customers, shards), shards, l)
		if err != nil {
			t.Fatal(err)
		}
		learned.Model.Epoch = 1
		raw, err := learned.Model.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = raw
		}
		if !bytes.Equal(raw, first) {
			t.Errorf("with %d shards the model is another", shards)
		}
		slices.Reverse(customers) // rows lie in another order, too
	}
}

// Members are rather those whose plan and city go together, which neither tells by itself.
func TestWhatShowsTogetherOnlyIsLearnedInHoweverManyShards(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	const customers = 6000
	profiles, segments := make([]string, customers), make([][]string, customers)
	for i := range profiles {
		city, plan, age := random.IntN(4), random.IntN(4), random.IntN(60)
		profiles[i] = fmt.Sprintf(`{"customerId":"c-%d","fields":{"City":"c%d","Plan":%d,"Age":%d}}`, i, city, plan, age)
		chance := 0.1
		if city%2 == plan%2 {
			chance = 0.5
		}
		if random.Float64() < chance {
			segments[i] = []string{"vip"}
		}
	}
	l := lesson(func(d *schemas.Definition) { d.Fields = []string{"City", "Plan", "Age"} })
	var first *model.Model
	for _, shards := range []int{1, 2, 5} {
		store := stored(t, customers, shards, func(i int) (id, profile string, in []string) {
			if shards == 2 {
				i = customers - 1 - i // rows lie in another order, too
			}
			return fmt.Sprint("c-", i), profiles[i], segments[i]
		})
		learned, err := learned(t, store, shards, l)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = learned.Model
		}
		if !reflect.DeepEqual(learned.Model, first) {
			t.Errorf("with %d shards the model is another", shards)
		}
	}
	if len(first.Crosses) == 0 || !slices.Equal(first.Crosses[0].Fields, []string{"City", "Plan"}) {
		t.Fatalf("crossed are %+v", first.Crosses)
	}
}

// Whoever looks at the fields before a run sees what the run will find.
func TestASurveyFindsWhatARunFinds(t *testing.T) {
	customers := testkit.Town(6000)
	result, err := learned(t, cached(t, customers, 2), 2, lesson(func(d *schemas.Definition) { d.Fields = nil }))
	if err != nil {
		t.Fatal(err)
	}
	for _, derived := range []bool{false, true} {
		store := cached(t, customers, 3)
		if derived {
			store = cached(t, customers, 3, "vip")
		}
		survey, err := (&learn.Trainer{Cache: store, Number: 3}).Survey(t.Context(), nil, "vip", derived)
		if err != nil {
			t.Fatal(err)
		}
		counts := result.Report.Counts
		if survey.Customers.All != counts.Customers || survey.Customers.Source != counts.SourceWithProfile || survey.Segment != counts.Source {
			t.Errorf("surveyed %+v of %d, the run found %+v", survey.Customers, survey.Segment, counts)
		}
		for i, got := range survey.Fields {
			want := result.Report.Fields[i]
			want.Influence, want.For, want.Against = 0, nil, nil
			if !reflect.DeepEqual(got.FieldReport, want) {
				t.Errorf("surveyed %+v, the run found %+v", got.FieldReport, want)
			}
		}
	}
	survey, err := (&learn.Trainer{Cache: cached(t, customers, 2), Number: 2}).Survey(t.Context(), nil, "", false)
	if err != nil || survey.Customers.Source != 0 || len(survey.Fields) != len(result.Report.Fields) {
		t.Errorf("without a segment: %+v, %v", survey, err)
	}
}

// The members of an expansion are learned from, are candidates, and are kept out, as those of a segment are.
func TestTheMembersOfAnExpansionAreTakenAsThoseOfASegment(t *testing.T) {
	customers := testkit.Town(6000)
	change := func(d *schemas.Definition) {
		d.Suppress, d.Candidates.SegmentID = []string{"employees"}, "newsletter"
	}
	want, err := learned(t, cached(t, customers, 2), 2, lesson(change))
	if err != nil {
		t.Fatal(err)
	}
	for _, derived := range [][]string{{"vip"}, {"newsletter"}, {"employees"}, {"vip", "newsletter", "employees"}} {
		l := lesson(change)
		l.Derived = derived
		got, err := learned(t, cached(t, customers, 2, derived...), 2, l)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got.Model, want.Model) {
			t.Errorf("from the expansions %s another model is learned", derived)
		}
		warned := slices.ContainsFunc(got.Report.Warnings, func(w schemas.Warning) bool { return w.Code == "derived_source" })
		if source := slices.Contains(derived, "vip"); warned != source {
			t.Errorf("with the expansions %s the warning of a derived source is there: %v, want %v", derived, warned, source)
		}
		got.Report.Warnings = want.Report.Warnings
		if !reflect.DeepEqual(got.Report, want.Report) {
			t.Errorf("from the expansions %s: reported %+v, want %+v", derived, got.Report.Counts, want.Report.Counts)
		}
	}
	few := lesson(nil)
	few.Derived = []string{"vip"}
	_, err = learned(t, cached(t, customers[:100], 2, "vip"), 2, few)
	var refused *schemas.RunError
	if !errors.As(err, &refused) || refused.Code != schemas.CodeSourceTooSmall {
		t.Errorf("too small an expansion as a source gives %v", err)
	}
}

// A run reads into the memory of an earlier one. It must find nothing of that one there, and must not change its result.
func TestATrainerLearnsAnewEveryTime(t *testing.T) {
	encoded := func(learned *learn.Result, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		learned.Model.Epoch = 1
		raw, err := learned.Model.Encode()
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	many, few := cached(t, testkit.Town(6000), 2), cached(t, testkit.Town(9000)[6000:], 2)
	trainer := &learn.Trainer{Cache: many, Number: 2}
	first, err := trainer.Learn(t.Context(), lesson(nil), silent)
	before := encoded(first, err)
	trainer.Cache = few
	if encoded(trainer.Learn(t.Context(), lesson(nil), silent)) != encoded(learned(t, few, 2, lesson(nil))) {
		t.Error("the second run learns something else than a first one")
	}
	if encoded(first, nil) != before {
		t.Error("the second run has changed the result of the first one")
	}
}

func TestACacheThatHasFallenBackIsNotLearnedFrom(t *testing.T) {
	store := cached(t, testkit.Town(600), 2)
	l := lesson(nil)
	l.Ends = schemas.Ends{SegmentChanges: 10, Profiles: []int64{7, 8}}
	_, err := learned(t, store, 2, l)
	var refused *schemas.RunError
	if err == nil || errors.As(err, &refused) {
		t.Errorf("shard 1 has seen 7 of 8 profiles, and learning gives %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	l.Ends.Profiles[1] = 7
	if _, err := (&learn.Trainer{Cache: store, Number: 2}).Learn(ctx, l, silent); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled it gives %v", err)
	}
}
