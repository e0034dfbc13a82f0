package learn_test

import (
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"kindred/pipeline/cache"
	"kindred/pipeline/model"
	"kindred/pipeline/testkit"
	"kindred/schemas"
)

// decided returns what a model makes of every customer, one by one.
func decided(m *model.Model, customers []testkit.Customer) map[string]cache.State {
	states := map[string]cache.State{}
	for _, c := range customers {
		standing := model.Standing{Profile: true, Consents: !c.Refuses, Source: c.In("vip")}
		if score := m.Score(sum(m, c)); m.Member(standing, score, "vip-expansion", []byte(c.ID)) {
			states[c.ID] = cache.PackState(m.Band(score), score)
		}
	}
	return states
}

func TestADryRunSaysWhomTheModelWouldMove(t *testing.T) {
	customers := testkit.Town(6000)
	some := func(d *schemas.Definition) { d.Holdout = 0.2 } // they neither enter nor stay
	first, err := learned(t, cached(t, customers, 2), 2, lesson(some))
	if err != nil {
		t.Fatal(err)
	}
	should := decided(first.Model, customers)
	random := rand.New(rand.NewPCG(1, 2))
	states, want := map[string]cache.State{}, schemas.Difference{Bands: make([]schemas.BandDifference, 4)}
	for b := range want.Bands {
		want.Bands[b].Band = schemas.BandNames[b]
	}
	for _, c := range customers {
		is, member := should[c.ID]
		was := cache.State(0)
		switch random.IntN(4) {
		case 0:
			was = is
		case 1:
			was = cache.PackState(random.IntN(4), random.IntN(10_001))
		case 2:
			if random.IntN(100) == 0 {
				was = cache.Unknown
			}
		}
		if was != cache.None {
			states[c.ID] = was
		}
		switch {
		case was == is:
		case was == cache.None:
			want.Entered++
			want.Bands[is.Band()].Entered++
		case member:
			want.Changed++
			want.Bands[is.Band()].Changed++
		default:
			want.Left++
			if was != cache.Unknown {
				want.Bands[was.Band()].Left++
			}
		}
	}
	store := published(t, customers, 2, states)
	l := lesson(some)
	l.DryRun = true
	dry, err := learned(t, store, 2, l)
	if err != nil {
		t.Fatal(err)
	}
	if got := dry.Report.Difference; got == nil || !reflect.DeepEqual(*got, want) {
		t.Errorf("it says %+v, want %+v", got, want)
	}
	if c := dry.Report.Counts; c.Entered+c.Left+c.Changed != 0 || int(c.Members) != len(should) {
		t.Errorf("it counts %+v, though nothing was published", c)
	}
	if want.Entered == 0 || want.Left == 0 || want.Changed == 0 {
		t.Errorf("the sample shows nothing: %+v", want)
	}
	if real, err := learned(t, store, 2, lesson(nil)); err != nil || real.Report.Difference != nil {
		t.Errorf("a run that is none says %+v (%v)", real.Report.Difference, err)
	}
}

func TestARunByWhichMostMembersWouldLeaveIsRefused(t *testing.T) {
	customers := testkit.Town(3000)
	first, err := learned(t, cached(t, customers, 2), 2, lesson(nil))
	if err != nil {
		t.Fatal(err)
	}
	should := decided(first.Model, customers)
	check := func(refused bool, stay, leave int, state cache.State) {
		t.Helper()
		states := someOf(customers, should, stay, leave, state)
		store := published(t, customers, 2, states)
		l := lesson(nil)
		l.Guarded = true
		_, err := learned(t, store, 2, l)
		var why *schemas.RunError
		if errors.As(err, &why) != refused || refused && (why.Code != schemas.CodeShrink || why.Hint == "" ||
			why.Message != "51 of 101 members would leave, more than half") {
			t.Errorf("it gives %+v (%v)", why, err)
		}
		l.DryRun = true
		dry, err := learned(t, store, 2, l)
		if err != nil {
			t.Fatal(err)
		}
		if warns := slices.ContainsFunc(dry.Report.Warnings, func(w schemas.Warning) bool {
			return w.Code == schemas.CodeShrink && strings.HasPrefix(w.Message, "51 of 101 members")
		}); warns != refused {
			t.Errorf("a dry run warns of %+v", dry.Report.Warnings)
		}
		if _, err := learned(t, store, 2, lesson(nil)); err != nil {
			t.Errorf("without a guard it gives %v", err)
		}
	}
	member := cache.PackState(3, 9000)
	check(false, 50, 50, member)
	check(true, 50, 51, member)
	check(true, 50, 51, cache.Unknown) // perhaps members, for all we know
	check(false, 0, 0, member)
}

// someOf returns what is published of so many customers who should be members, as they should be, and of so many who should not, in
// a state.
func someOf(customers []testkit.Customer, should map[string]cache.State, stay, leave int, state cache.State) map[string]cache.State {
	states := map[string]cache.State{}
	for _, c := range customers {
		switch is, member := should[c.ID]; {
		case member && stay > 0:
			states[c.ID] = is
			stay--
		case !member && leave > 0:
			states[c.ID] = state
			leave--
		}
	}
	return states
}
