package control

import (
	"cmp"
	"context"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"kindred/schemas"
	"kindred/schemas/retry"
)

const (
	// heartbeat is how often at least a run reports that it is under way while it moves; the contract has 2 s.
	heartbeat = 1500 * time.Millisecond

	// reminder is how often a run reports that it waits for what it waited for before.
	reminder = 10 * time.Minute

	// progressPause is between two events of a run that are of the same stage.
	progressPause = 500 * time.Millisecond

	// lingering is how long the event of a stage waits for the next one.
	lingering = 50 * time.Millisecond
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

	event      schemas.Run // how far it is: reported, or left for the next heartbeat
	reported   schemas.Run // the last event of it that is committed, or will be
	reportedAt time.Time
	unsaid     []schemas.Run // events that linger; the last one is reported
	unsaidAt   time.Time     // since when

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

// learners returns the attempts that learn, and how many of them somebody has asked for.
func (t *term) learners() (all []*attempt, asked int) {
	for _, a := range t.inOrder() {
		if a.learning != nil {
			all = append(all, a)
			if !t.triggered(a) {
				asked++
			}
		}
	}
	return all, asked
}

// triggered reports whether nobody has asked for an attempt's run.
func (t *term) triggered(a *attempt) bool {
	return triggered(t.state.expansions[a.expansionID].Run.Cause)
}

// hasRoom reports whether an attempt may learn beside those that do.
func (t *term) hasRoom(a *attempt) bool {
	all, asked := t.learners()
	return t.state.room(t.triggered(a), len(all), asked)
}

// say notes how far an attempt is, and reports whether that is to be committed now. Else the next heartbeat reports it: so it
// does when only the offsets have moved that it waits for, or when a run that was held up is tried again.
func (t *term) say(a *attempt, stage schemas.Stage, progress float64, detail string) (now bool) {
	a.event = processing(t.state.expansions[a.expansionID], stage, progress, detail)
	was := &a.reported
	switch {
	case !a.moved(), a.failed != "" && stage == schemas.Reading:
		return false
	case was.Stage != stage:
		return true
	case stage == schemas.Waiting && withoutOffsets(was.Detail) == withoutOffsets(detail):
		return false
	}
	return time.Since(a.reportedAt) >= progressPause
}

// moved reports whether an attempt is not where it has last reported to be.
func (a *attempt) moved() bool {
	return a.event.Stage != a.reported.Stage || a.event.Progress != a.reported.Progress || trouble(a.event.Detail) != trouble(a.reported.Detail)
}

var (
	offsets = regexp.MustCompile(`\d+ of \d+`)
	numbers = regexp.MustCompile(`\d+`)
)

// withoutOffsets returns what a run waits for, however far that is.
func withoutOffsets(detail string) string { return offsets.ReplaceAllString(detail, "") }

// trouble returns what a run waits for without the numbers of an error that holds it up, such as those of ports: the same trouble
// has others every time.
func trouble(detail string) string {
	if strings.HasPrefix(detail, "held up: ") {
		return numbers.ReplaceAllString(detail, "")
	}
	return detail
}

// beatDue returns when an attempt reports by itself how far it is. One that only waits, for the same as before, does so seldom.
func (a *attempt) beatDue() time.Time {
	if len(a.unsaid) > 0 {
		return a.unsaidAt.Add(lingering)
	}
	if a.moved() || a.learning != nil && a.failed == "" {
		return a.reportedAt.Add(heartbeat)
	}
	return a.reportedAt.Add(reminder)
}

// reports notes an event of an attempt that is committed, or will be.
func (a *attempt) reports(event schemas.Run) {
	a.event, a.reported, a.reportedAt = event, event, time.Now()
}

// linger has the event of a stage wait for what follows soon: stages that are over in no time are told of together.
func (a *attempt) linger(now time.Time) {
	if len(a.unsaid) == 0 {
		a.unsaidAt = now
	}
	a.event.At = now
	a.unsaid = append(a.unsaid, a.event)
	a.reports(a.event)
}

// report takes in the last events of attempts.
func (t *term) report(attempts ...*attempt) {
	var events step
	for _, a := range attempts {
		if events.runs = append(events.runs, a.unsaid...); len(a.unsaid) == 0 || a.moved() {
			events.runs = append(events.runs, a.event)
		}
		a.unsaid = nil
	}
	if len(events.runs) > 0 {
		t.take(events)
	}
}

// beat reports every attempt whose heartbeat is due, or whose last stage has lingered.
func (t *term) beat() {
	var due []*attempt
	for _, a := range t.inOrder() {
		if !time.Now().Before(a.beatDue()) {
			due = append(due, a)
		}
	}
	t.report(due...)
}
