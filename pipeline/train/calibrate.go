package train

import (
	"math"
	"slices"
)

const (
	calibrateLeast = 1_000 // source members, below which the steps of a curve are mostly chance
	calibrateSteps = 50    // of a curve, at most
	flattest       = 0.05  // logits that a curve rises for each of a sum: it may not make equals of many
	beyond         = 0.5   // the same beyond its ends, where hardly anybody was seen
)

// Curve says which logit a customer deserves by the sum of the weights: a monotone curve, straight between its points, and rising
// half as much as the sum beyond them. Nil: the sum itself.
type Curve []Point

// Point is a sum of weights and the logit that it deserves. Both ascend along a curve.
type Point struct{ Sum, Logit float64 }

// Logit returns the logit at a sum.
func (c Curve) Logit(sum float64) float64 {
	return c.along(sum, func(p Point) (from, to float64) { return p.Sum, p.Logit }, beyond)
}

// Sum returns the sum that deserves a logit.
func (c Curve) Sum(logit float64) float64 {
	return c.along(logit, func(p Point) (from, to float64) { return p.Logit, p.Sum }, 1/beyond)
}

// along goes along the curve, by one of the coordinates to the other. Beyond the ends it has this slope.
func (c Curve) along(at float64, coordinates func(Point) (from, to float64), slope float64) float64 {
	if len(c) == 0 {
		return at
	}
	lastFrom, lastTo := coordinates(c[0])
	for _, p := range c {
		from, to := coordinates(p)
		if at < from {
			if from > lastFrom {
				slope = (to - lastTo) / (from - lastFrom)
			}
			return to + (at-from)*slope
		}
		lastFrom, lastTo = from, to
	}
	return lastTo + (at-lastFrom)*slope
}

// calibrate finds the curve of those held out, by isotonic regression, and their logits on curves that had not seen them. It
// returns nil and the logits as they are when there are few source members, or when that does not surely lower the loss.
func (h *heldOut) calibrate(logits []float64) (Curve, []float64) {
	source, others := h.measured()
	if len(source) < calibrateLeast || len(others) < calibrateLeast {
		return nil, logits
	}
	ranking, after := h.ranking(logits), slices.Clone(logits)
	for fold := range folds {
		curve := isotonic(h.ranked(ranking, logits, func(member int) bool { return h.fold(member) != fold }))
		for member, logit := range logits {
			if h.fold(member) == fold {
				after[member] = curve.Logit(logit)
			}
		}
	}
	if fallen, err := fall(logits, after, source, others); fallen <= err {
		return nil, logits
	}
	return isotonic(h.ranked(ranking, logits, everybody)), after
}

// isotonic fits a monotone curve: neighbours are joined for as long as a lower sum has the higher share of the source, or few
// are in a step. Source and others weigh the same.
func isotonic(best []scored) Curve {
	source, others := totals(best)
	type step struct{ sum, source, others float64 } // sum: mean times weight
	weight := func(s step) float64 { return s.source + s.others }
	lower := func(a, b step) bool { return a.source*b.others < b.source*a.others }
	var steps []step
	for _, s := range slices.Backward(best) {
		now := step{source: s.source / source, others: s.others / others}
		now.sum = s.logit * weight(now)
		for len(steps) > 0 {
			last := steps[len(steps)-1]
			if lower(last, now) && weight(last) >= 2.0/calibrateSteps {
				break
			}
			now = step{last.sum + now.sum, last.source + now.source, last.others + now.others}
			steps = steps[:len(steps)-1]
		}
		steps = append(steps, now)
	}
	var curve Curve
	for _, s := range steps {
		// Half a customer more of each: nothing is certain.
		p := Point{s.sum / weight(s), math.Log((s.source + 0.5/source) / (s.others + 0.5/others))}
		if n := len(curve); n > 0 {
			p.Logit = math.Max(p.Logit, curve[n-1].Logit+flattest*(p.Sum-curve[n-1].Sum))
		}
		curve = append(curve, p)
	}
	return curve
}

// fall returns by how much the balanced loss of some members has fallen, and the standard error of that.
func fall(before, after []float64, source, others []int) (mean, err float64) {
	var variance float64
	for class, members := range [][]int{source, others} {
		sign := float64(2*class - 1)
		var less spread
		for _, member := range members {
			less.add(softplus(sign*before[member])-softplus(sign*after[member]), 1)
		}
		mean += less.mean() / 2
		variance += less.error() / 4
	}
	return mean, math.Sqrt(variance)
}
