package train

import (
	"cmp"
	"math"
	"slices"
)

const (
	mostFields    = 3      // of a cross
	mostCells     = 4_000  // combinations of the levels of a cross
	mostNamed     = 2_000  // of these, that have a weight
	mostScored    = 500    // crosses that are scored on all rows; of more, the best by some of the rows
	mostAtOnce    = 4      // crosses added in a round
	leastGain     = 0.0003 // of mean loss, for a cross to be added
	leastOfLeader = 1. / 3 // the same, as a share of what the best gains
)

// path is the fit of one fold as it goes on, a cross after the other. It knows only members outside of the fold.
type path struct {
	apart   []bool
	rows    [][]uint8
	source  int       // the first ones are source members
	parts   [][]int   // the same rows, by the fold that they are held out from
	columns [][]uint8 // the levels of the same rows, by field

	design   *design
	weights  []float64
	proposed *design // with further crosses
	hopeful  [][]int // pairs that promised to gain when they were scored last
}

// paths returns one for each fold, which begin with what a validation has fitted.
func (h *heldOut) paths(begin validation) []*path {
	paths := make([]*path, folds)
	for fold := range paths {
		p := &path{apart: h.problem.Apart, parts: make([][]int, folds), design: h.design, weights: begin.weights[fold]}
		for member, row := range h.members {
			own := h.fold(member)
			if own == fold {
				continue
			}
			p.parts[own] = append(p.parts[own], len(p.rows))
			p.rows = append(p.rows, h.rows[row])
			if member < h.source {
				p.source++
			}
		}
		for f := range h.design.levels {
			column := make([]uint8, len(p.rows))
			for i, row := range p.rows {
				column[i] = row[f]
			}
			p.columns = append(p.columns, column)
		}
		paths[fold] = p
	}
	return paths
}

// fit fits a design.
func (p *path) fit(d *design, c float64) ([]float64, error) {
	m := newMatrix(p.rows, d)
	defer m.free()
	all := make([]int, len(p.rows))
	for i := range all {
		all[i] = i
	}
	s := m.subset(all, p.source)
	defer s.free()
	return s.fit(c, validatePrecision)
}

// propose finds the best crosses to add. It reports whether there are any.
func (p *path) propose(penalty float64) bool {
	search := newSearch(p, penalty)
	found := search.scored(p.candidates(), 1)
	p.hopeful = nil
	for _, c := range found {
		if c.gain > 0 && len(c.fields) == 2 {
			p.hopeful = append(p.hopeful, c.fields)
		}
	}
	if len(found) > 0 {
		least := max(leastGain, found[0].gain*leastOfLeader)
		found = slices.DeleteFunc(found, func(c candidate) bool { return c.gain < least })
	}
	found = found[:min(len(found), mostAtOnce, mostCrosses-len(p.design.crosses))]
	var crosses [][]int
	for _, c := range found {
		crosses = append(crosses, c.fields)
	}
	p.proposed = p.design.with(crosses, p.rows)
	return len(crosses) > 0
}

// candidates returns pairs of fields, at first all, and the crosses there are with one more field, less those there are.
func (p *path) candidates() (all [][]int) {
	add := func(fields []int) {
		apart := func(f int) bool { return p.apart != nil && p.apart[f] }
		there := func(c cross) bool { return slices.Equal(c.fields, fields) }
		if p.design.cells(fields) <= mostCells && !slices.ContainsFunc(fields, apart) && !slices.ContainsFunc(p.design.crosses, there) {
			all = append(all, fields)
		}
	}
	for _, pair := range p.hopeful {
		add(pair)
	}
	if len(p.design.crosses) == 0 {
		for b := range p.columns {
			for a := range b {
				add([]int{a, b})
			}
		}
	}
	for _, c := range p.design.crosses {
		for f := range p.columns {
			if len(c.fields) < mostFields && !slices.Contains(c.fields, f) {
				wider := append(slices.Clone(c.fields), f)
				slices.Sort(wider)
				add(wider)
			}
		}
	}
	slices.SortFunc(all, slices.Compare)
	return slices.CompactFunc(all, slices.Equal)
}

// candidate is a cross that might be added.
type candidate struct {
	fields []int
	gain   float64 // by how much the mean loss would fall
}

// slope is how the loss changes with a logit: the first derivative, negative, and the second.
type slope struct{ first, second float64 }

func (s *slope) add(other slope) {
	s.first += other.first
	s.second += other.second
}

// search scores crosses by the slopes of a path's rows.
type search struct {
	*path
	slopes  []slope
	penalty float64 // half of it times the square of a weight is added to the mean loss

	// Room for the cells of one candidate.
	all    []slope
	byPart [folds][]slope
	counts []int32
}

func newSearch(p *path, penalty float64) *search {
	s := &search{path: p, slopes: make([]slope, len(p.rows)), penalty: 1 / (penalty * 2 * float64(p.source))}
	for i, row := range p.rows {
		q := 1 / (1 + math.Exp(-p.design.logit(p.weights, row)))
		weight := 1 / float64(2*p.source) // either class counts half
		if i < p.source {
			s.slopes[i] = slope{weight * (1 - q), weight * q * (1 - q)}
			continue
		}
		weight = 1 / float64(2*(len(p.rows)-p.source))
		s.slopes[i] = slope{-weight * q, weight * q * (1 - q)}
	}
	s.all, s.counts = make([]slope, mostCells), make([]int32, mostCells)
	for part := range s.byPart {
		s.byPart[part] = make([]slope, mostCells)
	}
	return s
}

// scored returns candidates with what they gain by every so-many-th row, the best first. Many are first scored by fewer rows.
func (s *search) scored(crosses [][]int, every int) []candidate {
	if coarse := (len(crosses) + mostScored - 1) / mostScored; every == 1 && coarse > 1 {
		var kept [][]int
		for _, c := range s.scored(crosses, coarse)[:mostScored] {
			kept = append(kept, c.fields)
		}
		crosses = kept
	}
	found := make([]candidate, len(crosses))
	for i, fields := range crosses {
		found[i] = candidate{fields, s.gain(fields, every)}
	}
	slices.SortFunc(found, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.gain, a.gain), slices.Compare(a.fields, b.fields))
	})
	return found
}

// gain returns by how much a cross would lower the mean loss. The weight of a cell is one Newton step by the rows of all parts
// but one, and what it gains is looked up in that one.
func (s *search) gain(fields []int, every int) (gain float64) {
	cells := s.design.cells(fields)
	clear(s.all[:cells])
	clear(s.counts[:cells])
	for part, rows := range s.parts {
		own := s.byPart[part][:cells]
		clear(own)
		s.addUp(own, fields, rows, every)
		for cell := range own {
			s.all[cell].add(own[cell])
		}
	}
	named := 0
	for cell, all := range s.all[:cells] {
		if int(s.counts[cell])*every < fewestNamed {
			continue
		}
		named++
		for part := range s.byPart {
			own := s.byPart[part][cell]
			step := (all.first - own.first) / (all.second - own.second + s.penalty)
			gain += own.first*step - own.second*step*step/2
		}
	}
	if named > mostNamed {
		return 0
	}
	return gain
}

// addUp adds up the slopes of some rows by cell, and counts the rows.
func (s *search) addUp(by []slope, fields []int, rows []int, every int) {
	for at := 0; at < len(rows); at += every {
		i := rows[at]
		cell, none := 0, false
		for _, f := range fields {
			level := s.columns[f][i]
			none = none || level == None
			cell = cell*s.design.levels[f] + int(level)
		}
		if !none {
			by[cell].add(s.slopes[i])
			s.counts[cell]++
		}
	}
}
