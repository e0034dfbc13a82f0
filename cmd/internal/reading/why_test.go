package reading

import (
	"testing"

	"kindred/pipeline/model"
	"kindred/schemas"
)

// TestTheTieIsTold: of two who score alike the tie may take one, and why says so of the other.
func TestTheTieIsTold(t *testing.T) {
	e := &Why{Score: new(0.7), Floor: 0.55, Cut: 0.7}
	check := func(want string, m *model.Model, scored int) {
		t.Helper()
		if e.sayBelow(m, scored); e.Reason != want {
			t.Errorf("%s, want %s", e.Reason, want)
		}
	}
	check(LostTie, &model.Model{Cut: model.Cut{Score: 7000, Tie: 9}}, 7000)
	check(BelowCut, &model.Model{Cut: model.Cut{Score: 7001}}, 7000)
	check(BelowCut, &model.Model{Cut: model.Nobody()}, 7000)
	e.Floor = 0.71
	check(BelowFloor, &model.Model{Cut: model.Cut{Score: 7200}}, 7000)
}

// What another size would give counts those out whom the hold-out takes.
func TestAWhatIfLeavesOutWhoWouldBeHeldOut(t *testing.T) {
	e := &schemas.Expansion{ExpansionID: "x", State: schemas.StateLive, Definition: &schemas.Definition{Share: 0.2, Holdout: 0.05}, Report: schemas.NewReport()}
	e.Report.Counts = schemas.Counts{Candidates: 2000, Similar: 1000, Members: 188, HeldOut: 12}
	got, err := AskWhatIf(e, 0.5, 0, nil)
	if err != nil || got.Members != 475 || got.HeldOut != 25 || got.Similar != 1000 {
		t.Errorf("half of 1,000 would be %+v (%v)", got, err)
	}
}
