package train

import (
	"math"
	"math/rand/v2"
	"testing"
)

// drawn is a problem for fits by newton: rows, source members first, of fields with some values that nobody has.
type drawn struct {
	rows   [][]uint8
	source int
	design *design
}

func draw(seed uint64, n, source int, levels, ordered []int) drawn {
	rng := rand.New(rand.NewPCG(seed, 41))
	d := drawn{source: source, design: newDesign(levels, ordered)}
	for i := range n {
		row := make([]uint8, len(levels))
		for f, of := range levels {
			row[f] = uint8(min(rng.IntN(of), rng.IntN(of)))
			if i < source && rng.IntN(3) == 0 {
				row[f] = uint8(of - 1)
			}
			if rng.IntN(20) == 0 {
				row[f] = None
			}
		}
		d.rows = append(d.rows, row)
	}
	return d
}

// crossed gives the design a cross of two fields, by blocks.
func (d drawn) crossed(fields ...int) drawn {
	d.design = d.design.with(d.design.blocks(fields), d.rows).penalized(1, 0.3)
	return d
}

func (d drawn) newton() *newton {
	columns, levels := make([][]uint8, len(d.design.fields)), make([]int, len(d.design.fields))
	for f := range columns {
		levels[f] = len(d.design.fields[f])
		for _, row := range d.rows {
			columns[f] = append(columns[f], row[f])
		}
	}
	return newNewton(columns, levels, len(d.rows), d.source, 0)
}

func (d drawn) penalty(c float64) float64 { return 1 / (c * 2 * float64(d.source)) }

// slow returns the loss with the penalty, and its first derivatives, row by row and column by column.
func (d drawn) slow(weights []float64, c float64) (loss float64, first []float64) {
	first = make([]float64, len(weights))
	for column, w := range weights {
		loss += d.penalty(c) * w * w / 2
		first[column] = d.penalty(c) * w
	}
	for i, row := range d.rows {
		sign, weight := 1.0, 1/float64(2*d.source)
		if i >= d.source {
			sign, weight = -1, 1/float64(2*(len(d.rows)-d.source))
		}
		logit := d.design.logit(weights, row)
		loss += weight * softplus(-sign*logit)
		each(d.design, row, func(column int32, value float64) {
			first[column] -= sign * weight * probability(-sign*logit) * value
		})
	}
	return loss, first
}

// each calls do with the columns of a row and what they hold. Levels that weigh nothing have none.
func each(d *design, row []uint8, do func(number int32, value float64)) {
	for f, level := range row {
		if level != None {
			for _, c := range d.fields[f][level] {
				do(c.number, c.value)
			}
		}
	}
	for i := range d.crosses {
		if cell := d.cell(d.crosses[i].fields, row); cell >= 0 {
			for _, c := range d.crosses[i].columns[cell] {
				do(c.number, d.value*c.value)
			}
		}
	}
	do(d.next(), 1)
}

// problems are small and large ones, with and without order and crosses, with a class of a few, with a field that everybody has
// the same level of, with levels that tell all, and wide ones.
func problems() map[string]drawn {
	constant := draw(4, 800, 300, []int{1, 6, 5}, nil)
	separable := draw(5, 600, 200, []int{4, 5}, nil)
	for i, row := range separable.rows {
		row[0] = 1
		if i < separable.source {
			row[0] = 3
		}
	}
	return map[string]drawn{
		"fields":     draw(1, 2000, 700, []int{3, 8, 12, 4, 9}, nil),
		"order":      draw(2, 2000, 700, []int{9, 17, 4}, []int{8, 16, 0}).crossed(0, 1),
		"crosses":    draw(3, 3000, 1000, []int{3, 8, 12, 4}, nil).crossed(1, 2).crossed(0, 3),
		"constant":   constant,
		"separable":  separable,
		"few":        draw(6, 3000, 9, []int{5, 6, 7, 8}, nil),
		"wide":       draw(7, 4000, 1500, []int{255, 255, 200, 100, 255, 255}, nil).crossed(2, 3),
		"no weights": {rows: make([][]uint8, 50), source: 20, design: newDesign(nil, nil)},
	}
}

func TestNewtonSeesWhatSumsOverColumnsGive(t *testing.T) {
	for name, d := range problems() {
		rng := rand.New(rand.NewPCG(8, 41))
		weights, direction := make([]float64, d.design.intercept+1), make([]float64, d.design.intercept+1)
		for i := range weights {
			weights[i], direction[i] = rng.NormFloat64(), rng.NormFloat64()
		}
		const c, small = 0.1, 1e-5
		n := d.newton()
		n.take(d.design, d.penalty(c))
		n.look(weights)
		loss, want := d.slow(weights, c)
		if math.Abs(n.loss-loss) > 1e-9*(1+loss) {
			t.Errorf("%s: loss %v, want %v", name, n.loss, loss)
		}
		first, second, changes := make([]float64, len(weights)), make([]float64, len(weights)), make([]float64, len(weights))
		n.gradient(weights, first, second)
		n.curve(direction, changes)
		n.look(weights)
		for range 2 { // the second time nothing may be left of the first
			n.gradient(weights, first, second)
			n.curve(direction, changes)
		}
		moved := make([]float64, len(weights))
		for i, w := range weights {
			moved[i] = w + small*direction[i]
		}
		_, beyond := d.slow(moved, c)
		for i := range weights {
			if math.Abs(first[i]-want[i]) > 1e-9 {
				t.Fatalf("%s: derivative of column %d is %v, want %v", name, i, first[i], want[i])
			}
			if by := (beyond[i] - want[i]) / small; math.Abs(changes[i]-by) > 1e-4*(1+math.Abs(by)) {
				t.Fatalf("%s: along a direction the derivative of column %d changes by %v, want %v", name, i, changes[i], by)
			}
		}
	}
}

// Where fits by newton end, the loss is that of liblinear's, nearly, from wherever they begin.
func TestNewtonEndsWhereLiblinearDoes(t *testing.T) {
	liblinear.Lock()
	defer liblinear.Unlock()
	silence()
	for name, d := range problems() {
		for _, c := range []float64{0.001, 0.1, 3} {
			m := newMatrix(d.rows, d.source, d.design, unscaled(d.design))
			best, err := m.fit(c, 1e-7)
			m.free()
			if err != nil {
				t.Fatal(err)
			}
			least, _ := d.slow(best, c)
			n := d.newton()
			weights := make([]float64, d.design.intercept+1)
			for _, from := range []float64{0, 1, -5} {
				for i := range weights {
					weights[i] = from
				}
				n.fit(d.design, d.penalty(c), weights)
				loss, _ := d.slow(weights, c)
				if more := loss - least; more > 1e-4 || more < -1e-6 || math.IsNaN(loss) {
					t.Errorf("%s, C %v, from %v: loss %.6f, liblinear's is %.6f", name, c, from, loss, least)
				}
			}
		}
	}
}

// The same fit gives the same bits, also after another one.
func TestNewtonKeepsNothingOfAnotherFit(t *testing.T) {
	d := draw(9, 1500, 500, []int{6, 7, 8}, nil)
	with := d.crossed(0, 2)
	fit := func(n *newton, d drawn) []float64 {
		weights := make([]float64, d.design.intercept+1)
		n.fit(d.design, d.penalty(0.3), weights)
		return weights
	}
	used := d.newton()
	first := fit(used, d)
	fit(used, with)
	for i, w := range fit(used, d) {
		if w != first[i] {
			t.Fatalf("column %d weighs %v, and %v before another fit", i, w, first[i])
		}
	}
}

// A round of crosses that did not help may have tried the last penalty, from which the next round begins.
func TestARoundMayBeginAtTheLastPenalty(t *testing.T) {
	d := draw(10, 1200, 400, []int{4, 5, 6}, nil)
	task := &task{
		problem: Problem{Levels: []int{4, 5, 6}}, rows: d.rows, source: 400, strata: strata{400, 400, 1200, 1200}, design: d.design,
	}
	h := task.heldOut()
	paths := h.paths()
	fields, err := h.choose(t.Context(), paths)
	if err != nil {
		t.Fatal(err)
	}
	last := len(penalties) - 1
	propose(paths, penalties[last], mostAtOnce)
	if _, err := h.validatePenalties(t.Context(), paths, fields.c, &last, crossed{validation: fields}); err != nil {
		t.Fatal(err)
	}
}
