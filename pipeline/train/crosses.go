package train

import (
	"context"
	"math"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"
)

const (
	mostRounds     = 10
	mostRoundsMany = 6 // of a source with validateSource members or more, which has no need of small steps
	mostCrosses    = 16
	allCells       = 36_000 // combinations of all crosses of a model, so that it fits into a record
	leastFall      = 0.0001 // of the loss by a round, for it to count

	// By how many times its error the loss must fall for crosses to be taken. The error does not know that the best of many were
	// looked for, which shows most where the source is small.
	certain    = 2
	certainFew = 2.5
	fewSource  = 1_000 // source members; with fewer, certainFew counts
)

// crossed is what the rounds of crosses have found: a validation with crosses, or that of the fields alone.
type crossed struct {
	validation
	crosses    [][]int     // fields of each, sorted
	partitions []partition // of these
	penalty    float64     // of crosses, as C

	designs [folds]*design // that the folds' weights are of; nil: without crosses
}

// cross adds crosses in rounds, for as long as the loss falls. Each fold's fit has crosses of its own, chosen without the members
// whose loss is looked at: else the choice would flatter itself, and a small source would be learned by heart. The crosses that
// at least half of the folds have chosen are taken, if with them the loss is certain to be lower.
func (h *heldOut) cross(ctx context.Context, paths []*path, fields validation) (crossed, error) {
	without := crossed{validation: fields}
	if fields.logits == nil {
		return without, nil
	}
	for fold, p := range paths {
		p.weights = fields.weights[fold]
	}
	best, penalty := without, usual // of crosses
	rounds, most := mostRounds, mostAtOnce
	if h.many() {
		rounds, penalty = mostRoundsMany, max(slices.Index(penalties[:], fields.c)-1, 0)
	}
	for range rounds {
		some := propose(paths, penalties[penalty], most)
		if some {
			found, err := h.validatePenalties(ctx, paths, fields.c, &penalty, best)
			if err != nil {
				return without, err
			}
			if found.loss <= best.loss-leastFall {
				best = crossed{validation: found, penalty: penalties[penalty]}
				for fold, p := range paths {
					p.accept(p.proposed.penalized(fields.c, best.penalty), best.weights[fold])
					best.designs[fold] = p.design
				}
				continue
			}
		}
		// Several at once may have been too many, or what is left is no pair.
		if most == 1 || !paths[0].few() && (!some || h.many()) {
			break
		}
		most = 1
	}
	best.crosses, best.partitions = agreed(paths)
	if len(best.crosses) == 0 || !h.certain(fields.logits, best.logits) {
		return without, nil
	}
	return best, nil
}

// validatePenalties fits what the folds propose: as long as there are no crosses with the penalty that does best, then with that
// of the last round. Where the loss does not fall by that, the next lower one is tried: the more crosses there are, the more has
// to be held down, unless there are many to learn from. The penalty is set to the one that is returned.
func (h *heldOut) validatePenalties(
	ctx context.Context, paths []*path, c float64, penalty *int, before crossed,
) (validation, error) {
	tried := make([]validation, len(penalties))
	loss := func(i int) float64 { return tried[i].loss }
	validate := func(try []int) (err error) {
		for _, i := range try {
			if tried[i], err = h.validateProposed(ctx, paths, c, penalties[i]); err != nil {
				return err
			}
		}
		return nil
	}
	if before.penalty == 0 {
		low := min(*penalty, len(penalties)-2) // a round that did not help may have left it at the last
		best, err := lowest(low, low+1, validate, loss)
		*penalty = best
		return tried[best], err
	}
	err := validate([]int{*penalty})
	if lower := *penalty - 1; err == nil && loss(*penalty) > before.loss-leastFall && lower >= 0 && !h.many() {
		if err = validate([]int{lower}); loss(lower) < loss(*penalty) {
			*penalty = lower
		}
	}
	return tried[*penalty], err
}

// propose looks in each fold for crosses to add, at most so many, and reports whether any has some.
func propose(paths []*path, penalty float64, most int) bool {
	widened := make([]bool, len(paths))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for fold, p := range paths {
		group.Go(func() error {
			widened[fold] = p.propose(penalty, most)
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
			weights := p.fit(design, c)
			v.weights[fold] = weights
			h.put(v.logits, fold, p.newton.ofUnseen(weights))
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

// agreed returns the crosses that at least half of the folds have, sorted, with the partitions of all of these: the mean of what
// they would weigh by each.
func agreed(paths []*path) (crosses [][]int, partitions []partition) {
	var all [][]int
	room := allCells
	for _, p := range paths {
		for i := range p.design.crosses {
			all = append(all, p.design.crosses[i].fields)
		}
	}
	slices.SortFunc(all, slices.Compare)
	for len(all) > 0 {
		fields, n := all[0], 1
		for n < len(all) && slices.Equal(fields, all[n]) {
			n++
		}
		if cells := paths[0].design.cells(fields); 2*n >= len(paths) && len(crosses) < mostCrosses && cells <= room {
			room -= cells
			crosses = append(crosses, fields)
			for _, path := range paths {
				for _, p := range path.chosen {
					if slices.Equal(p.fields, fields) {
						p.value /= math.Sqrt(float64(n))
						partitions = append(partitions, p)
					}
				}
			}
		}
		all = all[n:]
	}
	return crosses, joined(partitions)
}
