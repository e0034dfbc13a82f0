package train

import (
	"math"
	"slices"
)

// fewestNamed is how many of the rows have a combination before it gets a weight, which names it.
const fewestNamed = 10

// design is what a row's levels are as columns: one for each level of each field, one for each combination of levels that a
// cross has, and the intercept, which is the last.
type design struct {
	levels    []int // of each field
	first     []int // column of each field's level 0
	crosses   []cross
	value     float64 // of a column of a cross, where others have 1: its penalty is divided by the square
	intercept int
}

// cross is a combination of fields as a design has it.
type cross struct {
	fields  []int   // ascending
	columns []int32 // by cell; -1: fewer customers than can be named have it
}

func newDesign(levels []int) *design {
	d := &design{levels: levels}
	for _, n := range levels {
		d.first = append(d.first, d.intercept)
		d.intercept += n
	}
	return d
}

// with returns the design with further crosses. A combination that fewer than fewestNamed of the rows have gets no column.
func (d *design) with(crosses [][]int, rows [][]uint8) *design {
	wider := *d
	wider.crosses = slices.Clone(d.crosses)
	for _, fields := range crosses {
		counts := make([]int, d.cells(fields))
		for _, row := range rows {
			if cell := d.cell(fields, row); cell >= 0 {
				counts[cell]++
			}
		}
		c := cross{fields, make([]int32, len(counts))}
		for cell, n := range counts {
			c.columns[cell] = -1
			if n >= fewestNamed {
				c.columns[cell] = int32(wider.intercept)
				wider.intercept++
			}
		}
		wider.crosses = append(wider.crosses, c)
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
		n *= d.levels[f]
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
		cell = cell*d.levels[f] + int(row[f])
	}
	return cell
}

// width returns how many columns a row has at most.
func (d *design) width() int { return len(d.levels) + len(d.crosses) + 1 }

// each calls do with the columns of a row and what they hold. Levels that weigh nothing have none.
func (d *design) each(row []uint8, do func(column int, value float64)) {
	for f, level := range row {
		if level != None {
			do(d.first[f]+int(level), 1)
		}
	}
	for i := range d.crosses {
		c := &d.crosses[i]
		if cell := d.cell(c.fields, row); cell >= 0 && c.columns[cell] >= 0 {
			do(int(c.columns[cell]), d.value)
		}
	}
	do(d.intercept, 1)
}

// logit adds up what a row's columns weigh, in their order.
func (d *design) logit(weights []float64, row []uint8) (sum float64) {
	sum = weights[d.intercept]
	for f, level := range row {
		if level != None {
			sum += weights[d.first[f]+int(level)]
		}
	}
	for i := range d.crosses {
		sum += d.crossed(&d.crosses[i], weights, row)
	}
	return sum
}

// adds returns what a row's level of a field adds to its logit, by itself and in crosses.
func (d *design) adds(weights []float64, row []uint8, field int) (sum float64) {
	if level := row[field]; level != None {
		sum = weights[d.first[field]+int(level)]
	}
	for i := range d.crosses {
		if c := &d.crosses[i]; slices.Contains(c.fields, field) {
			sum += d.crossed(c, weights, row)
		}
	}
	return sum
}

// addsTogether returns what a row's levels of some fields add to its logit in their cross, if there is one.
func (d *design) addsTogether(weights []float64, row []uint8, fields []int) (sum float64) {
	for i := range d.crosses {
		if c := &d.crosses[i]; slices.Equal(c.fields, fields) {
			sum += d.crossed(c, weights, row)
		}
	}
	return sum
}

// crossed returns what a row's combination weighs.
func (d *design) crossed(c *cross, weights []float64, row []uint8) float64 {
	if cell := d.cell(c.fields, row); cell >= 0 && c.columns[cell] >= 0 {
		return d.value * weights[c.columns[cell]]
	}
	return 0
}

// byField returns the weights by field and level.
func (d *design) byField(weights []float64) [][]float64 {
	fields := make([][]float64, len(d.first))
	for f, column := range d.first {
		fields[f] = weights[column : column+d.levels[f]]
	}
	return fields
}

// byCross returns the weights of the crosses, by cell.
func (d *design) byCross(weights []float64) []Cross {
	var crosses []Cross
	for _, c := range d.crosses {
		found := Cross{Fields: c.fields, Weights: make([]float64, len(c.columns))}
		for cell, column := range c.columns {
			if column >= 0 {
				found.Weights[cell] = d.value * weights[column]
			}
		}
		crosses = append(crosses, found)
	}
	return crosses
}
