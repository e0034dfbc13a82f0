package learn

import (
	"context"
	"iter"

	"kindred/pipeline/cache"
	"kindred/pipeline/model"
	"kindred/schemas"
)

// HeldOut goes through those of a shard whom a model holds out, by row and with their scores: they would be members, and by lot
// are none. The view must have the segments of the model's definition. It is the rule of membership as of now, as of a member.
func HeldOut(m *model.Model, expansionID string, view *cache.View) iter.Seq2[int, int] {
	if m.Deleted || m.Definition.Holdout == 0 {
		return func(func(row, score int) bool) {}
	}
	scores, _, _ := Score(m, view)
	return heldOut(m, expansionID, view, scores)
}

// heldOut is HeldOut of a shard whose rows have been scored.
func heldOut(m *model.Model, expansionID string, view *cache.View, scores []int16) iter.Seq2[int, int] {
	return func(yield func(row, score int) bool) {
		for row, scored := range scores {
			score := int(scored)
			if score < m.Cut.Score { // as most are, and who cannot become a member
				continue
			}
			if id := view.ID(row); m.Reaches(score, expansionID, id) && m.HoldsOut(expansionID, id) && !yield(row, score) {
				return
			}
		}
	}
}

// holdOut counts by band whom the model holds out of those it has chosen.
func (r *run) holdOut(ctx context.Context) error {
	if r.Definition.Holdout == 0 {
		return nil
	}
	err := r.eachShard(ctx, func(_ context.Context, s *shard) error {
		for _, score := range heldOut(r.model, r.ExpansionID, s.view, s.scores) {
			s.heldOut[r.model.Band(score)]++
		}
		return nil
	})
	for _, s := range r.shards {
		for b, n := range s.heldOut {
			r.heldOut[b] += n
		}
	}
	return err
}

// tellHeldOut takes those who are held out from the members that a report counts.
func (r *run) tellHeldOut(found *schemas.Report) {
	for b, n := range r.heldOut {
		found.Counts.Members -= n
		found.Counts.HeldOut += n
		found.Distribution[b].Members -= n
		found.Distribution[b].HeldOut += n
	}
}
