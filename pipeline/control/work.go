package control

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"kindred/pipeline/learn"
	"kindred/schemas"
)

// update is a message of the work of a run: progress, or the one result that ends the work.
type update struct {
	expansionID string
	attempt     int // its place: an update of an attempt that was ended meanwhile is dropped

	// Progress. Later progress replaces it.
	stage    schemas.Stage
	progress float64 // 0..1 over the whole run

	// Result: one of them, or none.
	learned    *learn.Result
	definition schemas.Definition // what it was learned for
	err        error              // a *schemas.RunError: it cannot be learned; else it may be tried again
}

// learnNext lets runs learn that can and have room, the oldest first, but those before that somebody has asked for. A run that
// cannot be learned from the segments as they are fails.
func (t *term) learnNext(ctx context.Context) {
	for {
		var a *attempt
		for _, other := range t.attempts {
			if t.canLearn(other) && (a == nil || t.goesFirst(other, a)) {
				a = other
			}
		}
		if a == nil {
			return
		}
		e := t.state.expansions[a.expansionID]
		lesson, why := t.state.lesson(e, a.needs.ends)
		if why != nil {
			t.take(fail(e, why, now()))
			continue
		}
		t.learn(ctx, a, lesson)
	}
}

// goesFirst reports whether one attempt learns before another one.
func (t *term) goesFirst(a, other *attempt) bool {
	if own, others := t.triggered(a), t.triggered(other); own != others {
		return others
	}
	return a.place < other.place
}

// canLearn reports whether nothing is left that a run has to wait for.
func (t *term) canLearn(a *attempt) bool {
	return !a.committed && a.learning == nil && a.seen && t.hasRoom(a) && t.unseen(a) == "" && !time.Now().Before(a.after)
}

// learn has a model learned in the background.
func (t *term) learn(ctx context.Context, a *attempt, lesson learn.Lesson) {
	ctx, a.learning = context.WithCancel(ctx)
	a.waits = ""
	if t.shared == nil {
		t.shared = new(learn.Shared)
	}
	lesson.Shared = t.shared
	w := &work{learner: t.Learner, log: t.Log, lesson: lesson, attempt: a.place, updates: t.updates}
	t.background.Go(func() { w.run(ctx) })
}

// keptFor is for how long runs wait for room at most until what they would share is dropped.
const keptFor = 5 * time.Second

// rest drops what runs share when none is about to learn: it holds the rows of all customers.
func (t *term) rest() {
	for _, a := range t.attempts {
		if !a.committed && a.waits == "" {
			t.rests = time.Now().Add(keptFor)
			return
		}
	}
	if !t.state.queued() || time.Now().After(t.rests) {
		t.shared = nil
	}
}

// handle decides on an update of the work of a run.
func (t *term) handle(u update) {
	a := t.attempts[u.expansionID]
	if a == nil || a.place != u.attempt || a.learning == nil {
		return // too late
	}
	e := t.state.expansions[u.expansionID]
	var refused *schemas.RunError
	switch {
	case errors.As(u.err, &refused):
		t.take(fail(e, refused, now()))
	case u.err != nil:
		t.holdUp(a, u.err)
	case u.learned != nil:
		t.take(t.learned(e, u))
	case t.say(a, u.stage, u.progress, ""):
		a.linger(now())
	}
}

// holdUp takes a run's turn from it until its next try is due: others can learn meanwhile, if what holds it up does not concern
// them.
func (t *term) holdUp(a *attempt, err error) {
	if why := err.Error(); why != a.failed {
		t.Log.Warn("a run is held up; trying again", "expansion", a.expansionID, "error", err)
		a.failed = why
	}
	a.stopLearning()
	a.seen, a.after = false, time.Now().Add(a.pauses.Next())
	a.waits = "held up: " + a.failed
	t.lookSoon()
	if t.say(a, schemas.Waiting, 0, a.waits) {
		t.report(a)
	}
}

// learned returns the commit of what was learned. A panic fails the run alone.
func (t *term) learned(e *schemas.Expansion, u update) (decided step) {
	defer func() {
		if p := recover(); p != nil {
			t.Log.Error("a run panicked", "expansion", e.ExpansionID, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			decided = fail(e, schemas.Internal(fmt.Errorf("%v", p)), now())
		}
	}()
	return t.state.commit(e, u.learned, u.definition, now())
}

// work is what a run does beside the term: it learns. It ends with one result, or with its ctx when the term has ended the run.
type work struct {
	learner Learner
	log     *slog.Logger
	lesson  learn.Lesson
	attempt int
	updates chan<- update

	mutex sync.Mutex    // a learner reports from several goroutines
	stage schemas.Stage // last reported
}

func (w *work) run(ctx context.Context) {
	result := update{definition: w.lesson.Definition}
	result.learned, result.err = w.learn(ctx)
	w.send(ctx, result)
}

// learn has a model learned. A panic fails the run alone.
func (w *work) learn(ctx context.Context) (learned *learn.Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			w.log.Error("a run panicked", "expansion", w.lesson.ExpansionID, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			learned, err = nil, schemas.Internal(fmt.Errorf("%v", p))
		}
	}()
	learned, err = w.learner.Learn(ctx, w.lesson, func(stage schemas.Stage, progress float64) { w.report(ctx, stage, progress) })
	if learned == nil && err == nil {
		err = schemas.Internal(errors.New("nothing was learned, and nobody says why"))
	}
	return learned, err
}

// updatesAhead are so many that a learner never waits for the term: one for each stage, and the result.
const updatesAhead = 8

// report sends how far a stage is, 0 to 1. It is dropped while the term has not handled what came before, unless it begins a new
// stage.
func (w *work) report(ctx context.Context, stage schemas.Stage, progress float64) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	u := update{stage: stage, progress: overall(stage, progress)}
	if stage != w.stage || len(w.updates) == 0 {
		w.stage = stage
		w.send(ctx, u)
	}
}

func (w *work) send(ctx context.Context, u update) {
	u.expansionID, u.attempt = w.lesson.ExpansionID, w.attempt
	select {
	case w.updates <- u:
	case <-ctx.Done():
	}
}
