package learn

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"

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
	Declared    []schemas.Field // by name
	Ends        schemas.Ends    // of the inputs: the caches it learns from must have seen what lies before
}

// Result is a model that lacks its epoch, run and definition, and a report that lacks what the shards count.
type Result struct {
	Model  *model.Model
	Report *schemas.Report
}

// Cache reads a shard's cache as one life of it was at one moment.
type Cache interface {
	Scan(ctx context.Context, shard int, want cache.Want) (*cache.View, error)
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

// errBehind is a cache that has fallen behind what it had told: it was lost, or an older copy took over.
var errBehind = errors.New("the cache has fallen back")

// findings are what a run has found out so far, each filled by the step of Learn that its name says.
type findings struct {
	*Lesson
	parts     []*part // by shard
	preset    selection.Preset
	counts    field.Count
	choice    *field.Choice
	fitted    *train.Result
	model     *model.Model
	histogram *selection.Histogram
	chosen    selection.Choice
}

// Learn reads every shard, chooses the fields, fits a classifier to a sample, scores all candidates, and finds the cut.
func (t *Trainer) Learn(ctx context.Context, l Lesson, tell func(schemas.Stage, float64)) (*Result, error) {
	f := &findings{Lesson: &l, preset: selection.PresetOf(&l.Definition)}
	if err := t.scan(ctx, f, tell); err != nil {
		return nil, err
	}
	defer func() {
		for _, p := range f.parts {
			t.views.Put(p.view)
		}
	}()
	if err := t.choose(ctx, f); err != nil {
		return nil, err
	}
	if err := f.fit(ctx, tell); err != nil {
		return nil, err
	}
	if err := f.score(ctx, tell); err != nil {
		return nil, err
	}
	if t.Log != nil {
		t.Log.Info("learned a model", "expansion", l.ExpansionID, "customers", f.counts.All, "source", f.counts.Source,
			"fields", len(f.choice.Columns), "candidates", f.chosen.Candidates, "members", f.chosen.Members)
	}
	return &Result{f.model, t.report(f)}, nil
}

// scan reads all shards.
func (t *Trainer) scan(ctx context.Context, f *findings, tell func(schemas.Stage, float64)) error {
	tell(schemas.Reading, 0)
	f.parts = make([]*part, t.Number)
	for i := range f.parts {
		f.parts[i] = &part{shard: i}
	}
	segments := f.Definition.Segments()
	var read atomic.Int64
	var said sync.Mutex
	return each(ctx, f.parts, func(ctx context.Context, p *part) error {
		old, _ := t.views.Get().(*cache.View)
		view, err := t.Cache.Scan(ctx, p.shard, cache.Want{Segments: segments, Into: old})
		if err != nil {
			return fmt.Errorf("scan shard %d: %w", p.shard, err)
		}
		if lack := view.Meta.Lacks(&f.Ends, p.shard); lack != "" {
			return fmt.Errorf("scan shard %d (%s): %w", p.shard, lack, errBehind)
		}
		p.open(view, f.Definition.SourceSegmentID)
		said.Lock()
		defer said.Unlock()
		tell(schemas.Reading, float64(read.Add(1))/float64(t.Number))
		return nil
	})
}

// choose counts who has which value, and takes the fields to learn from. It refuses a source that is too small.
func (t *Trainer) choose(ctx context.Context, f *findings) error {
	tallies := make([][]field.Tally, len(f.parts))
	if err := each(ctx, f.parts, func(_ context.Context, p *part) error {
		tallies[p.shard] = p.tally()
		return nil
	}); err != nil {
		return err
	}
	var all []field.Tally
	var size int64
	for i, p := range f.parts {
		f.counts.All += p.customers.All
		f.counts.Source += p.customers.Source
		size += p.sourceSize
		all = append(all, tallies[i]...)
	}
	if least := orDefault(t.MinSource, 25); f.counts.Source < int64(least) {
		return schemas.Refuse(schemas.CodeSourceTooSmall,
			"wait until profiles have arrived, or lower --min-source",
			"segment %s refused: %d of %d source members have a profile, need %d",
			f.Definition.SourceSegmentID, f.counts.Source, size, least)
	}
	var err error
	f.choice, err = field.New(f.Declared, f.counts, all).Choose(f.Definition.Fields)
	var bad *field.Refused
	if errors.As(err, &bad) {
		return &schemas.RunError{Code: schemas.CodeBadField, Message: bad.Message, Hint: bad.Hint}
	}
	return err
}

// fit draws a sample, has a classifier fitted to it, and makes the model of its weights.
func (f *findings) fit(ctx context.Context, tell func(schemas.Stage, float64)) error {
	tell(schemas.Training, 0)
	source, background, err := f.sample(ctx)
	if err != nil {
		return err
	}
	tell(schemas.Training, 0.1)
	f.fitted, err = train.Fit(ctx, train.Problem{
		Levels: levels(f.choice.Columns), Source: source, Background: background, Bands: scores(f.preset.Bounds),
	})
	if err != nil {
		return unlearnable(err)
	}
	f.model = quantized(f.fitted, f.choice.Columns)
	f.model.Definition, f.model.Bands = f.Definition, f.preset.Bounds
	return nil
}

// unlearnable turns what nothing can be learned from into a refusal.
func unlearnable(err error) error {
	switch {
	case errors.Is(err, train.ErrNoBackground):
		return schemas.Refuse(schemas.CodeBadValue, "take a source that not every customer is in", "%v", err)
	case errors.Is(err, train.ErrNoSource):
		return schemas.Refuse(schemas.CodeSourceTooSmall, "wait until profiles have arrived", "%v", err)
	case errors.Is(err, train.ErrConstant):
		return schemas.Refuse(schemas.CodeBadField, "choose other fields (--field)", "%v", err)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	}
	return schemas.Internal(fmt.Errorf("train: %w", err))
}

// each works on all parts, as many at a time as there are cores.
func each(ctx context.Context, parts []*part, do func(context.Context, *part) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, p := range parts {
		group.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return do(ctx, p)
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
