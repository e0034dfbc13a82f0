package main

import (
	"slices"
	"strings"
	"testing"

	"kindred/cmd/internal/reading"
	"kindred/pipeline/learn"
	"kindred/pipeline/testkit"
	"kindred/schemas"
)

// TestShowTellsThatProfilesHaveShifted: what show says of the profiles, /metrics says too, and the next run starts anew.
func TestShowTellsThatProfilesHaveShifted(t *testing.T) {
	testkit.NotShort(t)
	everywhere(t, func(w *world) {
		w.serve()
		w.declare()
		w.bring(0, crowd)
		w.segment("vip", `"added":%s`, vips(0, crowd))
		w.successful("more", `"action":"expand","sourceSegmentId":"vip"`)
		w.agree()
		stable := func(when string) {
			t.Helper()
			drift := printed[reading.Expansion](w, "show", "more").Drift
			if drift == nil || drift.Warning != nil || len(drift.Fields) == 0 || drift.Fields[0].Index > 0.001 {
				t.Errorf("%s it says %+v", when, drift)
			}
			if text := w.kindred(done, "show", "more"); !strings.Contains(text, "All fields are stable") {
				t.Errorf("%s it says\n%s", when, text)
			}
		}
		stable("right after the run")

		for number := 0; number < crowd; number += 2 {
			w.live(customer(number), "Gender", "X")
		}
		w.agree()
		drift := printed[reading.Expansion](w, "show", "more").Drift
		if drift.Warning == nil || drift.Warning.Code != "drift" || drift.Warning.Hint == "" || drift.Fields[0].Name != "Gender" || drift.Fields[0].Index < learn.Shifted {
			t.Errorf("half of the customers have another gender, and it says %+v", drift)
		}
		text := strings.Join(strings.Fields(w.kindred(done, "show", "more")), " ")
		if !strings.Contains(text, "profiles have shifted since it learned: Gender (X: ") || !strings.Contains(text, "kindred refresh more") {
			t.Errorf("it says\n%s", text)
		}
		found, err := learn.Drifts(w.Ctx, w.cache, shardsOfAWorld)
		w.OK(err)
		var d drifts
		d.set(found)
		var r readings
		d.read(&r)
		for _, reading := range r.all {
			k := slices.IndexFunc(drift.Fields, func(f learn.FieldDrift) bool { return f.Name == reading.Labels[3] })
			if reading.Name != "kindred_profile_drift" || reading.Labels[1] != "more" || reading.Value != drift.Fields[k].Index {
				t.Errorf("the metric is %+v", reading)
			}
		}
		if len(r.all) != len(drift.Fields) {
			t.Errorf("%d metrics of %d fields", len(r.all), len(drift.Fields))
		}

		w.successful("more", `"action":"refresh","force":true`)
		w.agree()
		stable("after a refresh")
	})
}

// TestOfAnExpansionThatIsDeletedNoDriftIsShown also when Redis has its model still.
func TestOfAnExpansionThatIsDeletedNoDriftIsShown(t *testing.T) {
	f := new(reading.Facts)
	for _, e := range []schemas.Expansion{{State: schemas.StateNew}, {State: schemas.StateDeleted, Definition: new(schemas.Definition)}} {
		if drift, err := f.Drift(t.Context(), &e); drift != nil || err != nil {
			t.Errorf("%s: %+v, %v", e.State, drift, err)
		}
	}
}
