package control

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

// Lesson is what a run has learned.
type Lesson struct {
	ExpansionID string
	Definition  schemas.Definition
	Declared    []schemas.Field // by name
	Ends        schemas.Ends    // of the inputs, which what it learns from must have seen
}

// Learned is a model that lacks its epoch, run and definition, and a report that lacks what the shards count.
type Learned struct {
	Model  *model.Model
	Report *schemas.Report
}

// Cache reads a shard's cache as one life of it was at one moment.
type Cache interface {
	Scan(ctx context.Context, shard int, want cache.Want) (*cache.View, error)
}

// Trainer learns models from the caches of all shards. The same caches give the same model, however many shards there
// are and in whatever order customers lie in them.
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

// Learn reads every shard, chooses the fields, fits a classifier to a sample, scores all candidates, and finds the cut.
func (t *Trainer) Learn(ctx context.Context, l Lesson, tell func(schemas.Stage, float64)) (*Learned, error) {
	parts, err := t.scan(ctx, &l, tell)
	if err != nil {
		return nil, err
	}
	defer func() {
		for _, p := range parts {
			t.views.Put(p.view)
		}
	}()
	counts, choice, err := t.choose(ctx, &l, parts)
	if err != nil {
		return nil, err
	}
	tell(schemas.Training, 0)
	source, background, err := sample(ctx, parts, choice.Columns, counts)
	if err != nil {
		return nil, err
	}
	tell(schemas.Training, 0.1)
	preset, _ := selection.Named(l.Definition.Preset)
	fitted, err := train.Fit(ctx, train.Problem{
		Levels: levels(choice.Columns), Source: source, Background: background, Bands: scores(preset.Bounds),
	})
	if err != nil {
		return nil, unlearnable(err)
	}
	tell(schemas.Scoring, 0)
	m := quantized(fitted, choice.Columns)
	m.Definition, m.Bands = l.Definition, preset.Bounds
	histogram, err := score(ctx, m, parts, func(done float64) { tell(schemas.Scoring, done) })
	if err != nil {
		return nil, err
	}
	chosen := selection.Choose(histogram, selection.RuleOf(&l.Definition))
	m.Cut = chosen.Cut(ties(parts, chosen, l.ExpansionID))
	if t.Log != nil {
		t.Log.Info("learned a model", "expansion", l.ExpansionID, "customers", counts.All, "source", counts.Source,
			"fields", len(choice.Columns), "candidates", chosen.Candidates, "members", chosen.Members)
	}
	return &Learned{m, t.report(&l, parts, counts, choice, fitted, histogram, chosen)}, nil
}

// scan reads all shards.
func (t *Trainer) scan(ctx context.Context, l *Lesson, tell func(schemas.Stage, float64)) ([]*part, error) {
	tell(schemas.Reading, 0)
	parts := make([]*part, t.Number)
	for i := range parts {
		parts[i] = &part{shard: i}
	}
	segments := segmentsOf(&l.Definition)
	var read atomic.Int64
	var said sync.Mutex
	err := each(ctx, parts, func(ctx context.Context, p *part) error {
		old, _ := t.views.Get().(*cache.View)
		view, err := t.Cache.Scan(ctx, p.shard, cache.Want{Segments: segments, Into: old})
		if err != nil {
			return fmt.Errorf("scan shard %d: %w", p.shard, err)
		}
		if lack := lacks(view.Meta.Ready, view.Meta.Through, view.Meta.Offsets, &l.Ends, p.shard); lack != "" {
			return fmt.Errorf("scan shard %d (%s): %w", p.shard, lack, errBehind)
		}
		p.open(view, l.Definition.SourceSegmentID)
		said.Lock()
		defer said.Unlock()
		tell(schemas.Reading, float64(read.Add(1))/float64(t.Number))
		return nil
	})
	return parts, err
}

// choose counts who has which value, and takes the fields to learn from. It refuses a source that is too small.
func (t *Trainer) choose(ctx context.Context, l *Lesson, parts []*part) (field.Count, *field.Choice, error) {
	tallies := make([][]field.Tally, len(parts))
	if err := each(ctx, parts, func(_ context.Context, p *part) error {
		tallies[p.shard] = p.tally()
		return nil
	}); err != nil {
		return field.Count{}, nil, err
	}
	var counts field.Count
	var all []field.Tally
	var size int64
	for i, p := range parts {
		counts.All += p.customers.All
		counts.Source += p.customers.Source
		size += p.sourceSize
		all = append(all, tallies[i]...)
	}
	if least := orDefault(t.MinSource, 25); counts.Source < int64(least) {
		return counts, nil, refused(schemas.CodeSourceTooSmall,
			"wait until profiles have arrived (kindred doctor), or lower --min-source",
			"segment %s refused: %d of %d source members have a profile, need %d",
			l.Definition.SourceSegmentID, counts.Source, size, least)
	}
	choice, err := field.New(l.Declared, counts, all).Choose(l.Definition.Fields)
	var bad *field.Refused
	if errors.As(err, &bad) {
		return counts, nil, &schemas.RunError{Code: schemas.CodeBadField, Message: bad.Message, Hint: bad.Hint}
	}
	return counts, choice, err
}

// unlearnable turns what nothing can be learned from into a refusal.
func unlearnable(err error) error {
	switch {
	case errors.Is(err, train.ErrNoBackground):
		return refused(schemas.CodeBadValue, "take a source that not every customer is in", "%v", err)
	case errors.Is(err, train.ErrNoSource):
		return refused(schemas.CodeSourceTooSmall, "wait until profiles have arrived (kindred doctor)", "%v", err)
	case errors.Is(err, train.ErrConstant):
		return refused(schemas.CodeBadField, "choose other fields (--field)", "%v", err)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	}
	return internal(fmt.Errorf("train: %w", err))
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
