package model

import (
	"encoding/binary"
	"slices"
	"strconv"

	"kindred/pipeline/format"
)

// same reports whether nothing has changed that a table depends on. Places in a row move when rows grow wider.
func same(c, other *format.Field) bool {
	return c.Version == other.Version && c.Code == other.Code && c.Number == other.Number && c.Overflow == other.Overflow
}

// Table is a model folded for the rows of one shard. Fold is not for use beside other methods; these may run
// concurrently.
type Table struct {
	model   *Model
	scale   *scale
	base    int32 // bias, and absence in fields that no customer of the shard ever had
	codes   []codeWeights
	numbers []levelWeights
	folded  []folded // by the model's fields
}

// codeWeights are the weights of a field of categories.
type codeWeights struct {
	weights [256]int32 // by code
	at      int        // place in a row
	field   int        // of the model
}

// levelWeights are the weights of a field of numbers, which is cut into levels.
type levelWeights struct {
	bounds  []uint16
	weights []int32 // by level
	absent  int32
	at      int
	field   int
}

// folded is the column that a field was last folded for.
type folded struct {
	known  bool
	column format.Field
}

// NewTable returns a table that knows of no column yet: every field is absent until Fold.
func NewTable(m *Model) *Table {
	t := &Table{model: m, scale: m.scale, codes: make([]codeWeights, 0, len(m.Fields)), folded: make([]folded, len(m.Fields))}
	if t.scale == nil {
		t.scale = scaleOf(m.Scores)
	}
	t.base = m.Bias
	for i := range m.Fields {
		t.base += m.Fields[i].Absent
	}
	return t
}

// Fold looks up the weights of all codes, of those columns that have changed since the last call. Columns may come in
// any order; the table keeps their Values.
func (t *Table) Fold(columns []format.Field) {
	for i := range t.model.Fields {
		f := &t.model.Fields[i]
		k := slices.IndexFunc(columns, func(c format.Field) bool { return c.Name == f.Name })
		if k < 0 {
			continue // and never was there: a shard forgets no field
		}
		old := &t.folded[i]
		if old.known && same(&old.column, &columns[k]) {
			continue
		}
		if len(f.Bounds) > 0 {
			t.foldNumbers(i, old.known, &columns[k])
		} else {
			t.foldCodes(i, old.known, &columns[k])
		}
		old.column = columns[k]
	}
}

func (t *Table) foldCodes(field int, known bool, c *format.Field) {
	f := &t.model.Fields[field]
	if !known {
		t.codes = append(t.codes, codeWeights{field: field})
		t.base -= f.Absent // from now on the rows show who lacks it
		t.folded[field].known = true
	}
	k := slices.IndexFunc(t.codes, func(c codeWeights) bool { return c.field == field })
	into := &t.codes[k]
	into.at = c.Code
	into.weights = [256]int32{f.Absent}
	if c.Overflow {
		return
	}
	for code := 1; code < min(len(c.Values), 255); code++ {
		if text := c.Values[code]; text != "" {
			into.weights[code] = f.Weights[text]
		}
	}
}

// foldNumbers finds where the numbers are. A field that has none in this shard is absent in all rows.
func (t *Table) foldNumbers(field int, known bool, c *format.Field) {
	if c.Number < 0 {
		return
	}
	f := &t.model.Fields[field]
	if !known {
		n := levelWeights{bounds: f.Bounds, weights: make([]int32, len(f.Bounds)+1), absent: f.Absent, field: field}
		for level := range n.weights {
			n.weights[level] = f.Weights[strconv.Itoa(level)]
		}
		t.numbers = append(t.numbers, n)
		t.base -= f.Absent
		t.folded[field].known = true
	}
	k := slices.IndexFunc(t.numbers, func(n levelWeights) bool { return n.field == field })
	t.numbers[k].at = c.Number
}

// Sum adds up what the row's values weigh. The row must be of the shard and the width that Fold was last called for.
func (t *Table) Sum(row []byte) int32 {
	sum := t.base
	for i := range t.codes {
		c := &t.codes[i]
		sum += c.weights[row[c.at]]
	}
	for i := range t.numbers {
		sum += t.numbers[i].weight(row)
	}
	return sum
}

// weight returns what the number of a row weighs.
func (n *levelWeights) weight(row []byte) int32 {
	number := binary.LittleEndian.Uint16(row[n.at:])
	if number == 0 {
		return n.absent
	}
	return n.weights[level(n.bounds, number)]
}

// level counts the bounds at or below a number. There are few: counting all is quicker than searching.
func level(bounds []uint16, number uint16) int {
	level := 0
	for _, b := range bounds {
		if b <= number {
			level++
		}
	}
	return level
}

// Score returns the row's score, 0 to Best.
func (t *Table) Score(row []byte) int { return t.scale.score(t.Sum(row)) }
