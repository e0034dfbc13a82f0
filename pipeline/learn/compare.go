package learn

import (
	"context"
	"fmt"
	"sync"

	"kindred/pipeline/cache"
	"kindred/pipeline/model"
	"kindred/schemas"
)

// moved is whom a model moves, compared with what is published. A state that is unknown counts as that of a member, as it does
// where it is answered: in its expansion somebody was a member, and a record or a tombstone has to follow.
type moved struct {
	members int64 // published
	schemas.Difference
}

func (r *run) comparing() bool { return r.Guarded || r.DryRun }

// compare finds out whom the model moves, and refuses one by which more than half of the members would leave.
func (r *run) compare(ctx context.Context) error {
	if !r.comparing() {
		return nil
	}
	r.moved = newMoved()
	var mutex sync.Mutex
	err := r.eachShard(ctx, func(_ context.Context, s *shard) error {
		part := s.compare(r.model, r.ExpansionID)
		mutex.Lock()
		defer mutex.Unlock()
		r.moved.add(part)
		return nil
	})
	if err == nil && r.Guarded && !r.DryRun && r.moved.shrinks() {
		return schemas.Refuse(schemas.CodeShrink,
			fmt.Sprintf("look at what it would do (kindred refresh %s --dry-run); if that is right, kindred refresh %[1]s --force", r.ExpansionID),
			"%d of %d members would leave, more than half", r.moved.Left, r.moved.members)
	}
	return err
}

// shrinkWarnings warns of a dry run whose real run would be refused.
func (r *run) shrinkWarnings() []schemas.Warning {
	if !r.DryRun || !r.Guarded || !r.moved.shrinks() {
		return nil
	}
	return []schemas.Warning{{
		Code:    schemas.CodeShrink,
		Message: fmt.Sprintf("%d of %d members would leave, more than half: a refresh that is not forced fails", r.moved.Left, r.moved.members),
		Hint:    fmt.Sprintf("kindred refresh %s --force, if that is right", r.ExpansionID),
	}}
}

func newMoved() *moved {
	m := &moved{Difference: schemas.Difference{Bands: make([]schemas.BandDifference, cache.Bands)}}
	for b := range m.Bands {
		m.Bands[b].Band = schemas.BandNames[b]
	}
	return m
}

// shrinks reports whether more than half of the members leave.
func (m *moved) shrinks() bool { return 2*m.Left > m.members }

func (m *moved) add(other *moved) {
	m.members += other.members
	m.Entered += other.Entered
	m.Left += other.Left
	m.Changed += other.Changed
	for b, o := range other.Bands {
		m.Bands[b].Entered += o.Entered
		m.Bands[b].Left += o.Left
		m.Bands[b].Changed += o.Changed
	}
}

// count counts one customer, whose published state would change from was to is.
func (m *moved) count(was, is cache.State) {
	if was != cache.None {
		m.members++
	}
	switch {
	case was == is:
	case was == cache.None:
		m.Entered++
		m.Bands[is.Band()].Entered++
	case is == cache.None:
		m.Left++
		if was.Member() {
			m.Bands[was.Band()].Left++
		}
	default:
		m.Changed++
		m.Bands[is.Band()].Changed++
	}
}

// compare compares the published states of a shard, which was scored, with what the model decides.
func (s *shard) compare(m *model.Model, expansionID string) *moved {
	found := newMoved()
	published := s.view.Published(expansionID)
	for row, score := range s.scores {
		was, is := published.Get(row), cache.None
		if score := int(score); score >= m.Cut.Score {
			var id []byte
			if m.Hinges(score) {
				id = s.view.ID(row)
			}
			if m.Reaches(score, expansionID, id) && !m.HoldsOut(expansionID, id) {
				is = cache.PackState(m.Band(score), score)
			}
		}
		found.count(was, is)
	}
	return found
}
