package train

import (
	"math"
	"slices"
	"testing"
)

// Whom a fold holds out is told in two ways, which must agree whatever the sizes are.
func TestEveryMemberIsUnseenInItsFold(t *testing.T) {
	for _, ends := range []strata{{400, 400, 1200, 1200}, {3, 10, 11, 30}, {1, 2, 3, 4}, {0, 9, 9, 22}, {17, 17, 17, 40}} {
		h := &heldOut{task: &task{}, members: make([]int, ends[3]), source: ends[1], strata: ends}
		for fold := range folds {
			var want []int
			for member := range h.members {
				if h.fold(member) == fold {
					want = append(want, member)
				}
			}
			if got := h.unseen(fold); !slices.Equal(got, want) {
				t.Errorf("strata %v, fold %d: unseen are %v, want %v", ends, fold, got, want)
			}
		}
	}
}

func TestLossesAddUpWhatSoftplusGives(t *testing.T) {
	l, want := losses{product: 1}, 0.0
	for i := range 5_000 {
		x := 3 * math.Sin(float64(i))
		l.add(x)
		want += softplus(x)
	}
	if got := l.sum(); math.Abs(got-want) > 1e-9*want {
		t.Errorf("losses are %v, want %v", got, want)
	}
}

// What a fold learned from comes first in its path, what it has not seen after that; and its fit gives the latter the logits that
// their levels deserve.
func TestAPathGivesLogitsToWhomItHasNotSeen(t *testing.T) {
	d := draw(11, 1200, 400, []int{4, 5, 6}, nil)
	task := &task{
		problem: Problem{Levels: []int{4, 5, 6}}, rows: d.rows, source: 400, strata: strata{300, 400, 1000, 1200}, design: d.design,
	}
	h := task.heldOut()
	for fold, p := range h.paths() {
		rows := 0
		for own, part := range p.parts {
			for _, of := range part {
				rows += of.to - of.from
				if own == fold {
					t.Errorf("fold %d learns from rows %v of its own", fold, of)
				}
			}
		}
		if unseen := h.unseen(fold); rows != len(p.rows) || rows+len(unseen) != len(h.members) {
			t.Errorf("fold %d learns from %d rows of %d, and %d are unseen", fold, rows, len(h.members), len(unseen))
		}
		weights, all := p.fit(h.design, 0.1), make([]float64, len(h.members))
		h.put(all, fold, p.newton.ofUnseen(weights))
		for _, member := range h.unseen(fold) {
			if want := h.design.logit(weights, h.rows[h.members[member]]); math.Abs(all[member]-want) > 1e-9 {
				t.Fatalf("fold %d gives member %d a logit of %v, want %v", fold, member, all[member], want)
			}
		}
	}
}
