package model_test

import (
	"testing"

	"kindred/pipeline/model"
)

// Where the id decides nothing it may as well be another.
func TestWhoseIDDecides(t *testing.T) {
	m := small()
	m.Cut = model.Cut{Score: 6000}
	check := func(score int, want bool) {
		t.Helper()
		if got := m.Hinges(score); got != want {
			t.Errorf("at %d of %+v: %v", score, m.Cut, got)
		}
		for _, id := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
			if !want && (!m.Reaches(score, "x", []byte(id)) || m.HoldsOut("x", []byte(id))) {
				t.Errorf("at %d of %+v: %s is no member", score, m.Cut, id)
			}
		}
	}
	check(6000, false)
	check(6001, false)
	m.Cut.Tie = 1 << 52
	check(6000, true)
	check(6001, false)
	m.Definition.Holdout = 0.5
	check(6001, true)
}
