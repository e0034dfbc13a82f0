package train

import (
	"cmp"
	"slices"
)

const (
	mostFields    = 3      // of a cross
	mostCells     = 5_000  // combinations of the levels of a cross
	mostScored    = 500    // crosses that are scored on all rows; of more, the best by some of the rows
	mostAtOnce    = 4      // crosses added in a round
	leastGain     = 0.0003 // of mean loss, for a cross to be added
	leastOfLeader = 1. / 3 // the same, as a share of what the best gains
)

// path is the fit of one fold as it goes on, a cross after the other. It knows only members outside of the fold.
type path struct {
	apart   []bool
	many    bool // there are many members to learn from: no combinations need be put together
	rows    [][]uint8
	source  int       // the first ones are source members
	parts   [][]along // the same rows, by the fold that they are held out from
	columns [][]uint8 // the levels of the same rows, and then those of the fold, by field
	newton  *newton   // fits the rows

	fields   *design // without crosses
	design   *design
	weights  []float64
	chosen   []partition // of its crosses
	proposed *design     // with further ones
	tried    *design     // of the last fit, if what is proposed has been fitted; the next fit begins there
	found    []float64   // its weights
	further  []partition
	hopeful  [][]int // crosses that promised to gain when they were scored last
}

// along is rows from one to another.
type along struct{ from, to int }

// goOn adds a row to some.
func goOn(rows []along, row int) []along {
	if n := len(rows); n > 0 && rows[n-1].to == row {
		rows[n-1].to++
		return rows
	}
	return append(rows, along{row, row + 1})
}

// paths returns one for each fold.
func (h *heldOut) paths() []*path {
	paths := make([]*path, folds)
	for fold := range paths {
		p := &path{apart: h.problem.Apart, many: h.many(), parts: make([][]along, folds), fields: h.design, design: h.design}
		p.weights = make([]float64, h.design.intercept+1)
		for member, row := range h.members {
			own := h.fold(member)
			if own == fold {
				continue
			}
			p.parts[own] = goOn(p.parts[own], len(p.rows))
			p.rows = append(p.rows, h.rows[row])
			if member < h.source {
				p.source++
			}
		}
		for f := range h.design.fields {
			column := make([]uint8, 0, len(h.members))
			for _, row := range p.rows {
				column = append(column, row[f])
			}
			for _, member := range h.unseen(fold) {
				column = append(column, h.rows[h.members[member]][f])
			}
			p.columns = append(p.columns, column)
		}
		p.newton = newNewton(p.columns, h.problem.Levels, len(p.rows), p.source, len(h.members)-len(p.rows))
		paths[fold] = p
	}
	return paths
}

// fit fits a design that is at least as wide as the path's. It begins at the weights of the last fit of what is proposed, which
// had another penalty, or else at the path's.
func (p *path) fit(d *design, c float64) []float64 {
	from, known := p.design, p.weights
	if p.tried != nil {
		from, known = p.tried, p.found
	}
	weights := make([]float64, d.intercept+1)
	same := copy(weights, known[:from.intercept])
	weights[d.intercept] = known[from.intercept]
	for column := p.fields.intercept; column < same; column++ {
		weights[column] *= from.value / d.value // so that crosses add what they did with the penalty that they had
	}
	p.newton.fit(d, 1/(c*2*float64(p.source)), weights)
	p.tried, p.found = d, weights
	return weights
}

// propose finds the best crosses to add, at most so many. It reports whether there are any.
func (p *path) propose(penalty float64, most int) bool {
	search := newSearch(p, penalty)
	found := search.scored(p.candidates(most == 1 && p.few()), 1)
	p.hopeful = nil
	for _, c := range found {
		if c.gain > 0 {
			p.hopeful = append(p.hopeful, c.fields)
		}
	}
	if len(found) > 0 {
		least := max(leastGain, found[0].gain*leastOfLeader)
		found = slices.DeleteFunc(found, func(c candidate) bool { return c.gain < least })
	}
	p.further = nil
	for _, c := range found[:min(len(found), most, mostCrosses-len(p.design.crosses))] {
		p.further = append(p.further, search.partitions(c)...)
	}
	p.proposed, p.tried = p.design.with(p.further, p.rows), nil
	return len(p.further) > 0
}

// accept goes on with what was proposed, as it was fitted.
func (p *path) accept(penalized *design, weights []float64) {
	p.design, p.weights = penalized, weights
	p.chosen = append(p.chosen, p.further...)
}

// few reports whether there are so few fields that all triples can be looked at.
func (p *path) few() bool {
	n := len(p.columns)
	return n*(n-1)*(n-2)/6 <= mostScored
}

// candidates returns pairs of fields, at first all, and the crosses there are with one more field. What is crossed may be cut
// once more, otherwise. With triples, all of these are looked at: what shows in none of their pairs is found only so.
func (p *path) candidates(triples bool) (all [][]int) {
	add := func(fields []int) {
		apart := func(f int) bool { return p.apart != nil && p.apart[f] }
		if p.design.cells(fields) <= mostCells && !slices.ContainsFunc(fields, apart) {
			all = append(all, fields)
		}
	}
	for _, fields := range p.hopeful {
		add(fields)
	}
	if len(p.design.crosses) == 0 {
		for b := range p.columns {
			for a := range b {
				add([]int{a, b})
			}
		}
	}
	if triples {
		for c := range p.columns {
			for b := range c {
				for a := range b {
					add([]int{a, b, c})
				}
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
	cut    bool    // by a tree of cuts; else by blocks
}

// slope is how the loss changes with a logit: the first derivative, negative, and the second.
type slope struct{ first, second float64 }

func (s *slope) add(other slope) {
	s.first += other.first
	s.second += other.second
}

func (s slope) less(other slope) slope { return slope{s.first - other.first, s.second - other.second} }

// search scores crosses by the slopes of a path's rows.
type search struct {
	*path
	slopes  []slope // the newton's, until it fits again
	penalty float64 // half of it times the square of a weight is added to the mean loss

	// The slopes of the rows that have the cells of one candidate.
	all    []slope
	byPart [folds][]slope
	counts []int32
	every  int32 // by every so-many-th row
}

func newSearch(p *path, penalty float64) *search {
	p.newton.take(p.design, 0)
	p.newton.look(p.weights)
	s := &search{path: p, slopes: p.newton.slopes, penalty: 1 / (penalty * 2 * float64(p.source))}
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
		s.addUp(fields, every)
		found[i] = s.candidate(fields)
	}
	slices.SortFunc(found, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.gain, a.gain), slices.Compare(a.fields, b.fields))
	})
	return found
}

// candidate returns a cross in the way that gains most.
func (s *search) candidate(fields []int) candidate {
	c := candidate{fields: fields}
	if s.design.inNoOrder(fields) {
		for part, rows := range s.parts {
			if len(rows) > 0 { // not its own fold
				c.gain += s.gainOfCells(s.design.cells(fields), part)
			}
		}
		c.gain = max(c.gain, 0)
	} else {
		c.gain = s.gainOfBlocks(fields)
	}
	if s.many {
		return c
	}
	gain := 0.0
	for part, rows := range s.parts {
		if len(rows) == 0 {
			continue // its own fold
		}
		p := s.cut(fields, part)
		if gain += s.gain(&p, part); gain <= 0 {
			break // as most do
		}
	}
	if gain > c.gain {
		c.gain, c.cut = gain, true
	}
	return c
}

// gainOfBlocks returns what a cross gains by the blocks that gain most.
func (s *search) gainOfBlocks(fields []int) (most float64) {
	for _, p := range s.design.blocks(fields) {
		gain := 0.0
		for part, rows := range s.parts {
			if len(rows) > 0 { // not its own fold
				gain += s.gain(&p, part)
			}
		}
		most = max(most, gain)
	}
	return most
}

// partitions returns those of a candidate.
func (s *search) partitions(c candidate) []partition {
	if !c.cut {
		return s.design.blocks(c.fields)
	}
	s.addUp(c.fields, 1)
	return []partition{s.cut(c.fields, everything)}
}

// step returns the weight that slopes ask for: one Newton step.
func (s *search) step(of slope) float64 { return of.first / (of.second + s.penalty) }

// gain returns by how much the loss of some rows would fall by weights that the others ask for.
func (s *search) gain(p *partition, part int) (gain float64) {
	others, own, counts := make([]slope, p.parts), make([]slope, p.parts), make([]int32, p.parts)
	for cell, to := range p.of {
		if to != never {
			others[to].add(s.all[cell].less(s.byPart[part][cell]))
			own[to].add(s.byPart[part][cell])
			counts[to] += s.counts[cell]
		}
	}
	for i, n := range counts {
		if n*s.every >= fewestNamed {
			step := s.step(others[i])
			gain += own[i].first*step - own[i].second*step*step/2
		}
	}
	return gain
}

// gainOfCells is gain of the partition by single cells, which the blocks of fields in no order are.
func (s *search) gainOfCells(cells, part int) (gain float64) {
	all, counts := s.all[:cells], s.counts[:cells]
	for cell, own := range s.byPart[part][:cells] {
		if counts[cell]*s.every >= fewestNamed {
			step := s.step(all[cell].less(own))
			gain += own.first*step - own.second*step*step/2
		}
	}
	return gain
}

// addUp adds up the slopes of the rows by cell, and counts them.
func (s *search) addUp(fields []int, every int) {
	cells := s.design.cells(fields)
	s.every = int32(every)
	all := s.all[:cells]
	clear(all)
	clear(s.counts[:cells])
	for part, rows := range s.parts {
		if len(rows) == 0 {
			continue // its own fold
		}
		own := s.byPart[part][:cells]
		clear(own)
		for _, of := range rows {
			if len(fields) == 2 {
				s.addUpTwo(own, fields, of)
			} else {
				s.addUpThree(own, fields, of)
			}
		}
		for cell := range own {
			all[cell].first += own[cell].first
			all[cell].second += own[cell].second
		}
	}
}

// addUpTwo adds up the slopes of some rows by the cell of two fields. A search spends most of its time here and in addUpThree.
func (s *search) addUpTwo(own []slope, fields []int, rows along) {
	slopes := s.slopes[rows.from:rows.to]
	a, b := s.columns[fields[0]][rows.from:][:len(slopes)], s.columns[fields[1]][rows.from:][:len(slopes)]
	n, counts := uint32(len(s.design.fields[fields[1]])), s.counts[:len(own)]
	for i := 0; i < len(slopes); i += int(s.every) {
		if a[i] == None || b[i] == None {
			continue
		}
		cell := uint32(a[i])*n + uint32(b[i])
		own[cell].add(slopes[i])
		counts[cell]++
	}
}

// addUpThree is addUpTwo of three fields.
func (s *search) addUpThree(own []slope, fields []int, rows along) {
	slopes := s.slopes[rows.from:rows.to]
	a, b := s.columns[fields[0]][rows.from:][:len(slopes)], s.columns[fields[1]][rows.from:][:len(slopes)]
	c := s.columns[fields[2]][rows.from:][:len(slopes)]
	n, m := uint32(len(s.design.fields[fields[1]])), uint32(len(s.design.fields[fields[2]]))
	counts := s.counts[:len(own)]
	for i := 0; i < len(slopes); i += int(s.every) {
		if a[i] == None || b[i] == None || c[i] == None {
			continue
		}
		cell := (uint32(a[i])*n+uint32(b[i]))*m + uint32(c[i])
		own[cell].add(slopes[i])
		counts[cell]++
	}
}
