package main

import (
	"slices"
	"strings"
	"testing"

	"kindred/cmd/internal/terminal"
	"kindred/schemas"
)

// TestACompareCountsWhatConsumersHave: the members of both and of one only, by band, are those of the topic.
func TestACompareCountsWhatConsumersHave(t *testing.T) {
	everywhere(t, func(w *world) {
		w.serve()
		w.declare()
		w.bring(0, crowd)
		w.segment("vip", `"added":%s`, vips(0, crowd))
		w.segment("others", `"added":%s`, vips(0, crowd/2))
		w.successful("more", `"action":"expand","sourceSegmentId":"vip","share":0.4`)
		w.successful("less", `"action":"expand","sourceSegmentId":"others","share":0.6,"fields":["Membership","Basket","Coffee"]`)
		w.agree()

		first, second := w.market.of("more"), w.market.of("less")
		want := make([]comparedBand, len(schemas.BandNames))
		both := int64(0)
		for id, place := range first {
			if also, is := second[id]; is {
				both++
				want[place.Band].BothFirst++
				want[also.Band].BothSecond++
			} else {
				want[place.Band].OnlyFirst++
			}
		}
		for id, place := range second {
			if _, is := first[id]; !is {
				want[place.Band].OnlySecond++
			}
		}
		for i := range want {
			want[i].Band = schemas.BandNames[i]
		}
		got := printed[comparison](w, "compare", "more", "less")
		if !slices.Equal(got.Bands, want) || got.Both != both || both == 0 || got.OnlyFirst == 0 || got.OnlySecond == 0 {
			t.Errorf("it counts %+v, want %+v, %d in both", got, want, both)
		}
		if got.First.Members != int64(len(first)) || got.Second.Members != int64(len(second)) {
			t.Errorf("%d and %d members, want %d and %d", got.First.Members, got.Second.Members, len(first), len(second))
		}
		var differ []string
		for _, d := range got.Definition {
			differ = append(differ, d.Property)
		}
		if !slices.Equal(differ, []string{"fields", "name", "share", "sourceSegmentId"}) {
			t.Errorf("what differs is %v", differ)
		}
		for _, f := range got.Fields {
			if used := slices.Contains([]string{"Membership", "Basket", "Coffee"}, f.Name); used != (f.Second != nil) || f.First == nil {
				t.Errorf("field %+v", f)
			}
		}
	})
}

// TestCombinationsAreCompared: those that either has learned, the most influential first, in the words of the reports.
func TestCombinationsAreCompared(t *testing.T) {
	cross := func(influence float64, value string, fields ...string) schemas.CrossReport {
		return schemas.CrossReport{Fields: fields, Influence: influence, For: []schemas.ValueReport{{Value: value, Lift: 2.3, Customers: 17}}}
	}
	first := &schemas.Report{Crosses: []schemas.CrossReport{cross(0.1, "Oslo together with pro", "City", "Plan"), cross(0.02, "41 to 50 together with pro", "Age", "Plan")}}
	second := &schemas.Report{Crosses: []schemas.CrossReport{cross(0.3, "Rome together with gold", "City", "Tier"), cross(0.2, "Bonn together with pro", "City", "Plan")}}
	found := &comparison{Crosses: crossesOfBoth(first, second), Bands: make([]comparedBand, 4)}
	var drawn strings.Builder
	found.draw(terminal.Screen{W: &drawn, Width: 80})
	at := 0
	for _, want := range []string{
		"What only shows together",
		"City, Tier first: not used second: 30 %, for Rome together with gold ×2.3",
		"City, Plan first: 10 %, for Oslo together with pro ×2.3 second: 20 %, for Bonn together with pro ×2.3",
		"Age, Plan first: 2 %, for 41 to 50 together with pro ×2.3 second: not used",
		"Definition",
	} {
		lines := strings.Join(strings.Fields(drawn.String()), " ")
		next := strings.Index(lines[at:], want)
		if next < 0 {
			t.Fatalf("%q is not there, or not in its place:\n%s", want, drawn.String())
		}
		at += next
	}
	if none := crossesOfBoth(nil, new(schemas.Report)); none == nil || len(none) > 0 {
		t.Errorf("without combinations there are %v", none)
	}
}
