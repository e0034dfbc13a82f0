package selection_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"kindred/pipeline/model"
	"kindred/pipeline/selection"
	"kindred/schemas"
)

// As many members as a run would have, and the lowest score to a hundredth, whatever floor the reported run had.
func TestAWhatIfIsWhatARunWouldFind(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := new(selection.Histogram)
		for range rapid.IntRange(0, 60).Draw(t, "scores") {
			h[rapid.IntRange(0, model.Best).Draw(t, "score")] += rapid.Int64Range(1, 50).Draw(t, "customers")
		}
		d := &schemas.Definition{Floor: float64(rapid.IntRange(0, 100).Draw(t, "floor")) / 100, Preset: rapid.SampledFrom([]string{"seed", "2020-05"}).Draw(t, "preset")}
		if rapid.Bool().Draw(t, "counted") {
			d.Count = rapid.Int64Range(1, 2000).Draw(t, "count")
		} else {
			d.Share = float64(rapid.IntRange(1, 100).Draw(t, "share")) / 100
		}
		rule := selection.PresetOf(d).Rule(d)
		run := selection.Choose(h, rule)
		reported := rule
		if rapid.Bool().Draw(t, "another floor") {
			reported.Floor = rapid.IntRange(0, model.Best).Draw(t, "reported floor")
		}
		was := selection.Choose(h, reported)
		members, similar, lowest := rule.WhatIf(&schemas.Report{
			Counts: schemas.Counts{Candidates: was.Candidates, Similar: was.Similar}, Reach: selection.Reach(h),
		}, reported.Floor)
		want := float64(min(run.Score, model.Best)) / model.Best
		if members != run.Members || similar != run.Similar || math.Abs(lowest-want) > 0.01+1e-9 {
			t.Fatalf("%d members of %d from %v, a run finds %d of %d from %v", members, similar, lowest, run.Members, run.Similar, want)
		}
	})
}

// TestAFloorBetweenTwoPointsOfReachIsAbout: those between the points count by where the floor lies.
func TestAFloorBetweenTwoPointsOfReachIsAbout(t *testing.T) {
	report := &schemas.Report{Counts: schemas.Counts{Candidates: 1000, Similar: 700}, Reach: make([]int64, 101)}
	for i := range report.Reach {
		report.Reach[i] = int64(1000 - 10*i)
	}
	rule := selection.Rule{Floor: 5025, Share: 1}
	if members, similar, _ := rule.WhatIf(report, 3000); members != 498 || similar != 498 {
		t.Errorf("%d members of %d, want 498", members, similar)
	}
	rule.Floor = model.Best
	if _, similar, lowest := rule.WhatIf(report, 3000); similar != 0 || lowest != 1 {
		t.Errorf("%d reach 1, from %v", similar, lowest)
	}
}
