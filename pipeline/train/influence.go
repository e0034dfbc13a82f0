package train

import (
	"cmp"
	"math"
	"runtime"

	"golang.org/x/sync/errgroup"
)

// mostLooks bounds the time of cost: so many fields of held-out customers are looked at, and of more customers only some.
const mostLooks = 300_000

// cost returns for each field, and each cross, how much of what the fits know of customers they had not seen is lost without it:
// by which part of its way to the loss of a guess the held-out loss rises when everybody counts as average in that field, by
// itself and in crosses with others, or in that cross. The other fields are not fitted anew, so what two fields tell alike counts
// as lost with either. It is measured on whom quality is measured on, 0 to 1 each; nil when these are too few.
func (h *heldOut) cost(of crossed) (fields, crosses []float64) {
	crosses = make([]float64, len(of.crosses))
	source, others := h.measured()
	if of.logits == nil || min(len(source), len(others)) < validateLeast {
		return nil, crosses
	}
	fields = make([]float64, len(h.problem.Levels))
	looked := every(append(source, others...), 1+len(h.members)*(len(fields)+len(crosses))/mostLooks)
	known := math.Ln2 - h.lossOf(looked, func(member int) float64 { return of.logits[member] })
	if known <= 0 {
		return fields, crosses
	}
	// lost returns what is lost without what it adds.
	lost := func(adding func(d *design, weights []float64, row []uint8) float64) float64 {
		adds := make([]float64, len(h.members))
		for _, member := range looked {
			fold := h.fold(member)
			adds[member] = adding(cmp.Or(of.designs[fold], h.design), of.weights[fold], h.rows[h.members[member]])
		}
		usual := h.means(looked, adds)
		without := h.lossOf(looked, func(member int) float64 { return of.logits[member] - adds[member] + usual[h.fold(member)] })
		return math.Round(1e4*min(1, max(0, (without-math.Ln2+known)/known))) / 1e4
	}
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for f := range fields {
		group.Go(func() error {
			fields[f] = lost(func(d *design, weights []float64, row []uint8) float64 { return d.adds(weights, row, f) })
			return nil
		})
	}
	for i, together := range of.crosses {
		group.Go(func() error {
			crosses[i] = lost(func(d *design, weights []float64, row []uint8) float64 { return d.addsTogether(weights, row, together) })
			return nil
		})
	}
	_ = group.Wait()
	return fields, crosses
}

// every returns every so manieth of the members.
func every(members []int, step int) (some []int) {
	for i := 0; i < len(members); i += step {
		some = append(some, members[i])
	}
	return some
}

// means returns the mean of what a field adds in each fold, source and others counting alike.
func (h *heldOut) means(members []int, adds []float64) (means [folds]float64) {
	var sums, counts [2][folds]float64
	for _, member := range members {
		class, fold := 0, h.fold(member)
		if member >= h.source {
			class = 1
		}
		sums[class][fold] += adds[member]
		counts[class][fold]++
	}
	for fold := range means {
		for class := range sums {
			means[fold] += sums[class][fold] / math.Max(counts[class][fold], 1) / 2
		}
	}
	return means
}
