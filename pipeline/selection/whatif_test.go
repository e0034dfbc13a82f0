package selection_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"kindred/pipeline/model"
	"kindred/pipeline/selection"
	"kindred/schemas"
)

// TestAWhatIfIsWhatARunWouldFind: as many members as a run would have, and the lowest score to a hundredth.
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
		members, lowest := rule.WhatIf(&schemas.Report{
			Counts: schemas.Counts{Candidates: run.Candidates, Similar: run.Similar}, Reach: selection.Reach(h),
		})
		if want := float64(min(run.Score, model.Best)) / model.Best; members != run.Members || math.Abs(lowest-want) > 0.01+1e-9 {
			t.Fatalf("%d members from %v, a run finds %d from %v", members, lowest, run.Members, want)
		}
	})
}
