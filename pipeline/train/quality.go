package train

import (
	"math"
	"slices"

	"kindred/schemas"
)

// Chance is the grade of what cannot be told from chance.
const Chance = "cannot be told from chance"

// scored are held-out customers of one logit: what the fit that had not seen them makes of them, and how many they are, or
// stand for.
type scored struct {
	logit  float64
	source float64 // source members
	others float64 // customers outside of the source
}

// quality measures how well members that a fit had not seen are set apart from the candidates.
func (h *heldOut) quality(logits []float64, bands [3]float64) schemas.Quality {
	source, others := h.measured()
	if logits == nil || min(len(source), len(others)) < validateLeast {
		return schemas.Quality{Grade: "unknown: too few customers to measure"}
	}
	ranking := h.ranking(logits)
	best := h.ranked(ranking, logits, everybody)
	q := schemas.Quality{
		BandLift:    bandLift(best, bands),
		BandPromise: bandPromise(best, bands),
		Holdout:     int64(len(source)),
		Elsewhere:   int64(len(source) - min(len(source), h.strata[0])),
	}
	q.AUC, q.AUCLow, q.AUCHigh = h.auc(ranking, logits)
	q.RecallAt20 = recall(h.standing(best), 0.2)
	q.LiftAt20 = q.RecallAt20 / 0.2
	q.Grade = grade(q.AUC, q.AUCLow)
	return q
}

// measured returns the members that quality is measured on: of the source those among the candidates, unless they are few, and
// the candidates.
func (h *heldOut) measured() (source, others []int) {
	end := h.strata[0]
	if end < measuredSource {
		end = h.source
	}
	return stretch(0, end), stretch(h.source, h.strata[2])
}

// stretch returns the numbers from one to another.
func stretch(from, to int) []int {
	all := make([]int, to-from)
	for i := range all {
		all[i] = from + i
	}
	return all
}

// ranking returns the members that quality is measured on, the highest logit first.
func (h *heldOut) ranking(logits []float64) []place {
	source, others := h.measured()
	places := make([]place, 0, len(source)+len(others))
	for _, members := range [][]int{source, others} {
		for _, member := range members {
			places = append(places, place{descending(logits[member]), member})
		}
	}
	return inOrder(places)
}

// ranked joins members of equal logits, those of a ranking that count. It keeps their order.
func (h *heldOut) ranked(ranking []place, logits []float64, counts func(member int) bool) []scored {
	joined := make([]scored, 0, len(ranking))
	for _, p := range ranking {
		if !counts(p.at) {
			continue
		}
		if logit := logits[p.at]; len(joined) == 0 || joined[len(joined)-1].logit != logit {
			joined = append(joined, scored{logit: logit})
		}
		last := &joined[len(joined)-1]
		if p.at < h.source {
			last.source++
		} else {
			last.others++
		}
	}
	return joined
}

// everybody counts every member.
func everybody(int) bool { return true }

// standing returns what the ranked members stand for, instead of how many they are.
func (h *heldOut) standing(best []scored) []scored {
	source, others := totals(best)
	perSource, perOther := population(h.problem.Source), population(h.problem.Background)/others
	if source > float64(h.strata[0]) {
		perSource += population(h.problem.Elsewhere.Source)
	}
	all := slices.Clone(best)
	for i := range all {
		all[i].source *= perSource / source
		all[i].others *= perOther
	}
	return all
}

// population returns how many customers a sample stands for.
func population(s *Sample) float64 {
	if s == nil {
		return 0
	}
	return math.Max(float64(s.Of), float64(s.Len()))
}

// totals returns how many customers are ranked.
func totals(best []scored) (source, others float64) {
	for _, s := range best {
		source += s.source
		others += s.others
	}
	return source, others
}

// auc returns the chance that a source member scores higher than a candidate of the same fold (equal is half), and the interval
// in which it lies nineteen times of twenty. The error is DeLong's, from how the shares differ that each of them outranks,
// with Nadeau and Bengio's correction: folds are not independent, since whoever is measured in one is learned from in the others.
func (h *heldOut) auc(ranking []place, logits []float64) (auc, low, high float64) {
	var won, lost spread
	for fold := range folds {
		best := h.ranked(ranking, logits, func(member int) bool { return h.fold(member) == fold })
		sources, rest := totals(best)
		ahead, behind := 0.0, rest
		for _, s := range best {
			behind -= s.others
			won.add((behind+s.others/2)/rest, s.source)
			lost.add((ahead+s.source/2)/sources, s.others)
			ahead += s.source
		}
	}
	auc = won.mean()
	// One member more that is ranked by chance: what a few members all agree on is not certain.
	variance := won.error() + lost.error() + (auc-0.5)*(auc-0.5)/(won.n*won.n)
	margin := 1.96 * math.Sqrt(variance*(1+folds/(folds-1.0)))
	return auc, math.Max(auc-margin, 0), math.Min(auc+margin, 1)
}

// spread is how numbers are spread.
type spread struct{ n, sum, squares float64 }

func (s *spread) add(value, times float64) {
	s.n += times
	s.sum += times * value
	s.squares += times * value * value
}

func (s *spread) mean() float64 { return s.sum / s.n }

// error returns the square of the standard error of the mean.
func (s *spread) error() float64 {
	return math.Max(s.squares-s.sum*s.sum/s.n, 0) / (s.n - 1) / s.n
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
		band := bandOf(probability(s.logit), bands)
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

// bandPromise returns the lift that the scores in a band stand for; 0 where nobody is.
func bandPromise(best []scored, bands [3]float64) (lift [4]float64) {
	source, others := totals(best)
	var in, out [4]float64
	for _, s := range best {
		p := probability(s.logit)
		band := bandOf(p, bands)
		weight := s.source/source + s.others/others
		in[band] += weight * p
		out[band] += weight * (1 - p)
	}
	for band := range lift {
		if out[band] > 0 {
			lift[band] = in[band] / out[band]
		}
	}
	return lift
}

func probability(logit float64) float64 { return 1 / (1 + math.Exp(-logit)) }

func bandOf(probability float64, bands [3]float64) (band int) {
	for band < 3 && probability >= bands[band] {
		band++
	}
	return band
}

// grade puts the AUC in words, and the lower end of its interval.
func grade(auc, low float64) string {
	switch {
	case low <= 0.5:
		return Chance
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
	return "hardly better than chance"
}
