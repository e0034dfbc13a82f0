package control

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime/debug"
	"sync"
	"time"

	"kindred/pipeline/learn"
	"kindred/schemas"
	"kindred/schemas/retry"
)

// heldUp are the pauses of a run that something outside holds up.
var heldUp = retry.Backoff{First: 100 * time.Millisecond, Last: 5 * time.Second}

// work is what a run does beside the term, between two decisions: it learns up to the commit, and waits for the shards after
// it. It ends with one result, or with its ctx when the term has ended the run.
type work struct {
	*Controller
	e       *schemas.Expansion // as it was when the work began
	updates chan<- update

	mutex sync.Mutex    // a learner reports from several goroutines
	stage schemas.Stage // last reported
}

// run works until there is a result or ctx ends. A panic fails the run alone.
func (w *work) run(ctx context.Context) {
	defer func() {
		if p := recover(); p != nil {
			w.Log.Error("a run panicked", "expansion", w.e.ExpansionID, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			w.finish(ctx, update{failed: schemas.Internal(fmt.Errorf("%v", p))})
		}
	}()
	switch {
	case w.e.Run.Committed:
		w.publish(ctx)
	case w.e.Run.Request.Action == schemas.Delete:
		w.finish(ctx, update{learned: &learn.Result{}}) // there is nothing to learn
	default:
		w.learn(ctx)
	}
}

// learn waits until the shards have seen what the run must see, and has a model learned from them. What can heal is
// tried again until ctx ends.
func (w *work) learn(ctx context.Context) {
	pauses := heldUp
	for {
		lesson, learned, err := w.tryToLearn(ctx)
		var failed *schemas.RunError
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			w.finish(ctx, update{learned: learned, definition: lesson.Definition})
			return
		case errors.As(err, &failed):
			w.finish(ctx, update{failed: failed})
			return
		}
		w.Log.Warn("a run is held up; trying again", "expansion", w.e.ExpansionID, "error", err)
		w.report(ctx, schemas.Waiting, 0, "held up: "+err.Error())
		if pauses.Wait(ctx) != nil {
			return
		}
	}
}

func (w *work) tryToLearn(ctx context.Context) (lesson learn.Lesson, learned *learn.Result, err error) {
	if err := w.awaitInputs(ctx); err != nil {
		return lesson, nil, err
	}
	if lesson, err = w.lesson(ctx); err != nil {
		return lesson, nil, err
	}
	learned, err = w.Learner.Learn(ctx, lesson, func(stage schemas.Stage, progress float64) {
		w.report(ctx, stage, progress, "")
	})
	return lesson, learned, err
}

// publish waits until every shard has published its part. What can heal is tried again until ctx ends.
func (w *work) publish(ctx context.Context) {
	pauses := heldUp
	for {
		sum, err := w.awaitPasses(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			w.finish(ctx, update{counted: &sum})
			return
		}
		w.Log.Warn("a committed run is held up; trying again", "expansion", w.e.ExpansionID, "error", err)
		w.report(ctx, schemas.Publishing, 0, "held up: "+err.Error())
		if pauses.Wait(ctx) != nil {
			return
		}
	}
}

// report sends how far a stage is, 0 to 1. When the term is busy the report is dropped, unless it begins a new stage.
func (w *work) report(ctx context.Context, stage schemas.Stage, progress float64, detail string) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	u := update{
		expansionID: w.e.ExpansionID, epoch: w.e.Run.Epoch,
		stage: stage, progress: math.Round(overall(stage, progress)*1000) / 1000, detail: detail,
	}
	if stage == w.stage {
		select {
		case w.updates <- u:
		default:
		}
		return
	}
	w.stage = stage
	select {
	case w.updates <- u:
	case <-ctx.Done():
	}
}

// finish sends the result.
func (w *work) finish(ctx context.Context, result update) {
	result.expansionID, result.epoch = w.e.ExpansionID, w.e.Run.Epoch
	select {
	case w.updates <- result:
	case <-ctx.Done():
	}
}
