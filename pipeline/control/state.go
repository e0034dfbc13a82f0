package control

import (
	"cmp"
	"slices"
	"time"

	"kindred/pipeline/selection"
	"kindred/schemas"
)

// state is all that the controller decides from.
//
// Invariant: what is here is committed, or will be: decisions are committed in the order in which they were applied, and when that
// fails the term is over, and its state with it. A record is never changed in place, so others may keep reading one that they hold.
type state struct {
	// Invariant: the epoch of none ever falls, and no two of its attempts that could be committed have the same; what was never
	// committed is forgotten with its epoch. A bounded number of requests of one waits (see mostWaiting).
	expansions map[string]*schemas.Expansion

	segments map[string]*schemas.Segment // as the router has recorded them; they may lag behind segment-changes
	fields   map[string]schemas.Field    // declared, by name
	presets  selection.Presets           // of one's own
	learners int                         // how many runs learn at a time

	refused refusals

	// Ids whose last record cannot be read, and what refuses whoever needs it.
	unreadableExpansions, unreadableSegments map[string]*schemas.RunError
}

func newState() *state {
	return &state{
		learners: 1, expansions: map[string]*schemas.Expansion{}, segments: map[string]*schemas.Segment{}, fields: map[string]schemas.Field{},
		unreadableExpansions: map[string]*schemas.RunError{}, unreadableSegments: map[string]*schemas.RunError{},
	}
}

// request is an expand request that could be read, and where and when it was.
type request struct {
	schemas.ExpandRequest
	offset int64     // in expand-requests
	at     time.Time // Kafka's timestamp
	size   int       // bytes of its JSON
}

// step is one decision: what is written in one transaction, and applied to the state. The zero step changes nothing.
type step struct {
	expansion *schemas.Expansion      // the new record of one expansion; nil: it stays as it is
	forgets   bool                    // that record is deleted: nothing of the expansion was ever committed
	refused   []refusal               // requests that no record remembers
	runs      []schemas.Run           // in order
	model     []byte                  // for every partition of models; nil: none. A step with a model has an expansion
	crossed   bool                    // the model has crosses
	requests  []schemas.ExpandRequest // of our own triggers
	letters   []schemas.DeadLetter
}

// apply takes in a step, and returns the records of those that it refuses.
func (s *state) apply(taken step) (refused []refusedRecord) {
	for _, r := range taken.refused {
		refused = append(refused, s.refused.add(r))
	}
	switch e := taken.expansion; {
	case e == nil:
	case taken.forgets:
		delete(s.expansions, e.ExpansionID)
	default:
		s.expansions[e.ExpansionID] = e
	}
	return refused
}

// inOrder lists the expansions by id: a map has no order, and decisions must have one.
func (s *state) inOrder() []*schemas.Expansion {
	all := make([]*schemas.Expansion, 0, len(s.expansions))
	for _, e := range s.expansions {
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b *schemas.Expansion) int { return cmp.Compare(a.ExpansionID, b.ExpansionID) })
	return all
}

// interruptible reports whether a run is under way that has not been committed.
func interruptible(e *schemas.Expansion) bool { return e.Run != nil && !e.Run.Committed }

// leaving reports whether the expansion is being deleted, or will be once its turn has come.
func leaving(e *schemas.Expansion) bool {
	return e.Run != nil && e.Run.Request.Action == schemas.Delete || slices.ContainsFunc(e.Pending, isDelete)
}

// busy reports whether a run of the expansion waits or is under way.
func busy(e *schemas.Expansion) bool { return e.Run != nil || len(e.Pending) > 0 }

func isDelete(p schemas.Pending) bool { return p.Request.Action == schemas.Delete }

func isEdit(p schemas.Pending) bool { return p.Request.Action == schemas.Edit && !p.Request.DryRun }

func isRefresh(p schemas.Pending) bool {
	return p.Request.Action == schemas.Refresh && !p.Request.DryRun
}
