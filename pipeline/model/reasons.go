package model

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"

	"kindred/pipeline/format"
)

// Reason is what one field, or several together, add to a customer's sum.
type Reason struct {
	Field  string
	Value  string // canonical JSON text; "" when absent, or not known to the shard
	Level  int    // of a number that is cut, see Field.Range; else -1
	Absent bool
	Weight int32 // 1/65,536 logit; above 0 speaks for the customer

	// Together are the fields of a cross with their values, which weigh nothing here. Then Field and Value are empty.
	Together []Reason
}

// Account is a Table that can say what its scores are made of.
type Account struct {
	*Table
	fields  weighing
	crosses []joint // each by itself
}

// NewAccount returns an account that knows of no column yet.
func NewAccount(m *Model) *Account {
	a := &Account{Table: NewTable(m), fields: newWeighing(m.Bias, m.Fields)}
	for i := range m.Crosses {
		c := &m.Crosses[i]
		a.crosses = append(a.crosses, newJoint(m.named(c.Fields), []*Cross{c}))
	}
	return a
}

// Fold is Table.Fold.
func (a *Account) Fold(columns []format.Field) {
	a.Table.Fold(columns)
	a.fields.foldAll(columns)
	for i := range a.crosses {
		a.crosses[i].foldAll(columns)
	}
}

// Reasons explains the score of a row: one reason for each field of the model, and for each cross that weighs something for
// it, the heaviest first. Weights and the bias make up the sum.
func (a *Account) Reasons(row []byte) []Reason {
	reasons := a.fields.reasons(row)
	for i := range a.crosses {
		x := &a.crosses[i]
		if weight := x.weight(row); weight != 0 {
			together := x.reasons(row)
			for k := range together {
				together[k].Weight = 0
			}
			reasons = append(reasons, Reason{Level: -1, Weight: weight, Together: together})
		}
	}
	slices.SortStableFunc(reasons, func(a, b Reason) int {
		return cmp.Compare(magnitude(b.Weight), magnitude(a.Weight))
	})
	return reasons
}

// reasons returns one for each field, in their order.
func (w *weighing) reasons(row []byte) []Reason {
	reasons := make([]Reason, len(w.fields))
	for i := range reasons {
		f := &w.fields[i]
		reasons[i] = Reason{Field: f.Name, Level: -1, Absent: true, Weight: f.Absent}
	}
	for i := range w.codes {
		c := &w.codes[i]
		code := int(row[c.at])
		f, r := &w.fields[c.field], &reasons[c.field]
		if code == 0 {
			continue
		}
		column := &w.folded[c.field].column
		if !column.Overflow && code < len(column.Values) {
			r.Value = column.Values[code]
		}
		number, is := format.Number(r.Value)
		if f.Numbers && !is {
			r.Value = ""
			continue // as good as absent
		}
		r.Absent, r.Weight = false, c.weights[code]
		if f.Bounds != nil {
			r.Level = f.Level(number)
		}
	}
	for i := range w.numbers {
		n := &w.numbers[i]
		if key := binary.LittleEndian.Uint32(row[n.at:]); key != 0 {
			f, r := &w.fields[n.field], &reasons[n.field]
			r.Absent, r.Weight = false, n.weight(row)
			if f.Bounds != nil {
				r.Level = level(n.bounds, key)
			}
		}
	}
	return reasons
}

// Range returns the numbers of a level: from is inside, to is not. The outer ends are infinite.
func (f *Field) Range(level int) (from, to float64) {
	from, to = math.Inf(-1), math.Inf(1)
	if level > 0 {
		from = f.Bounds[level-1]
	}
	if level < len(f.Bounds) {
		to = f.Bounds[level]
	}
	return from, to
}
