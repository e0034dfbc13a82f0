package model_test

import (
	"reflect"
	"slices"
	"testing"

	"kindred/pipeline/model"
)

// TestWhatEverybodyHasIsNoReason: beside rows that are like it a row has no reasons; what sets it apart weighs what it adds.
func TestWhatEverybodyHasIsNoReason(t *testing.T) {
	m, s := small(), smallShard()
	table := model.NewAccount(m)
	oslo := s.row(map[string]string{"City": `"Oslo"`, "Age": "30"})
	rome := s.row(map[string]string{"City": `"Rome"`, "Age": "30"})
	table.Fold(s.columns)
	got := table.Beside(oslo, slices.Values([][]byte{rome, oslo}))
	want := []model.Reason{
		{Field: "City", Value: `"Oslo"`, Level: -1, Weight: 3000 - (3000-2000)/2},
		{Field: "Shoe", Level: -1, Absent: true},
		{Field: "Age", Value: "30", Level: 1},
		{Field: "Year", Level: -1, Absent: true},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the reasons are %+v, want %+v", got, want)
	}
	if alone := table.Beside(oslo, slices.Values([][]byte{})); !reflect.DeepEqual(alone, table.Reasons(oslo)) {
		t.Errorf("with nobody beside it, the reasons are %+v", alone)
	}
}

// TestACrossIsAReasonBesideOthers: what the others have of it on average is taken off; a change of one value moves its crosses.
func TestACrossIsAReasonBesideOthers(t *testing.T) {
	m, s := small(), smallShard()
	m.Crosses = []model.Cross{{Fields: []string{"City", "Year"}, Values: [][]string{{`"Oslo"`}, {"2016"}}, Weights: []int32{80_000}}}
	table := model.NewAccount(m)
	both := s.row(map[string]string{"City": `"Oslo"`, "Year": "2016"})
	one := s.row(map[string]string{"City": `"Rome"`, "Year": "2016"})
	table.Fold(s.columns)
	first := table.Beside(both, slices.Values([][]byte{both, one}))[0]
	if first.About() != "City, Year" || first.Weight != 40_000 || first.Together[0].Value != `"Oslo"` {
		t.Errorf("the first reason is %+v", first)
	}
	if got := table.Changes(one)[0]; got.Value != `"Oslo"` || got.Score != table.Score(both) {
		t.Errorf("the change to Oslo is %+v, want a score of %d", got, table.Score(both))
	}
}
