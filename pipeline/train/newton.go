package train

import (
	"math"
	"slices"
)

const (
	mostSteps      = 30   // of a fit; from weights that are nearly right it takes two or three
	mostDirections = 100  // of a step
	leastLeft      = 0.1  // share of the gradient that a step leaves
	enough         = 5e-4 // of the mean loss: the step that promises no more is the last
)

// newton fits designs to the rows of a fold, for the choices of a validation: by Newton steps, each found by conjugate gradients,
// as liblinear does it. But it begins at weights that are nearly right, and reads a cell for some fields at once instead of
// columns. What it makes small is the mean loss, of which source and others are half each, and half of the penalty times the sum
// of squared weights.
type newton struct {
	levels [][]uint8 // by field and row
	of     []int     // how many levels each field has, and None if a row has it
	rows   int
	source int // the first rows are source members
	unseen int // how many rows follow that are not fitted

	// What is fitted at the moment.
	design  *design
	penalty float64
	joints  []joint
	cells   []uint32 // by row, one for each joint
	columns []column // of all cells, one after the other, those of crosses by their value
	ends    []int32  // where those of a cell end

	// Where its weights are.
	logits []float64
	slopes []slope
	loss   float64

	// Room to work in, by cell.
	sums  []float64
	moved []float64
	bent  []slope
}

func newNewton(levels [][]uint8, of []int, rows, source, unseen int) *newton {
	n := &newton{levels: levels, of: slices.Clone(of), rows: rows, source: source, unseen: unseen}
	for f := range levels {
		if slices.Contains(levels[f], None) {
			n.of[f]++
		}
	}
	n.logits, n.slopes = make([]float64, rows), make([]slope, rows)
	return n
}

// fit moves weights of a design to where the loss and the penalty are lowest, as closely as a choice needs.
func (n *newton) fit(d *design, penalty float64, weights []float64) {
	n.take(d, penalty)
	first, second, step := make([]float64, len(weights)), make([]float64, len(weights)), make([]float64, len(weights))
	move := func(share float64) {
		for i := range weights {
			weights[i] += share * step[i]
		}
	}
	n.look(weights)
	for range mostSteps {
		n.gradient(weights, first, second)
		promised := n.solve(first, second, step)
		move(1)
		if promised <= enough {
			return
		}
		before, share := n.loss, 1.0
		for n.look(weights); n.loss >= before && promised > enough; n.look(weights) { // it was too long, which is rare
			share, promised = share/2, promised/2
			move(-share)
		}
	}
}

// take takes a design to fit. Rows need not be looked at again if it has the crosses of the one before.
func (n *newton) take(d *design, penalty float64) {
	same := func(a, b cross) bool { return slices.Equal(a.fields, b.fields) }
	if n.design == nil || !slices.EqualFunc(d.crosses, n.design.crosses, same) {
		n.joints = jointsOf(n.of, d.crosses, n.rows)
		n.cells = make([]uint32, (n.rows+n.unseen)*len(n.joints))
		for i := range n.joints {
			n.lookUp(i)
		}
	}
	n.design, n.penalty = d, penalty
	n.columns, n.ends = n.columns[:0], n.ends[:0]
	for i := range n.joints {
		n.enter(&n.joints[i])
	}
	n.sums, n.moved, n.bent = make([]float64, len(n.ends)), make([]float64, len(n.ends)), make([]slope, len(n.ends))
}

// lookUp finds the cells of all rows in a joint.
func (n *newton) lookUp(joint int) {
	j := &n.joints[joint]
	for i := range n.rows + n.unseen {
		cell := 0
		for _, f := range j.fields {
			cell = cell*n.of[f] + min(int(n.levels[f][i]), n.of[f]-1)
		}
		n.cells[i*len(n.joints)+joint] = uint32(j.first + cell)
	}
}

// enter enters the columns of a joint's cells.
func (n *newton) enter(j *joint) {
	row := make([]uint8, len(n.of))
	for cell := range j.cells {
		for _, f := range slices.Backward(j.fields) {
			row[f] = uint8(cell % n.of[f])
			if cell /= n.of[f]; int(row[f]) == len(n.design.fields[f]) {
				row[f] = None
			}
		}
		for _, f := range j.of {
			if row[f] != None {
				n.columns = append(n.columns, n.design.fields[f][row[f]]...)
			}
		}
		for _, x := range j.crosses {
			if cell := n.design.cell(n.design.crosses[x].fields, row); cell >= 0 {
				for _, c := range n.design.crosses[x].columns[cell] {
					n.columns = append(n.columns, column{c.number, n.design.value * c.value})
				}
			}
		}
		n.ends = append(n.ends, int32(len(n.columns)))
	}
}

// look finds the logits, the slopes and the loss that weights give.
func (n *newton) look(weights []float64) {
	n.add(weights, n.logits, 0)
	n.loss = 0
	for _, w := range weights {
		n.loss += n.penalty * w * w / 2
	}
	n.lookAt(0, n.source, 1)
	n.lookAt(n.source, len(n.logits), -1)
}

// lookAt looks at the rows of a class, whose logits ought to have this sign.
func (n *newton) lookAt(from, to int, sign float64) {
	weight := 1 / float64(2*(to-from))
	lost := losses{product: 1}
	slopes := n.slopes[from:to]
	for i, logit := range n.logits[from:to] {
		right := sign * logit
		e := math.Exp(-math.Abs(right))
		wrong := 1 / (1 + e) // the probability of the other class
		if right > 0 {
			wrong *= e
		}
		slopes[i] = slope{sign * weight * wrong, weight * wrong * (1 - wrong)}
		lost.addKnown(-right, e)
	}
	n.loss += weight * lost.sum()
}

// sum adds up what the columns of each cell weigh.
func (n *newton) sum(weights []float64) {
	from := int32(0)
	for cell, end := range n.ends {
		n.sums[cell] = sum(n.columns[from:end], weights)
		from = end
	}
}

// ofUnseen returns the logits that weights of the design give the rows that are not fitted.
func (n *newton) ofUnseen(weights []float64) []float64 {
	logits := make([]float64, n.unseen)
	n.add(weights, logits, n.rows)
	return logits
}

// add adds up what their columns weigh for the rows that begin with this one.
func (n *newton) add(weights, sums []float64, first int) {
	n.sum(weights)
	of, width := n.sums, len(n.joints)
	for i := range sums {
		all := weights[n.design.intercept]
		for _, cell := range n.cells[(first+i)*width : (first+i+1)*width] {
			all += of[cell]
		}
		sums[i] = all
	}
}

// gradient finds the first and second derivatives of what is made small, by each weight.
func (n *newton) gradient(weights, first, second []float64) {
	clear(n.bent)
	var all slope
	width := len(n.joints)
	for i, s := range n.slopes {
		all.add(s)
		for _, cell := range n.cells[i*width : (i+1)*width] {
			n.bent[cell].add(s)
		}
	}
	for i, w := range weights {
		first[i], second[i] = n.penalty*w, n.penalty
	}
	first[n.design.intercept] -= all.first
	second[n.design.intercept] += all.second
	from := int32(0)
	for cell, end := range n.ends {
		of := n.bent[cell]
		for _, c := range n.columns[from:end] {
			first[c.number] -= c.value * of.first
			second[c.number] += c.value * c.value * of.second
		}
		from = end
	}
}

// curve finds how the first derivatives change along a direction.
func (n *newton) curve(direction, changes []float64) {
	n.sum(direction)
	clear(n.moved)
	for i, d := range direction {
		changes[i] = n.penalty * d
	}
	of, moved, width, intercept := n.sums, n.moved, len(n.joints), direction[n.design.intercept]
	all := 0.0
	for i := range n.slopes {
		cells := n.cells[i*width : (i+1)*width]
		change := intercept
		for _, cell := range cells {
			change += of[cell]
		}
		change *= n.slopes[i].second
		all += change
		for _, cell := range cells {
			moved[cell] += change
		}
	}
	changes[n.design.intercept] += all
	from := int32(0)
	for cell, end := range n.ends {
		change := moved[cell]
		for _, c := range n.columns[from:end] {
			changes[c.number] += c.value * change
		}
		from = end
	}
}

// solve finds the step that leads to where the first derivatives are nothing if the second ones stay as they are, but for
// leastLeft, and returns by how much what is made small would fall.
func (n *newton) solve(first, second, step []float64) (promised float64) {
	rest, direction, changes := make([]float64, len(step)), make([]float64, len(step)), make([]float64, len(step))
	clear(step)
	whole := 0.0
	for i, g := range first {
		rest[i], direction[i] = -g, -g/second[i]
		whole += g * g / second[i]
	}
	left := whole
	for range mostDirections {
		if left <= leastLeft*leastLeft*whole {
			break
		}
		n.curve(direction, changes)
		bent := 0.0
		for i, d := range direction {
			bent += d * changes[i]
		}
		length, before := left/bent, left
		left = 0
		for i := range step {
			step[i] += length * direction[i]
			rest[i] -= length * changes[i]
			left += rest[i] * rest[i] / second[i]
		}
		for i := range direction {
			direction[i] = rest[i]/second[i] + left/before*direction[i]
		}
	}
	for i, s := range step {
		promised += s * (rest[i] - first[i]) / 2
	}
	return promised
}
