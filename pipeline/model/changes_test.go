package model_test

import (
	"slices"
	"testing"

	"kindred/pipeline/model"
)

// TestChangesAreWhatOtherValuesScore: each change scores what a row with that value scores, and the row stays as it was.
func TestChangesAreWhatOtherValuesScore(t *testing.T) {
	for _, overflow := range []bool{false, true} { // of the numbers: then the shard keeps only their keys
		m, s := small(), smallShard()
		m.Fields[0].Weights = map[string]int32{`"Oslo"`: 70_000, `"Rome"`: -20_000}
		m.Fields[2].Weights = map[string]int32{"2016": 30_000, "2017": -30_000}
		s.column("Age").Overflow, s.column("Year").Overflow = overflow, overflow
		table := model.NewAccount(m)
		of := func(city, age, year string) []byte {
			return s.row(map[string]string{"City": city, "Age": age, "Year": year})
		}
		for _, known := range []string{"12", "13", "50"} {
			of(`"Bonn"`, known, "2018") // Bonn and 2018 the model does not name
		}
		rome := of(`"Rome"`, "30", "2016")
		others := [][]byte{of(`"Oslo"`, "30", "2016"), of(`"Rome"`, "12", "2016"), of(`"Rome"`, "50", "2016"), of(`"Rome"`, "30", "2017")}
		table.Fold(s.columns)
		before := slices.Clone(rome)
		want := []model.Change{
			{Field: "City", Named: model.Named{Value: `"Oslo"`, Level: -1}},
			{Field: "Age", Named: model.Named{Level: 0}},
			{Field: "Age", Named: model.Named{Level: 2}},
			{Field: "Year", Named: model.Named{Value: "2017", Level: -1}},
		}
		for i := range want {
			want[i].Score = table.Score(others[i])
		}
		if got := table.Changes(rome); !slices.Equal(got, want) {
			t.Errorf("the changes are %+v, want %+v", got, want)
		}
		if want[0].Score <= table.Score(rome) || !slices.Equal(before, rome) {
			t.Error("Oslo does not score more, or the row has changed")
		}
	}
}
