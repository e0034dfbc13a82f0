package control

import (
	"context"
	"time"

	"kindred/pipeline/learn"
	"kindred/schemas"
)

const (
	// heartbeat is how often at least a run reports that it is under way; the contract has 2 s.
	heartbeat = 1500 * time.Millisecond

	// progressPause is between two events of a run that differ in their progress only.
	progressPause = 500 * time.Millisecond
)

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
	return from + progress*(to-from)
}

// running is which work goes on in the background: that of the run under way, up to its commit or after it.
type running struct {
	expansionID string
	epoch       int64 // distinguishes this attempt from all others of the expansion
	committed   bool
	cancel      context.CancelFunc // nil: nothing is running
}

// update is a message of the work of a run: progress, or the one result that ends the work.
type update struct {
	expansionID string
	epoch       int64 // of the attempt: an update of an attempt that was ended meanwhile is dropped

	// Progress. Later progress replaces it.
	stage    schemas.Stage
	progress float64 // 0..1 over the whole run
	detail   string

	// Result: one of them, or none.
	learned    *learn.Result
	definition schemas.Definition // what it was learned for
	failed     *schemas.RunError
	counted    *counted
}

// follow makes the work in the background follow the state: it ends what a decision has ended, and begins what a decision
// has begun.
func (t *term) follow(ctx context.Context) {
	e := t.state.active()
	if e != nil && t.running.cancel != nil && t.running.expansionID == e.ExpansionID &&
		t.running.epoch == e.Run.Epoch && t.running.committed == e.Run.Committed {
		return
	}
	if t.running.cancel != nil {
		t.running.cancel()
	}
	t.running = running{}
	if e == nil {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	t.running = running{e.ExpansionID, e.Run.Epoch, e.Run.Committed, cancel}
	w := &work{Controller: t.Controller, e: e, updates: t.updates}
	t.background.Go(func() { w.run(ctx) })
}

// handle decides on an update of the work in the background.
func (t *term) handle(ctx context.Context, u update) error {
	e := t.state.active()
	if e == nil || e.ExpansionID != u.expansionID || e.Run.Epoch != u.epoch {
		return nil // too late
	}
	switch {
	case u.failed != nil:
		return t.commit(ctx, fail(e, u.failed, now()))
	case u.counted != nil:
		return t.commit(ctx, succeed(e, *u.counted, now()))
	case u.learned != nil:
		return t.commit(ctx, commit(e, u.learned, u.definition, now()))
	}
	event := processing(e, u.stage, u.progress, u.detail)
	if event.Stage == t.lastEvent.Stage && time.Since(t.reportedAt) < progressPause {
		t.lastEvent = event // the next heartbeat reports it
		return nil
	}
	return t.report(ctx, event)
}
