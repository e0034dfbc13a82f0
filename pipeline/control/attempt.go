package control

import (
	"cmp"
	"context"
	"maps"
	"math"
	"slices"
	"time"

	"kindred/schemas"
	"kindred/schemas/retry"
)

const (
	// heartbeat is how often at least a run reports that it is under way; the contract has 2 s.
	heartbeat = 1500 * time.Millisecond

	// progressPause is between two events of a run that are of the same stage.
	progressPause = 500 * time.Millisecond
)

// heldUp are the pauses of what something outside holds up.
var heldUp = retry.Backoff{First: 100 * time.Millisecond, Last: 5 * time.Second}

// Where the stages of a run begin and end on its way from 0 to 1.
const (
	readingFrom    = 0.02
	trainingFrom   = 0.15
	scoringFrom    = 0.5
	publishingFrom = 0.6
)

// overall returns the progress of a run of which a stage is done so far, 0 to 1.
func overall(stage schemas.Stage, progress float64) float64 {
	from, to := 0.0, readingFrom
	switch stage {
	case schemas.Reading:
		from, to = readingFrom, trainingFrom
	case schemas.Training:
		from, to = trainingFrom, scoringFrom
	case schemas.Scoring:
		from, to = scoringFrom, publishingFrom
	case schemas.Publishing:
		from, to = publishingFrom, 1
	}
	return math.Round((from+progress*(to-from))*1000) / 1000
}

// attempt is a run under way as the term follows it, up to its commit or after it.
type attempt struct {
	expansionID string
	epoch       int64
	committed   bool
	place       int // the older of two has the lower one; no two of a term have the same

	event      schemas.Run // committed, or left for the next heartbeat
	reportedAt time.Time   // when an event of it was last committed

	// Before the commit.
	needs    *needs             // nil: not known yet
	seen     bool               // the shards have seen what it needs
	segments int64              // where the topic of segments ended when they had
	waits    string             // for what, as was last found out; empty: for nothing, or that is not known yet
	learning context.CancelFunc // nil: it does not learn
	pauses   retry.Backoff      // between tries to learn
	after    time.Time          // when the next one is due
	failed   string             // why the last one has failed
}

// needs is what a run must see: all that was in Kafka when its request was read. It is looked up later than that, when the
// run has its turn, so it may be more.
type needs struct {
	ends   schemas.Ends
	fields int64 // the end of the topic of fields
}

// follow makes the attempts follow the record of an expansion: it ends what a decision has ended, and begins what a decision
// has begun.
func (t *term) follow(e *schemas.Expansion) {
	if a := t.attempts[e.ExpansionID]; a != nil {
		if e.Run != nil && a.epoch == e.Run.Epoch && a.committed == e.Run.Committed {
			return
		}
		a.stopLearning()
		delete(t.attempts, e.ExpansionID)
	}
	if e.Run == nil {
		return
	}
	t.begun++
	t.attempts[e.ExpansionID] = &attempt{
		expansionID: e.ExpansionID, epoch: e.Run.Epoch, committed: e.Run.Committed, place: t.begun, pauses: heldUp,
		event: processing(e, schemas.Publishing, publishingFrom, ""),
	}
	t.lookSoon()
}

func (a *attempt) stopLearning() {
	if a.learning != nil {
		a.learning()
		a.learning = nil
	}
}

// waits reports whether the run of an expansion cannot learn yet.
func (t *term) waits(expansionID string) bool {
	a := t.attempts[expansionID]
	return a != nil && a.waits != ""
}

// inOrder lists the attempts, the oldest first.
func (t *term) inOrder() []*attempt {
	return slices.SortedFunc(maps.Values(t.attempts), func(a, b *attempt) int { return cmp.Compare(a.place, b.place) })
}

// learner returns the attempt that learns, or nil.
func (t *term) learner() *attempt {
	for _, a := range t.attempts {
		if a.learning != nil {
			return a
		}
	}
	return nil
}

// say notes how far an attempt is, and reports whether that is to be committed now. Else the next heartbeat reports it.
func (t *term) say(a *attempt, stage schemas.Stage, progress float64, detail string) (now bool) {
	was := a.event
	a.event = processing(t.state.expansions[a.expansionID], stage, progress, detail)
	if was.Stage == stage && was.Progress == progress && was.Detail == detail {
		return false
	}
	return was.Stage != stage || time.Since(a.reportedAt) >= progressPause
}

// report commits the last events of attempts, in one transaction.
func (t *term) report(ctx context.Context, attempts ...*attempt) error {
	if len(attempts) == 0 {
		return nil
	}
	var events step
	for _, a := range attempts {
		events.runs = append(events.runs, a.event)
	}
	return t.commit(ctx, events)
}

// beat reports every attempt whose heartbeat is due.
func (t *term) beat(ctx context.Context) error {
	var due []*attempt
	for _, a := range t.inOrder() {
		if time.Since(a.reportedAt) >= heartbeat {
			due = append(due, a)
		}
	}
	return t.report(ctx, due...)
}
