package train

import (
	"cmp"
	"math"
	"slices"
)

const (
	mostBlocks = 16  // of the order of a field's levels, in the fine blocks of a pair
	fewBlocks  = 8   // the same of a cross of three
	fineValue  = 0.7 // of the columns of fine blocks: coarse ones come first
	leastLeaf  = 30  // rows in a part that is cut off
	pairLeaves = 6   // parts that the combinations of two fields are cut into, at most
	moreLeaves = 2   // further ones for a third field
	never      = -1  // part of a combination that nobody has
	everything = -1  // leaves no part of the rows out
)

// partition puts the combinations of some fields into parts, each of which has a weight. The fewer, the less there is to learn.
type partition struct {
	fields []int   // ascending
	of     []int32 // by cell; never: it weighs nothing
	parts  int
	value  float64 // of the columns
}

func (p *partition) equal(other *partition) bool {
	return slices.Equal(p.fields, other.fields) && slices.Equal(p.of, other.of)
}

// blocks returns the partitions by blocks of neighbours, fine and coarse ones. Levels without an order are blocks of their own;
// where all are, there is one partition.
func (d *design) blocks(fields []int) []partition {
	most := mostBlocks
	if len(fields) > 2 {
		most = fewBlocks
	}
	fine, coarse := d.blocksOf(fields, most), d.blocksOf(fields, coarse)
	if fine.parts == coarse.parts {
		return []partition{fine}
	}
	fine.value = fineValue
	return []partition{fine, coarse}
}

// inNoOrder reports whether no level of some fields is in an order.
func (d *design) inNoOrder(fields []int) bool {
	return !slices.ContainsFunc(fields, func(f int) bool { return d.ordered[f] > 0 })
}

// blocksOf returns the partition by at most so many blocks of each field's order.
func (d *design) blocksOf(fields []int, most int) partition {
	p := partition{fields, make([]int32, d.cells(fields)), 1, 1}
	step := 1 // from a level of the field to the next, in cells
	for _, f := range slices.Backward(fields) {
		levels, ordered := len(d.fields[f]), d.ordered[f]
		blocks := min(ordered, most)
		for cell := range p.of {
			block := cell / step % levels
			if block < ordered {
				block = block * blocks / ordered
			} else {
				block += blocks - ordered
			}
			p.of[cell] += int32(block * p.parts)
		}
		step *= levels
		p.parts *= levels - ordered + blocks
	}
	return p
}

// leaf is a part that may be cut in two.
type leaf struct {
	cells []int32
	gain  float64   // by the best cut, 0: there is none
	step  int       // of the field that it cuts, as in blocksOf
	of    int       // levels of that field
	above [256]bool // the levels that are cut off
}

// cut returns the partition that a tree of cuts makes, the best cut first, by the slopes of all rows that are not in a part.
// Levels with an order are cut in it, others in the order of what they ask for.
func (s *search) cut(fields []int, without int) partition {
	p := partition{fields, make([]int32, s.design.cells(fields)), 0, 1}
	root := new(leaf)
	for cell := range p.of {
		p.of[cell] = never
		if s.counts[cell] > 0 {
			root.cells = append(root.cells, int32(cell))
		}
	}
	s.look(root, fields, without)
	leaves := []*leaf{root}
	for len(leaves) < pairLeaves+moreLeaves*(len(fields)-2) {
		best := slices.MaxFunc(leaves, func(a, b *leaf) int { return cmp.Compare(a.gain, b.gain) })
		if best.gain <= 0 {
			break
		}
		below, above := new(leaf), new(leaf)
		for _, cell := range best.cells {
			into := below
			if best.above[int(cell)/best.step%best.of] {
				into = above
			}
			into.cells = append(into.cells, cell)
		}
		s.look(below, fields, without)
		s.look(above, fields, without)
		*best = *below
		leaves = append(leaves, above)
	}
	for part, l := range leaves {
		for _, cell := range l.cells {
			p.of[cell] = int32(part)
		}
	}
	p.parts = len(leaves)
	return p
}

// look finds the best cut of a leaf.
func (s *search) look(l *leaf, fields []int, without int) {
	step := 1
	for _, f := range slices.Backward(fields) {
		s.lookIn(l, f, step, without)
		step *= len(s.design.fields[f])
	}
}

// lookIn finds the best cut of a leaf by one field.
func (s *search) lookIn(l *leaf, f, step, without int) {
	levels := len(s.design.fields[f])
	var slopes [256]slope
	var rows [256]int32
	for _, cell := range l.cells {
		level := uint32(cell) / uint32(step) % uint32(levels) // twice as fast as with int
		of := s.all[cell]
		if without != everything {
			of = of.less(s.byPart[without][cell])
		}
		slopes[level].add(of)
		rows[level] += s.counts[cell]
	}
	order := make([]int, 0, levels)
	var whole slope
	var left int32
	for level := range levels {
		if rows[level] > 0 {
			order = append(order, level)
			whole.add(slopes[level])
			left += rows[level]
		}
	}
	if s.design.ordered[f] == 0 {
		var asked [256]float64
		for _, level := range order {
			asked[level] = s.step(slopes[level])
		}
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(asked[a], asked[b]) })
	}
	var below slope
	var taken int32
	for i := range max(len(order)-1, 0) {
		level := order[i]
		below.add(slopes[level])
		taken, left = taken+rows[level], left-rows[level]
		if min(taken, left)*s.every < leastLeaf {
			continue
		}
		above := whole.less(below)
		gain := s.step(below)*below.first + s.step(above)*above.first - s.step(whole)*whole.first
		if gain > l.gain {
			l.gain, l.step, l.of, l.above = gain, step, levels, [256]bool{}
			for _, level := range order[i+1:] {
				l.above[level] = true
			}
		}
	}
}

// joined puts equal partitions together: columns that hold the same act as one of a value that is the root of the sum of squares.
func joined(partitions []partition) (all []partition) {
	for _, p := range partitions {
		at := slices.IndexFunc(all, func(other partition) bool { return p.equal(&other) })
		if at < 0 {
			all = append(all, p)
			continue
		}
		all[at].value = math.Hypot(all[at].value, p.value)
	}
	return all
}
