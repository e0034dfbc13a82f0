package control

import (
	"slices"
	"time"

	"kindred/schemas"
)

// remembered is how many requests of an expansion are known again when they come twice.
const remembered = 20

// state is all that the controller decides from: what is committed in the topics expansions and segments. Records are
// never changed in place, so that a decision which is not committed leaves no trace.
type state struct {
	expansions map[string]*schemas.Expansion
	segments   map[string]*schemas.Segment // as the router tells; may lag behind
}

func newState() *state {
	return &state{map[string]*schemas.Expansion{}, map[string]*schemas.Segment{}}
}

// request is an expand request that could be read, and where and when it was.
type request struct {
	schemas.ExpandRequest
	offset int64     // in expand-requests
	at     time.Time // Kafka's timestamp
	ends   schemas.Ends
}

// step is a decision: what is written in one transaction and counts when that is committed. The zero step does nothing.
type step struct {
	expansion *schemas.Expansion      // the new record of one expansion; nil: it stays as it is
	runs      []schemas.Run           // in order
	model     []byte                  // for every partition of models; nil: none
	requests  []schemas.ExpandRequest // of our own triggers
	letters   []schemas.DeadLetter
}

func (s step) empty() bool {
	return s.expansion == nil && len(s.runs) == 0 && len(s.requests) == 0 && len(s.letters) == 0
}

// apply takes in a step that is committed.
func (s *state) apply(done step) {
	if done.expansion != nil {
		s.expansions[done.expansion.ExpansionID] = done.expansion
	}
}

// active gives the expansion whose run is under way: runs go one after another, so there is one at most.
func (s *state) active() *schemas.Expansion {
	for _, e := range s.expansions {
		if e.Run != nil {
			return e
		}
	}
	return nil
}

// next gives the expansion whose first waiting request came before all others. It is nil when none waits.
func (s *state) next() *schemas.Expansion {
	var first *schemas.Expansion
	for _, e := range s.expansions {
		if len(e.Pending) > 0 && (first == nil || e.Pending[0].Offset < first.Pending[0].Offset) {
			first = e
		}
	}
	return first
}

// inOrder lists the expansions by id: a map has no order, and decisions must have one.
func (s *state) inOrder() []*schemas.Expansion {
	all := make([]*schemas.Expansion, 0, len(s.expansions))
	for _, e := range s.expansions {
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b *schemas.Expansion) int {
		if a.ExpansionID < b.ExpansionID {
			return -1
		}
		return 1
	})
	return all
}

// draft is a decision on one expansion in the making. Its record is a copy.
type draft struct {
	e    schemas.Expansion
	runs []schemas.Run
	now  time.Time
}

// redraft begins a decision on an expansion that exists.
func redraft(e *schemas.Expansion, now time.Time) *draft {
	d := &draft{e: *e, now: now}
	d.e.Pending = slices.Clone(e.Pending)
	d.e.Requests = slices.Clone(e.Requests)
	return d
}

func (d *draft) step() step {
	return step{expansion: &d.e, runs: d.runs}
}

// remember notes the id of a request, so that the same one is known again.
func (d *draft) remember(requestID string) {
	d.e.Requests = append(d.e.Requests, requestID)
	if over := len(d.e.Requests) - remembered; over > 0 {
		d.e.Requests = slices.Delete(d.e.Requests, 0, over)
	}
}

// ended makes the last event of a run that never had its turn, or whose turn ends here.
func (d *draft) ended(runID string, cause schemas.Cause, status schemas.Status, detail string) *schemas.Run {
	end := d.now
	d.runs = append(d.runs, schemas.Run{
		RunID: runID, ExpansionID: d.e.ExpansionID, Cause: cause, Status: status, Detail: detail, EndedAt: &end,
	})
	return &d.runs[len(d.runs)-1]
}

// endRunning takes the running run out, before its commit.
func (d *draft) endRunning(status schemas.Status, detail string) {
	r := d.e.Run
	event := d.ended(r.RunID, r.Cause, status, detail)
	event.Epoch, event.StartedAt = r.Epoch, &r.StartedAt
	d.e.Run = nil
}

// endPending takes out whatever waits.
func (d *draft) endPending(status schemas.Status, detail string) {
	for _, p := range d.e.Pending {
		d.ended(p.Request.RequestID, p.Cause, status, detail)
	}
	d.e.Pending = nil
}

// interruptible says whether a run is under way that has not been committed.
func interruptible(e *schemas.Expansion) bool { return e.Run != nil && !e.Run.Committed }

// leaving says whether the expansion is being deleted, or will be once it is its turn.
func leaving(e *schemas.Expansion) bool {
	return e.Run != nil && e.Run.Request.Action == schemas.Delete || slices.ContainsFunc(e.Pending, isDelete)
}

func isDelete(p schemas.Pending) bool { return p.Request.Action == schemas.Delete }

func isRefresh(p schemas.Pending) bool { return p.Request.Action == schemas.Refresh }

// busy says whether a run waits or runs.
func busy(e *schemas.Expansion) bool { return e.Run != nil || len(e.Pending) > 0 }
