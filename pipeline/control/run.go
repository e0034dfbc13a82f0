package control

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"kindred/pipeline/learn"
	"kindred/schemas"
	"kindred/schemas/retry"
	"kindred/schemas/wire"
)

// Where the stages of a run begin and end on its way from 0 to 1.
const (
	readingFrom    = 0.02
	trainingFrom   = 0.15
	scoringFrom    = 0.5
	publishingFrom = 0.6
)

// heldUp are the pauses of a run that something outside holds up.
var heldUp = retry.Backoff{First: 100 * time.Millisecond, Last: 5 * time.Second}

// running is the work of the run that is under way, beside the life that owns the state.
type running struct {
	expansionID string
	epoch       int64
	committed   bool
	cancel      context.CancelFunc // nil: nothing is running
}

// word is what the work of a run says to the life. Of progress the last word counts; one of the others ends the work.
type word struct {
	expansionID string
	epoch       int64

	stage    schemas.Stage
	progress float64
	detail   string

	learned    *learn.Result
	definition schemas.Definition // what it was learned for
	failed     *schemas.RunError
	counted    *counted
}

// attend makes the work follow the state: it begins what a decision has begun, and ends what a decision has ended.
func (l *life) attend(ctx context.Context) {
	e := l.state.active()
	if e != nil && l.running.cancel != nil && l.running.expansionID == e.ExpansionID &&
		l.running.epoch == e.Run.Epoch && l.running.committed == e.Run.Committed {
		return
	}
	if l.running.cancel != nil {
		l.running.cancel()
	}
	l.running = running{}
	if e == nil {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	l.running = running{e.ExpansionID, e.Run.Epoch, e.Run.Committed, cancel}
	w := &work{Controller: l.Controller, e: e, words: l.words, first: word{expansionID: e.ExpansionID, epoch: e.Run.Epoch}}
	l.background.Go(func() { w.run(ctx) })
}

// hear takes a word of the running work. A word of work that was ended meanwhile comes too late.
func (l *life) hear(ctx context.Context, w word) error {
	e := l.state.active()
	if e == nil || e.ExpansionID != w.expansionID || e.Run.Epoch != w.epoch {
		return nil
	}
	switch {
	case w.failed != nil:
		return l.commit(ctx, requestsInput, fail(e, w.failed, now()))
	case w.counted != nil:
		return l.commit(ctx, requestsInput, succeed(e, *w.counted, now()))
	case w.learned != nil:
		return l.commit(ctx, requestsInput, commit(e, w.learned, w.definition, now()))
	}
	event := processing(e, w.stage, w.progress, w.detail)
	if event.Stage == l.last.Stage && time.Since(l.told) < calm {
		l.last = event // the next beat tells it
		return nil
	}
	return l.tell(ctx, event)
}

// work is what a run does between two decisions: up to its commit, or after it.
type work struct {
	*Controller
	e     *schemas.Expansion
	words chan<- word

	mutex sync.Mutex // a learner tells from several goroutines
	first word       // names the run
}

// run works until there is a result or ctx ends. A panic fails the run alone.
func (w *work) run(ctx context.Context) {
	defer func() {
		if p := recover(); p != nil {
			w.Log.Error("a run panicked", "expansion", w.e.ExpansionID, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			w.end(ctx, func(end *word) { end.failed = schemas.Internal(fmt.Errorf("%v", p)) })
		}
	}()
	switch {
	case w.e.Run.Committed:
		w.await(ctx)
	case w.e.Run.Request.Action == schemas.Delete:
		w.end(ctx, func(end *word) { end.learned = &learn.Result{} }) // there is nothing to learn
	default:
		w.learn(ctx)
	}
}

// learn waits until the shards have seen what the run must see, and has a model learned from them. What can heal is
// tried again until ctx ends.
func (w *work) learn(ctx context.Context) {
	pauses := heldUp
	for {
		lesson, learned, err := w.tryLearning(ctx)
		var failed *schemas.RunError
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			w.end(ctx, func(end *word) { end.learned, end.definition = learned, lesson.Definition })
			return
		case errors.As(err, &failed):
			w.end(ctx, func(end *word) { end.failed = failed })
			return
		}
		w.Log.Warn("a run is held up; trying again", "expansion", w.e.ExpansionID, "error", err)
		w.say(ctx, schemas.Waiting, 0, "held up: "+err.Error())
		if pauses.Wait(ctx) != nil {
			return
		}
	}
}

func (w *work) tryLearning(ctx context.Context) (lesson learn.Lesson, learned *learn.Result, err error) {
	if err := w.reached(ctx); err != nil {
		return lesson, nil, err
	}
	if lesson, err = w.lesson(ctx); err != nil {
		return lesson, nil, err
	}
	learned, err = w.Learner.Learn(ctx, lesson, func(stage schemas.Stage, progress float64) {
		from, to := span(stage)
		w.say(ctx, stage, from+progress*(to-from), "")
	})
	return lesson, learned, err
}

// lesson says what to learn, from the segments and the declared fields as they are now: the router has done all that
// came before the request.
func (w *work) lesson(ctx context.Context) (learn.Lesson, error) {
	segments := map[string]*schemas.Segment{}
	if _, err := w.readAll(ctx, schemas.Segments, func(r *wire.Record) error {
		return w.learnSegment(segments, r)
	}); err != nil {
		return learn.Lesson{}, err
	}
	declared := map[string]schemas.Field{}
	if _, err := w.readAll(ctx, schemas.Fields, func(r *wire.Record) error {
		var f schemas.Field
		if r.Value == nil {
			delete(declared, string(r.Key))
		} else if err := decode(r, f.Decode); err == nil {
			declared[f.Name] = f
		} else {
			w.Log.Warn("the declaration of a field cannot be read", "offset", r.Offset, "error", err)
		}
		return nil
	}); err != nil {
		return learn.Lesson{}, err
	}
	if w.e.Definition == nil && segments[w.e.ExpansionID] != nil {
		return learn.Lesson{}, takenBySegment(w.e.ExpansionID)
	}
	l := learn.Lesson{ExpansionID: w.e.ExpansionID, Ends: *w.e.Run.Ends, Declared: inOrder(declared)}
	l.Definition = define(w.e.Definition, &w.e.Run.Request, func(id string) string {
		if s := segments[id]; s != nil && s.Name != "" {
			return s.Name
		}
		return id
	})
	if why := refusedBySegments(&l.Definition, segments); why != nil {
		return l, why
	}
	return l, nil
}

// say tells how far the run is. It may be dropped when the life is busy, unless a new stage begins.
func (w *work) say(ctx context.Context, stage schemas.Stage, progress float64, detail string) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	next := w.first
	next.stage, next.detail = stage, detail
	next.progress = math.Round(progress*1000) / 1000
	if stage == w.first.stage {
		select {
		case w.words <- next:
		default:
		}
		return
	}
	w.first.stage = stage
	select {
	case w.words <- next:
	case <-ctx.Done():
	}
}

// end says the last word.
func (w *work) end(ctx context.Context, how func(*word)) {
	last := w.first
	how(&last)
	select {
	case w.words <- last:
	case <-ctx.Done():
	}
}

// span says where a stage lies on the way from 0 to 1.
func span(stage schemas.Stage) (from, to float64) {
	switch stage {
	case schemas.Reading:
		return readingFrom, trainingFrom
	case schemas.Training:
		return trainingFrom, scoringFrom
	case schemas.Scoring:
		return scoringFrom, publishingFrom
	case schemas.Publishing:
		return publishingFrom, 1
	}
	return 0, readingFrom
}

// inOrder lists declared fields by name.
func inOrder(declared map[string]schemas.Field) []schemas.Field {
	fields := make([]schemas.Field, 0, len(declared))
	for _, name := range slices.Sorted(maps.Keys(declared)) {
		fields = append(fields, declared[name])
	}
	return fields
}
