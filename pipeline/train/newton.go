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
// as liblinear does it. But it begins at weights that are nearly right, and reads the levels instead of columns. What it makes
// small is the mean loss, of which source and others are half each, and half of the penalty times the sum of squared weights.
type newton struct {
	rows   [][]uint8
	levels [][]uint8 // the same by field; columns of zeros follow, up to a multiple of four
	source int       // the first rows are source members

	// What is fitted at the moment.
	design  *design
	cells   [][]uint16 // by cross and row; the number of the cells: it is in none
	penalty float64

	// Where its weights are.
	logits []float64
	slopes []slope
	loss   float64

	// Room to work in, by row, by field and level, and by cross and cell.
	added       []float64
	ofLevels    [][256]float64
	levelSlopes [][256]slope
	ofCells     [][]float64
	cellSlopes  [][]slope
}

func newNewton(rows, levels [][]uint8, source int) *newton {
	n := &newton{rows: rows, levels: levels, source: source}
	for len(n.levels)%4 != 0 {
		n.levels = append(n.levels, make([]uint8, len(rows)))
	}
	n.logits, n.added, n.slopes = make([]float64, len(rows)), make([]float64, len(rows)), make([]slope, len(rows))
	n.ofLevels, n.levelSlopes = make([][256]float64, len(n.levels)), make([][256]slope, len(n.levels))
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

// take takes a design to fit. Crosses that the one before had are known already.
func (n *newton) take(d *design, penalty float64) {
	cells := make([][]uint16, len(d.crosses))
	n.ofCells, n.cellSlopes = make([][]float64, len(cells)), make([][]slope, len(cells))
	for i := range d.crosses {
		fields, size := d.crosses[i].fields, len(d.crosses[i].columns)
		if i < len(n.cells) && slices.Equal(fields, n.design.crosses[i].fields) {
			cells[i] = n.cells[i]
		} else {
			cells[i] = n.cellsOf(d, fields)
		}
		n.ofCells[i], n.cellSlopes[i] = make([]float64, size+1), make([]slope, size+1)
	}
	n.design, n.cells, n.penalty = d, cells, penalty
}

// cellsOf returns the cell of each row in a cross of some fields.
func (n *newton) cellsOf(d *design, fields []int) []uint16 {
	cells := make([]uint16, len(n.rows))
	none := d.cells(fields)
	for i, row := range n.rows {
		cell := d.cell(fields, row)
		if cell < 0 {
			cell = none
		}
		cells[i] = uint16(cell) // there are mostCells at most
	}
	return cells
}

// look finds the logits, the slopes and the loss that weights give.
func (n *newton) look(weights []float64) {
	n.add(weights, n.logits)
	n.loss = 0
	for _, w := range weights {
		n.loss += n.penalty * w * w / 2
	}
	n.lookAt(0, n.source, 1)
	n.lookAt(n.source, len(n.logits), -1)
}

// lookAt looks at the rows of a class, whose logits ought to have this sign.
func (n *newton) lookAt(from, to int, sign float64) {
	const mostProduct = 1e300
	weight := 1 / float64(2*(to-from))
	lost, product := 0.0, 1.0
	slopes := n.slopes[from:to]
	for i, logit := range n.logits[from:to] {
		right := sign * logit
		e := math.Exp(-math.Abs(right))
		wrong := 1 / (1 + e) // the probability of the other class
		if right > 0 {
			wrong *= e
		} else {
			lost -= right
		}
		slopes[i] = slope{sign * weight * wrong, weight * wrong * (1 - wrong)}
		if product *= 1 + e; product > mostProduct { // of many rows one logarithm: it takes the most time
			lost += math.Log(product)
			product = 1
		}
	}
	n.loss += weight * (lost + math.Log(product))
}

// add adds up for each row what its columns weigh.
func (n *newton) add(weights []float64, sums []float64) {
	for i := range sums {
		sums[i] = weights[n.design.intercept]
	}
	for f, levels := range n.design.fields {
		for level, columns := range levels {
			n.ofLevels[f][level] = sum(columns, weights)
		}
	}
	for f := 0; f < len(n.levels); f += 4 {
		a, b, c, d := n.four(f)
		ofA, ofB, ofC, ofD := &n.ofLevels[f], &n.ofLevels[f+1], &n.ofLevels[f+2], &n.ofLevels[f+3]
		a, b, c, d = a[:len(sums)], b[:len(sums)], c[:len(sums)], d[:len(sums)]
		for i := range sums {
			sums[i] += (ofA[a[i]] + ofB[b[i]]) + (ofC[c[i]] + ofD[d[i]])
		}
	}
	for x, cells := range n.cells {
		of := n.ofCells[x]
		for cell, columns := range n.design.crosses[x].columns {
			of[cell] = n.design.value * sum(columns, weights)
		}
		for i, cell := range cells {
			sums[i] += of[cell]
		}
	}
}

// four returns the levels of a field and the next three.
func (n *newton) four(f int) (a, b, c, d []uint8) {
	return n.levels[f], n.levels[f+1], n.levels[f+2], n.levels[f+3]
}

// gradient finds the first and second derivatives of what is made small, by each weight.
func (n *newton) gradient(weights, first, second []float64) {
	clear(n.levelSlopes)
	for f := 0; f < len(n.levels); f += 4 {
		a, b, c, d := n.four(f)
		ofA, ofB, ofC, ofD := &n.levelSlopes[f], &n.levelSlopes[f+1], &n.levelSlopes[f+2], &n.levelSlopes[f+3]
		a, b, c, d = a[:len(n.slopes)], b[:len(n.slopes)], c[:len(n.slopes)], d[:len(n.slopes)]
		for i, s := range n.slopes {
			ofA[a[i]].add(s)
			ofB[b[i]].add(s)
			ofC[c[i]].add(s)
			ofD[d[i]].add(s)
		}
	}
	var all slope
	for _, s := range n.slopes {
		all.add(s)
	}
	for i, w := range weights {
		first[i], second[i] = n.penalty*w, n.penalty
	}
	spread := func(columns []column, of slope, value float64) {
		for _, c := range columns {
			value := value * c.value
			first[c.number] -= value * of.first
			second[c.number] += value * value * of.second
		}
	}
	spread([]column{{n.design.next(), 1}}, all, 1)
	for f, levels := range n.design.fields {
		for level, columns := range levels {
			spread(columns, n.levelSlopes[f][level], 1)
		}
	}
	for x, cells := range n.cells {
		of := n.cellSlopes[x]
		clear(of)
		for i, cell := range cells {
			of[cell].add(n.slopes[i])
		}
		for cell, columns := range n.design.crosses[x].columns {
			spread(columns, of[cell], n.design.value)
		}
	}
}

// curve finds how the first derivatives change along a direction.
func (n *newton) curve(direction, changes []float64) {
	n.add(direction, n.added)
	all := 0.0
	for i, s := range n.slopes {
		n.added[i] *= s.second
		all += n.added[i]
	}
	for i, d := range direction {
		changes[i] = n.penalty * d
	}
	changes[n.design.intercept] += all
	clear(n.ofLevels)
	for f := 0; f < len(n.levels); f += 4 {
		a, b, c, d := n.four(f)
		ofA, ofB, ofC, ofD := &n.ofLevels[f], &n.ofLevels[f+1], &n.ofLevels[f+2], &n.ofLevels[f+3]
		a, b, c, d = a[:len(n.added)], b[:len(n.added)], c[:len(n.added)], d[:len(n.added)]
		for i, change := range n.added {
			ofA[a[i]] += change
			ofB[b[i]] += change
			ofC[c[i]] += change
			ofD[d[i]] += change
		}
	}
	spread := func(columns []column, change float64) {
		for _, c := range columns {
			changes[c.number] += c.value * change
		}
	}
	for f, levels := range n.design.fields {
		for level, columns := range levels {
			spread(columns, n.ofLevels[f][level])
		}
	}
	clear(n.ofLevels) // add leaves None, and what is no field, as it is
	for x, cells := range n.cells {
		of := n.ofCells[x]
		clear(of)
		for i, cell := range cells {
			of[cell] += n.added[i]
		}
		for cell, columns := range n.design.crosses[x].columns {
			spread(columns, n.design.value*of[cell])
		}
		of[len(of)-1] = 0
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
