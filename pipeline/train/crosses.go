package train

import (
	"context"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"
)

const (
	mostRounds  = 6
	mostCrosses = 16
	leastFall   = 0.0001 // of the loss by a round, for it to count

	// By how many times its error the loss must fall for crosses to be taken. The error does not know that the best of many were
	// looked for, which shows most where the source is small.
	certain    = 2
	certainFew = 3
	fewSource  = 1_000 // source members; with fewer, certainFew counts
)

// crossed is what the rounds of crosses have found: a validation with crosses, or that of the fields alone.
type crossed struct {
	validation
	crosses [][]int // fields of each, sorted
	penalty float64 // of crosses, as C

	designs [folds]*design // that the folds' weights are of; nil: without crosses
}

// cross adds crosses in rounds, for as long as the loss falls. Each fold's fit has crosses of its own, chosen without the members
// whose loss is looked at: else the choice would flatter itself, and a small source would be learned by heart. The crosses that
// at least half of the folds have chosen are taken, if with them the loss is certain to be lower.
func (h *heldOut) cross(ctx context.Context, fields validation) (crossed, error) {
	without := crossed{validation: fields}
	if fields.logits == nil {
		return without, nil
	}
	paths := h.paths(fields)
	best, penalty := without, usual // of crosses
	if h.source == validateSource {
		penalty = usualMany - 1
	}
	for round := range mostRounds {
		if !propose(paths, penalties[penalty]) {
			break
		}
		tried := make([]validation, len(penalties))
		validate := func(try []int) (err error) {
			for _, i := range try {
				if tried[i], err = h.validateProposed(ctx, paths, fields.c, penalties[i]); err != nil {
					return err
				}
			}
			return nil
		}
		var err error
		if round == 0 {
			penalty, err = lowest(penalty, penalty+1, validate, func(i int) float64 { return tried[i].loss })
		} else {
			err = validate([]int{penalty})
		}
		if err != nil {
			return without, err
		}
		if tried[penalty].loss > best.loss-leastFall {
			break
		}
		best = crossed{validation: tried[penalty], penalty: penalties[penalty]}
		for fold, p := range paths {
			p.design, p.weights = p.proposed.penalized(fields.c, best.penalty), best.weights[fold]
			best.designs[fold] = p.design
		}
	}
	best.crosses = agreed(paths)
	if len(best.crosses) == 0 || !h.certain(fields.logits, best.logits) {
		return without, nil
	}
	return best, nil
}

// propose looks in each fold for crosses to add, and reports whether any has some.
func propose(paths []*path, penalty float64) bool {
	widened := make([]bool, len(paths))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for fold, p := range paths {
		group.Go(func() error {
			widened[fold] = p.propose(penalty)
			return nil
		})
	}
	_ = group.Wait() // none fails
	return slices.Contains(widened, true)
}

// validateProposed fits what each fold proposes.
func (h *heldOut) validateProposed(ctx context.Context, paths []*path, c, penalty float64) (validation, error) {
	v := validation{c: c, logits: make([]float64, len(h.members))}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for fold, p := range paths {
		group.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			design := p.proposed.penalized(c, penalty)
			weights, err := p.fit(design, c)
			if err != nil {
				return err
			}
			v.weights[fold] = weights
			for member, row := range h.members {
				if h.fold(member) == fold {
					v.logits[member] = design.logit(weights, h.rows[row])
				}
			}
			return nil
		})
	}
	err := group.Wait()
	v.loss = h.loss(v.logits)
	return v, err
}

// certain reports whether the loss has fallen by so much that it is no chance.
func (h *heldOut) certain(before, after []float64) bool {
	times := float64(certain)
	if h.source < fewSource {
		times = certainFew
	}
	fallen, err := fall(before, after, stretch(0, h.source), stretch(h.source, len(before)))
	return fallen > times*err
}

// agreed returns the crosses that at least half of the folds have, sorted.
func agreed(paths []*path) (crosses [][]int) {
	var all [][]int
	for _, p := range paths {
		for i := range p.design.crosses {
			all = append(all, p.design.crosses[i].fields)
		}
	}
	slices.SortFunc(all, slices.Compare)
	for len(all) > 0 {
		n := 1
		for n < len(all) && slices.Equal(all[0], all[n]) {
			n++
		}
		if 2*n >= len(paths) && len(crosses) < mostCrosses {
			crosses = append(crosses, all[0])
		}
		all = all[n:]
	}
	return crosses
}
