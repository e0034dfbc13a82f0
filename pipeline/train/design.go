package train

import (
	"math"
	"slices"
)

// fewestNamed is how many of the rows are in a part of a cross before it weighs anything.
const fewestNamed = 10

const (
	coarse = 4   // parts that the order of an ordered field's levels is put into, beside each level by itself
	shared = 0.7 // of the column of such a part, where that of the place holds 1 for about a third of the rows
)

// design is what a row's levels are as columns: some for each level of each field, some for each combination of levels that a
// cross has, and the intercept, which is the last.
type design struct {
	fields    [][][]column // of each field, by level
	ordered   []int        // levels of each field that have an order, the first ones
	crosses   []cross
	value     float64 // of a column of a cross, where others have 1: its penalty is divided by the square
	intercept int
}

// column is one of those that a level or a combination has, and what it holds there.
type column struct {
	number int32
	value  float64
}

// cross is a combination of fields as a design has it.
type cross struct {
	fields  []int      // ascending
	columns [][]column // by cell
}

// newDesign returns the design of fields with so many levels. Of neighbours in an order, what one weighs says something of the
// other: so those of an ordered field have a column for their place in it, one that they share with the neighbours in a coarse
// part, and only then their own, which the penalty holds down the more, the more there are.
func newDesign(levels, ordered []int) *design {
	d := &design{ordered: ordered}
	if ordered == nil {
		d.ordered = make([]int, len(levels))
	}
	for f, n := range levels {
		columns, inOrder := make([][]column, n), d.ordered[f]
		own := 1.0
		if inOrder > coarse {
			own = shared * math.Sqrt(coarse/float64(inOrder))
			for level := range inOrder {
				place := math.Sqrt2 * math.Erfinv((2*float64(level)+1)/float64(inOrder)-1) // as if the numbers were normal
				part := int32(level * coarse / inOrder)
				columns[level] = []column{{d.next(), place}, {d.next() + 1 + part, shared}}
			}
			d.intercept += 1 + coarse
		}
		for level := range columns {
			columns[level] = append(columns[level], column{d.next(), own})
			d.intercept++
		}
		d.fields = append(d.fields, columns)
	}
	return d
}

// next is the number of the next column.
func (d *design) next() int32 { return int32(d.intercept) }

// with returns the design with further parts of crosses. One with fewer than fewestNamed of the rows gets no column.
func (d *design) with(further []partition, rows [][]uint8) *design {
	wider := *d
	wider.crosses = slices.Clone(d.crosses)
	for _, p := range further {
		at := slices.IndexFunc(wider.crosses, func(c cross) bool { return slices.Equal(c.fields, p.fields) })
		if at < 0 {
			at = len(wider.crosses)
			wider.crosses = append(wider.crosses, cross{p.fields, make([][]column, len(p.of))})
		}
		counts := make([]int, p.parts)
		for _, row := range rows {
			if cell := d.cell(p.fields, row); cell >= 0 && p.of[cell] >= 0 {
				counts[p.of[cell]]++
			}
		}
		numbers := make([]int32, p.parts)
		for part, n := range counts {
			if n >= fewestNamed {
				numbers[part] = wider.next()
				wider.intercept++
			}
		}
		columns := slices.Clone(wider.crosses[at].columns)
		for cell, part := range p.of {
			if part >= 0 && counts[part] >= fewestNamed {
				columns[cell] = append(slices.Clip(columns[cell]), column{numbers[part], p.value})
			}
		}
		wider.crosses[at].columns = columns
	}
	return &wider
}

// penalized returns the design with the value of crosses that gives them another penalty than fields have, both as C.
func (d *design) penalized(fields, crosses float64) *design {
	same := *d
	same.value = math.Sqrt(crosses / fields)
	return &same
}

// cells returns how many combinations of levels some fields have.
func (d *design) cells(fields []int) int {
	n := 1
	for _, f := range fields {
		n *= len(d.fields[f])
	}
	return n
}

// cell returns the number of a row's combination, the level of the last field running fastest; -1 when one of them is None.
func (d *design) cell(fields []int, row []uint8) int {
	cell := 0
	for _, f := range fields {
		if row[f] == None {
			return -1
		}
		cell = cell*len(d.fields[f]) + int(row[f])
	}
	return cell
}

// width returns how many columns a row has at most.
func (d *design) width() int {
	width := 1
	most := func(columns [][]column) {
		n := 0
		for _, c := range columns {
			n = max(n, len(c))
		}
		width += n
	}
	for _, columns := range d.fields {
		most(columns)
	}
	for i := range d.crosses {
		most(d.crosses[i].columns)
	}
	return width
}

// sum adds up what some columns weigh.
func sum(columns []column, weights []float64) (sum float64) {
	for _, c := range columns {
		sum += c.value * weights[c.number]
	}
	return sum
}

// logit adds up what a row's columns weigh, in their order.
func (d *design) logit(weights []float64, row []uint8) float64 {
	logit := weights[d.intercept]
	for f := range row {
		logit += d.single(weights, row, f)
	}
	for i := range d.crosses {
		logit += d.crossed(&d.crosses[i], weights, row)
	}
	return logit
}

// adds returns what a row's level of a field adds to its logit, by itself and in crosses.
func (d *design) adds(weights []float64, row []uint8, field int) float64 {
	added := d.single(weights, row, field)
	for i := range d.crosses {
		if c := &d.crosses[i]; slices.Contains(c.fields, field) {
			added += d.crossed(c, weights, row)
		}
	}
	return added
}

// addsTogether returns what a row's levels of some fields add to its logit in their cross, if there is one.
func (d *design) addsTogether(weights []float64, row []uint8, fields []int) (added float64) {
	for i := range d.crosses {
		if c := &d.crosses[i]; slices.Equal(c.fields, fields) {
			added += d.crossed(c, weights, row)
		}
	}
	return added
}

// single returns what a row's level of a field weighs by itself.
func (d *design) single(weights []float64, row []uint8, field int) float64 {
	if level := row[field]; level != None {
		return sum(d.fields[field][level], weights)
	}
	return 0
}

// crossed returns what a row's combination weighs.
func (d *design) crossed(c *cross, weights []float64, row []uint8) float64 {
	if cell := d.cell(c.fields, row); cell >= 0 {
		return d.value * sum(c.columns[cell], weights)
	}
	return 0
}

// byField returns the weights by field and level.
func (d *design) byField(weights []float64) [][]float64 {
	fields := make([][]float64, len(d.fields))
	for f, levels := range d.fields {
		fields[f] = make([]float64, len(levels))
		for level, columns := range levels {
			fields[f][level] = sum(columns, weights)
		}
	}
	return fields
}

// byCross returns the weights of the crosses, by cell.
func (d *design) byCross(weights []float64) []Cross {
	var crosses []Cross
	for _, c := range d.crosses {
		found := Cross{Fields: c.fields, Weights: make([]float64, len(c.columns))}
		for cell, columns := range c.columns {
			found.Weights[cell] = d.value * sum(columns, weights)
		}
		crosses = append(crosses, found)
	}
	return crosses
}
