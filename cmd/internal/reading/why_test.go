package reading

import (
	"testing"

	"kindred/pipeline/model"
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
