package train

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"

	"kindred/schemas"
)

// The reasons why nothing can be learned.
var (
	ErrNoSource     = errors.New("no source member has a profile to learn from")
	ErrNoBackground = errors.New("every customer with a profile is in the source: there is nobody to compare it with")
	ErrConstant     = errors.New("all customers look alike in the chosen fields")
)

const (
	finalPrecision = 1.0 / 60 // of the last fit: with a finer one of 0.01 hardly an AUC was higher by 0.0002, none by 0.0005
	leastPart      = 5_000    // rows of either class in a part: with so many, parts are as good as the whole
	mostParts      = 4
)

// Problem is what to learn from. Fit settles the samples' order: they are its own until it returns.
type Problem struct {
	Levels     []int      // levels of each field; a row's level is below it, or None
	Ordered    []int      // levels of each field that are in an order, the first ones; nil: none are
	Apart      []bool     // fields that are not to be in a cross; nil: none
	Source     *Sample    // source members who are where the candidates are
	Background *Sample    // candidates outside of the source
	Elsewhere  Elsewhere  // who is learned from as well
	Bands      [3]float64 // where the upper three bands begin, as scores from 0 to 1; for Quality.BandLift
}

// Elsewhere are customers who cannot be chosen. Quality is not measured on them, but for the source when it has too few
// members among the candidates. A nil sample is empty.
type Elsewhere struct{ Source, Background *Sample }

// settled returns the samples in canonical order, each with its customers in theirs.
func (p *Problem) settled() [4]*Sample {
	samples := [...]*Sample{p.Source, p.Elsewhere.Source, p.Background, p.Elsewhere.Background}
	var group sync.WaitGroup
	for _, s := range samples {
		if s != nil {
			group.Go(s.settle)
		}
	}
	group.Wait()
	return samples
}

// Describe writes all that Fit finds its result from: what is described alike gives the same bits.
func (p *Problem) Describe(to hash.Hash) {
	fmt.Fprintln(to, p.Levels, p.Ordered, p.Apart, p.Bands)
	for _, s := range p.settled() {
		if s != nil {
			fmt.Fprintln(to, s.Len(), s.Of, s.Width)
			to.Write(s.levels)
		}
	}
}

// Result is a classifier: the logit of a customer is the Curve at the sum of Bias and a weight for the level of each field.
type Result struct {
	Bias      float64
	Weights   [][]float64 // [field][level]
	Crosses   []Cross     // what combinations of levels add to that
	Curve     Curve       // of the sums
	C         float64     // what cross-validation chose: the higher, the less the weights are held down
	Influence []float64   // [field] 0..1, share of what is known that is lost without it, see cost; nil: there are too few to tell
	Quality   schemas.Quality
}

// Cross is what the combinations of the levels of some fields weigh.
type Cross struct {
	Fields  []int     // ascending
	Weights []float64 // the level of the last field runs fastest; 0 also for a combination that too few customers have

	Influence float64 // as of a field
}

// Fit finds the weights. The same customers make the same bits. It heeds ctx between fits only: one takes some tenths of a
// second at most.
func Fit(ctx context.Context, p Problem) (*Result, error) {
	t, err := newTask(p)
	if err != nil {
		return nil, err
	}
	heldOut := t.heldOut()
	paths := heldOut.paths()
	fields, err := heldOut.choose(ctx, paths)
	if err != nil {
		return nil, fmt.Errorf("cross-validate: %w", err)
	}
	best, err := heldOut.cross(ctx, paths, fields)
	if err != nil {
		return nil, fmt.Errorf("choose crosses: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	influence, ofCrosses := heldOut.cost(best)
	if len(best.crosses) > 0 {
		t.design = t.design.with(best.partitions, t.rows).penalized(best.c, best.penalty)
	}
	weights, err := t.fitAll(best.c)
	if err != nil {
		return nil, fmt.Errorf("fit %d customers: %w", len(t.rows), err)
	}
	crosses := t.design.byCross(weights)
	for i := range crosses {
		crosses[i].Influence = ofCrosses[i]
	}
	curve, logits := heldOut.calibrate(best.logits)
	return &Result{
		Bias:      weights[t.design.intercept],
		Weights:   t.design.byField(weights),
		Crosses:   crosses,
		Curve:     curve,
		C:         best.c,
		Influence: influence,
		Quality:   heldOut.quality(logits, p.Bands),
	}, nil
}

// task is a problem in canonical order, source members first.
type task struct {
	problem Problem
	rows    [][]uint8
	source  int    // rows that are source members
	strata  strata // of the rows
	design  *design
}

func newTask(p Problem) (*task, error) {
	t := &task{problem: p}
	for i, s := range p.settled() {
		if s != nil {
			if s.Width != len(p.Levels) {
				return nil, fmt.Errorf("rows of %d levels for %d fields", s.Width, len(p.Levels))
			}
			for at := 0; at < len(s.levels); at += s.Width {
				t.rows = append(t.rows, s.levels[at:at+s.Width])
			}
		}
		t.strata[i] = len(t.rows)
	}
	t.source = t.strata[1]
	switch len(t.rows) {
	case 0, len(t.rows) - t.source:
		return nil, ErrNoSource
	case t.source:
		return nil, ErrNoBackground
	}
	if err := t.check(); err != nil {
		return nil, err
	}
	ordered := p.Ordered
	if t.source >= validateSource {
		ordered = nil // each level tells enough by itself, and columns that are shared would cost as much as all the rest
	}
	t.design = newDesign(p.Levels, ordered)
	return t, nil
}

// check refuses levels that do not exist, which C would take for memory, and rows that are all the same.
func (t *task) check() error {
	constant := true
	for _, row := range t.rows {
		for f, level := range row {
			if level != None && int(level) >= t.problem.Levels[f] {
				return fmt.Errorf("level %d in a field of %d levels", level, t.problem.Levels[f])
			}
			constant = constant && level == t.rows[0][f]
		}
	}
	if constant {
		return ErrConstant
	}
	return nil
}

// fitAll fits all rows. A large sample is fitted in parts, side by side: the mean of what they find is as good, and what one
// reads again and again stays closer to the processor. The number of cores does not decide how many there are, or it would the
// weights.
func (t *task) fitAll(c float64) ([]float64, error) {
	liblinear.Lock()
	defer liblinear.Unlock()
	silence()
	parts := make([][]float64, min(max(min(t.source, len(t.rows)-t.source)/leastPart, 1), mostParts))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for part := range parts {
		group.Go(func() (err error) {
			parts[part], err = t.fitPart(part, len(parts), float64(len(parts))*c) // of fewer rows, each counts more against the penalty
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	mean := parts[0]
	for column := range mean {
		for _, other := range parts[1:] {
			mean[column] += other[column]
		}
		mean[column] /= float64(len(parts))
	}
	return mean, nil
}

// fitPart fits one of so many stretches of each stratum. In canonical order they are random parts.
func (t *task) fitPart(part, of int, c float64) ([]float64, error) {
	var rows [][]uint8
	source, from := 0, 0
	for i, to := range t.strata {
		n := to - from
		rows = append(rows, t.rows[from+n*part/of:from+n*(part+1)/of]...)
		if i < 2 {
			source = len(rows)
		}
		from = to
	}
	return t.design.fit(rows, source, c, finalPrecision)
}
