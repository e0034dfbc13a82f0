package train

import (
	"cmp"
	"math"
	"slices"

	"kindred/schemas"
)

// scored is a held-out customer: what the fit that had not seen it makes of it, and how many customers it stands for.
type scored struct {
	logit  float64
	source float64 // source members
	others float64 // customers outside of the source
}

// quality measures how well members that a fit had not seen are set apart from everybody else.
func (h *heldOut) quality(logits []float64, bands [3]float64) schemas.Quality {
	if logits == nil {
		return schemas.Quality{Grade: "unknown: too few customers to measure"}
	}
	best := h.ranked(logits)
	q := schemas.Quality{
		AUC:        auc(best),
		RecallAt20: recall(best, 0.2),
		BandLift:   bandLift(best, bands),
		Holdout:    int64(h.source),
	}
	q.LiftAt20 = q.RecallAt20 / 0.2
	q.Grade = grade(q.AUC)
	return q
}

// ranked joins customers of equal logits and sorts by logit, highest first.
func (h *heldOut) ranked(logits []float64) []scored {
	perSource := population(h.problem.Source) / float64(h.source)
	perOther := population(h.problem.Background) / float64(len(logits)-h.source)
	all := make([]scored, len(logits))
	for member, logit := range logits {
		all[member] = scored{logit: logit, others: perOther}
		if member < h.source {
			all[member] = scored{logit: logit, source: perSource}
		}
	}
	slices.SortFunc(all, func(a, b scored) int {
		return cmp.Or(cmp.Compare(b.logit, a.logit), cmp.Compare(a.source, b.source))
	})
	joined := all[:1]
	for _, s := range all[1:] {
		if last := &joined[len(joined)-1]; last.logit == s.logit {
			last.source += s.source
			last.others += s.others
			continue
		}
		joined = append(joined, s)
	}
	return joined
}

// population returns how many customers a sample stands for.
func population(s *Sample) float64 { return math.Max(float64(s.Of), float64(s.Len())) }

// totals returns how many customers are ranked.
func totals(best []scored) (source, others float64) {
	for _, s := range best {
		source += s.source
		others += s.others
	}
	return source, others
}

// auc returns the chance that a source member scores higher than another customer; equal is half.
func auc(best []scored) float64 {
	source, others := totals(best)
	var won, ahead float64
	for _, s := range best {
		won += s.others * (ahead + s.source/2)
		ahead += s.source
	}
	return won / (source * others)
}

// recall returns the share of the source among the best of all customers. Of equals, a part counts.
func recall(best []scored, share float64) float64 {
	source, others := totals(best)
	room := share * (source + others)
	var found float64
	for _, s := range best {
		size := s.source + s.others
		if size >= room {
			found += s.source * room / size
			break
		}
		found += s.source
		room -= size
	}
	return found / source
}

// bandLift returns how much more frequent a band is in the source than outside of it; 0 where nobody is, or where nobody is
// outside and nothing can be divided by.
func bandLift(best []scored, bands [3]float64) (lift [4]float64) {
	source, others := totals(best)
	var in [4]scored
	for _, s := range best {
		band := 0
		probability := 1 / (1 + math.Exp(-s.logit))
		for band < 3 && probability >= bands[band] {
			band++
		}
		in[band].source += s.source
		in[band].others += s.others
	}
	for band, s := range in {
		if s.others > 0 {
			lift[band] = (s.source / source) / (s.others / others)
		}
	}
	return lift
}

// grade puts the AUC in words.
func grade(auc float64) string {
	switch {
	case auc >= 0.9:
		return "excellent"
	case auc >= 0.8:
		return "very good"
	case auc >= 0.7:
		return "good"
	case auc >= 0.6:
		return "fair"
	case auc >= 0.55:
		return "weak"
	}
	return "no better than chance"
}

// influence returns each field's share of the spread of logits over the background. That of a cross is shared by its fields.
func (t *task) influence(weights []float64) []float64 {
	influence := make([]float64, len(t.design.levels))
	for f, levels := range t.design.byField(weights) {
		influence[f] = t.spread([]int{f}, levels)
	}
	for _, c := range t.design.byCross(weights) {
		spread := t.spread(c.Fields, c.Weights)
		for _, f := range c.Fields {
			influence[f] += spread / float64(len(c.Fields))
		}
	}
	var sum float64
	for _, share := range influence {
		sum += share
	}
	for f := range influence {
		if sum > 0 {
			influence[f] /= sum
		}
	}
	return influence
}

// spread returns the variance over the background of what some fields contribute together, with weights by cell.
func (t *task) spread(fields []int, weights []float64) float64 {
	var n, sum, squares float64
	for _, row := range t.rows[t.source:] {
		n++
		if cell := t.design.cell(fields, row); cell >= 0 {
			sum += weights[cell]
			squares += weights[cell] * weights[cell]
		}
	}
	return math.Max(squares/n-sum/n*sum/n, 0)
}
