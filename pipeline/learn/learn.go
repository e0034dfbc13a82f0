package learn

import (
	"context"
	"log/slog"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"

	"kindred/pipeline/cache"
	"kindred/pipeline/field"
	"kindred/pipeline/model"
	"kindred/pipeline/selection"
	"kindred/pipeline/train"
	"kindred/schemas"
)

// Lesson is what a run has to learn.
type Lesson struct {
	ExpansionID string
	Definition  schemas.Definition
	Derived     []string          // those of the definition's segments that are expansions
	Coming      map[string]string // of those a snapshot of which is open: how much of it has come, in words
	Declared    []schemas.Field   // by name
	Ends        schemas.Ends      // of the inputs: the caches it learns from must have seen what lies before
	Before      *schemas.Report   // of the last successful run; nil: there was none
	Last        *Last             // nil: a model is fitted in any case; else it is taken if it suffices, or if a fit would give the same

	Shared  *Shared // with the runs that learn beside this one, before and after it; nil: nothing is shared
	Guarded bool    // a model by which more than half of the members would leave, or that chance would give, is refused
	DryRun  bool    // nothing will be published: the report says whom the model would move, and warns instead of refusing
}

// Last is the last model of the expansion, and the report of its run.
type Last struct {
	Epoch  int64
	Report *schemas.Report

	// Seen is what its run has learned from, see Result; empty: that is not known.
	Seen string

	// Suffices means that it was found for the same source, fields and candidates, and only where it cuts is asked for anew: it
	// is taken whatever the customers are like now.
	Suffices bool
}

// Result is a model that lacks its epoch and run, and a report that lacks what the shards count.
type Result struct {
	Model  *model.Model
	Report *schemas.Report
	Source *schemas.SourceSeen // the source segment as it was

	// Seen tells of all that the result depends on, in this process: a run of the same expansion that finds the same would have
	// the same result. Empty: caches have changed while they were read, or it is a model that was found for something else.
	Seen string
}

// Cache reads a shard's cache as one incarnation of it was at one moment, and what else owners have kept.
type Cache interface {
	ReadMetas(ctx context.Context, shards int) ([]*cache.Meta, error) // by shard; nil: there is no cache
	Scan(ctx context.Context, shard int, want cache.Want) (*cache.View, error)
	ReadModel(ctx context.Context, shard int, expansion string) ([]byte, error) // nil: there is none
}

// Trainer learns models from the caches of all shards.
type Trainer struct {
	Cache      Cache
	Number     int          // of shards
	MinSource  int          // fewer source members with a profile are refused; default 25
	WarnSource int          // fewer are warned of; default 100
	Log        *slog.Logger // nil: silent

	views sync.Pool // of *cache.View: the next run reads into their memory, if it comes before they are collected
}

// run is one call of Learn: what it is to learn, and what each step has found for those after it.
type run struct {
	*Trainer
	*Lesson
	progress func(stage schemas.Stage, progress float64)
	preset   selection.Preset
	private  bool // nobody shares with it

	// Found by scan.
	shards []*shard // by number
	learns bool     // from all of them, until release

	// Found by choose.
	customers field.Count
	choice    *field.Choice

	// Found by recallOrFit.
	among    field.Count   // those of the customers who are where the candidates are
	within   bool          // it learned from these alone
	fitted   *train.Result // of the last model: what the report says of it
	model    *model.Model  // score gives it its cut
	recalled bool          // it is the last model, which suffices
	rule     *ruled        // that is nearly the source; nil: there is none, or the model was recalled

	// Found by together.
	combined [][]int64 // customers by cross and cell

	// Found by score.
	histogram *selection.Histogram // of the candidates
	lost      *schemas.Lost
	chosen    selection.Choice

	// Found by holdOut.
	heldOut [cache.Bands]int64 // of those chosen

	// Found by compare.
	moved *moved // nil: it was not asked for
}

// Learn finds a model, and makes the report of that. When nothing has changed since the last run, these are those of the last
// run, and no shard is read. Else it reads every shard, chooses the fields, fits a classifier to a sample, scores all
// candidates, finds the cut, and compares it with what is published if that is asked for. Where the last model suffices, or a
// fit would give the same, and it is there, it takes that instead of fitting one: with inputs at rest, the same comes of it. It
// reports its progress, 0 to 1 within each stage, from several goroutines but one at a time. A *schemas.RunError says why
// nothing can be learned; after any other error it may be called again.
func (t *Trainer) Learn(ctx context.Context, l Lesson, report func(stage schemas.Stage, progress float64)) (*Result, error) {
	r := t.run(&l, report)
	r.preset = selection.PresetOf(&l.Definition)
	if repeated, err := r.repeat(ctx); repeated != nil || err != nil {
		return repeated, err
	}
	well := false
	defer func() { r.release(well) }()
	result, err := r.learn(ctx)
	well = true
	return result, err
}

func (t *Trainer) run(l *Lesson, report func(stage schemas.Stage, progress float64)) *run {
	r := &run{Trainer: t, Lesson: l, progress: report}
	if r.Shared == nil {
		r.Shared, r.private = new(Shared), true
	}
	return r
}

// learn reads every shard, and finds a model.
func (r *run) learn(ctx context.Context) (*Result, error) {
	for _, step := range []func(context.Context) error{r.scan, r.choose, r.recallOrFit, r.together, r.guard, r.score, r.holdOut, r.compare} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	found := r.report()
	if r.Log != nil {
		r.Log.Info("learned a model", "expansion", r.ExpansionID, "customers", r.customers.All, "source", r.customers.Source,
			"fields", len(r.choice.Columns), "candidates", r.chosen.Candidates, "members", found.Counts.Members)
	}
	before, after := make([]*cache.Meta, len(r.shards)), make([]*cache.Meta, len(r.shards))
	for i, s := range r.shards {
		before[i], after[i] = s.view.Meta, s.view.After
	}
	result := &Result{Model: r.model, Report: found, Source: See(r.Definition.SourceSegmentID, before)}
	if seen := r.seen(before); !r.recalled && seen == r.seen(after) {
		result.Seen = seen
	}
	return result, nil
}

// eachShard works on all shards, as many at a time as there are cores.
func (r *run) eachShard(ctx context.Context, do func(context.Context, *shard) error) error {
	return r.someShards(ctx, runtime.GOMAXPROCS(0), do)
}

// someShards works on all shards, on so many at a time.
func (r *run) someShards(ctx context.Context, atOnce int, do func(context.Context, *shard) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for _, s := range r.shards {
		group.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return do(ctx, s)
		})
	}
	return group.Wait()
}

func orDefault(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}
