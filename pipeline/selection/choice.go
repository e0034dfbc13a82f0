package selection

import (
	"slices"

	"kindred/pipeline/model"
	"kindred/schemas"
)

// Histogram counts candidates by score, from 0 to model.Best.
type Histogram [model.Best + 1]int64

// Add adds the counts of another part of the candidates.
func (h *Histogram) Add(other *Histogram) {
	for s, n := range other {
		h[s] += n
	}
}

// AtLeast counts candidates with that score or a better one.
func (h *Histogram) AtLeast(score int) (n int64) {
	for s := max(0, score); s <= model.Best; s++ {
		n += h[s]
	}
	return n
}

// Choice is who is included.
type Choice struct {
	Candidates int64
	Similar    int64 // candidates at or above the floor
	Members    int64 // included: the best of the similar
	Score      int   // of the last member; model.Best+1 when there is none
	Take       int64 // members at that score
	Ties       int64 // candidates at that score that are left out: their ties decide which
}

// Choose finds how many are included, and the score of the last of them.
func Choose(h *Histogram, r Rule) Choice {
	c := Choice{Candidates: h.AtLeast(0), Similar: h.AtLeast(r.Floor), Score: model.Nobody().Score}
	c.Members = r.size(c.Candidates, c.Similar)
	if c.Members == 0 {
		return c
	}
	left := c.Members
	for s := model.Best; ; s-- {
		if h[s] >= left {
			c.Score, c.Take, c.Ties = s, left, h[s]-left
			return c
		}
		left -= h[s]
	}
}

// NeedsTies reports whether Cut needs the ties of the candidates at Score.
func (c Choice) NeedsTies() bool { return c.Ties > 0 }

// Cut returns the model's cut. ties are those of all candidates at Score, in any order; nil will do unless NeedsTies.
// They are sorted in place.
func (c Choice) Cut(ties []uint64) model.Cut {
	if !c.NeedsTies() {
		return model.Cut{Score: c.Score}
	}
	slices.Sort(ties)
	return model.Cut{Score: c.Score, Tie: ties[int64(len(ties))-c.Take]}
}

// Distribution counts candidates and members by band, from the lowest band to the highest.
func (c Choice) Distribution(h *Histogram, bounds model.Bounds) []schemas.BandCount {
	ends := [5]int{0, bounds[0], bounds[1], bounds[2], model.Best + 1}
	bands := make([]schemas.BandCount, 4)
	for b := range bands {
		bands[b] = schemas.BandCount{
			Band: schemas.BandNames[b],
			From: printed(ends[b]), To: printed(min(ends[b+1], model.Best)),
		}
		for s := ends[b]; s < ends[b+1]; s++ {
			bands[b].Candidates += h[s]
			switch {
			case s > c.Score:
				bands[b].Members += h[s]
			case s == c.Score:
				bands[b].Members += c.Take
			}
		}
	}
	return bands
}

// Reach returns the reach curve: [i] candidates have a score of at least i/100.
func Reach(h *Histogram) []int64 {
	reach := make([]int64, 101)
	score, n := model.Best, int64(0)
	for i := 100; i >= 0; i-- {
		for ; score >= i*model.Best/100; score-- {
			n += h[score]
		}
		reach[i] = n
	}
	return reach
}

// printed returns a score as people and events see it, 0 to 1.
func printed(score int) float64 { return float64(score) / model.Best }
