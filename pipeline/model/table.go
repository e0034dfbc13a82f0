package model

import (
	"encoding/binary"
	"maps"
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
	model  *Model
	scale  *scale
	alone  weighing // the fields that are in no joint
	joints []joint
}

// weighing is some fields folded for the rows of one shard: what their values weigh, to be added up.
type weighing struct {
	fields  []Field
	base    int32 // a constant, and absence in fields that no customer of the shard ever had
	codes   []codeWeights
	numbers []keyWeights
	folded  []folded // by the fields
}

// codeWeights are the weights of a field whose values the shard keeps.
type codeWeights struct {
	weights [256]int32 // by code
	at      int        // place in a row
	field   int        // of the weighing
}

// keyWeights are the weights of a field of numbers of which the shard keeps only the keys.
type keyWeights struct {
	bounds  []uint32 // ascending; level i holds the keys from bounds[i-1] (inclusive) to bounds[i]
	weights []int32  // by level
	absent  int32
	at      int
	field   int
}

// folded is the column that a field was last folded for.
type folded struct {
	known  bool
	column format.Field
}

// shared is what all tables of a model have in common.
type shared struct {
	scale  *scale
	joints []joint // not folded
	alone  []Field
}

// Share makes, once for all tables of the model, what they have in common: a table of a model that does not share makes its own.
// It is not for use beside other methods.
func (m *Model) Share() {
	if m.shared == nil {
		m.shared = m.common()
	}
}

func (m *Model) common() *shared {
	s := &shared{scale: scaleOf(m.Scores)}
	s.joints, s.alone = newJoints(m)
	return s
}

// NewTable returns a table that knows of no column yet: every field is absent until Fold.
func NewTable(m *Model) *Table {
	common := m.shared
	if common == nil {
		common = m.common()
	}
	t := &Table{model: m, scale: common.scale, alone: newWeighing(m.Bias, common.alone)}
	for _, j := range common.joints {
		t.joints = append(t.joints, joint{newWeighing(0, j.fields), j.weights})
	}
	return t
}

func newWeighing(base int32, fields []Field) weighing {
	w := weighing{fields: fields, base: base, codes: make([]codeWeights, 0, len(fields)), folded: make([]folded, len(fields))}
	for i := range fields {
		w.base += fields[i].Absent
	}
	return w
}

// Fold looks up the weights of all codes, of those columns that have changed since the last call. Columns may come in
// any order; the table keeps their Values.
func (t *Table) Fold(columns []format.Field) {
	t.alone.foldAll(columns)
	for i := range t.joints {
		t.joints[i].foldAll(columns)
	}
}

func (w *weighing) foldAll(columns []format.Field) {
	for i := range w.fields {
		f, old := &w.fields[i], &w.folded[i]
		k := slices.IndexFunc(columns, func(c format.Field) bool { return c.Name == f.Name })
		if k >= 0 && old.known && same(&old.column, &columns[k]) {
			continue
		}
		if old.known {
			w.drop(i)
		}
		if k >= 0 {
			w.fold(i, &columns[k])
		}
	}
}

// drop forgets a column: the field is absent everywhere.
func (w *weighing) drop(field int) {
	w.codes = slices.DeleteFunc(w.codes, func(c codeWeights) bool { return c.field == field })
	w.numbers = slices.DeleteFunc(w.numbers, func(n keyWeights) bool { return n.field == field })
	w.folded[field] = folded{}
	w.base += w.fields[field].Absent
}

// fold takes in a column: from now on the rows show who lacks a value.
func (w *weighing) fold(field int, c *format.Field) {
	f := &w.fields[field]
	w.folded[field] = folded{true, *c}
	switch {
	case !f.Numbers || !c.Overflow:
		w.codes = append(w.codes, codeWeights{weights: f.codes(c), at: c.Code, field: field})
	case c.Number >= 0:
		w.numbers = append(w.numbers, f.keys(c.Number, field))
	default:
		return // nobody has a number: as if there were no column
	}
	w.base -= f.Absent
}

// codes returns the weights of a column's codes. A code without a value stands for one that nobody knows any more: it weighs
// nothing, but where numbers are asked for it is none.
func (f *Field) codes(c *format.Field) (weights [256]int32) {
	weights[0] = f.Absent
	for code := 1; code < len(weights); code++ {
		switch {
		case !c.Overflow && code < len(c.Values) && c.Values[code] != "":
			weights[code] = f.weight(c.Values[code])
		case f.Numbers:
			weights[code] = f.Absent
		}
	}
	return weights
}

// weight returns what a value weighs, by its canonical JSON text.
func (f *Field) weight(text string) int32 {
	if !f.Numbers {
		return f.Weights[format.Text(text)]
	}
	number, is := format.Number(text)
	switch {
	case !is:
		return f.Absent
	case f.Bounds != nil:
		return f.Weights[strconv.Itoa(f.Level(number))]
	}
	return f.Weights[text]
}

// Level returns the number of bounds at or below a number.
func (f *Field) Level(number float64) (level int) {
	for level < len(f.Bounds) && f.Bounds[level] <= number {
		level++
	}
	return level
}

// keys returns the weights of keys. Single numbers are ranges of one key, between which nothing weighs anything.
func (f *Field) keys(at, field int) keyWeights {
	k := keyWeights{absent: f.Absent, at: at, field: field}
	if f.Bounds != nil {
		for i, bound := range f.Bounds {
			k.bounds = append(k.bounds, format.Key(bound))
			k.weights = append(k.weights, f.Weights[strconv.Itoa(i)])
		}
		k.weights = append(k.weights, f.Weights[strconv.Itoa(len(f.Bounds))])
		return k
	}
	single := map[uint32]int32{}
	for text, weight := range f.Weights {
		number, _ := format.Number(text)
		key := format.Key(number)
		if _, twice := single[key]; twice {
			weight = 0 // nobody knows which of the two it is
		}
		single[key] = weight
	}
	k.weights = []int32{0}
	for _, key := range slices.Sorted(maps.Keys(single)) {
		if last := len(k.bounds) - 1; last >= 0 && k.bounds[last] == key {
			k.bounds, k.weights = k.bounds[:last], k.weights[:last+1]
		}
		k.bounds = append(k.bounds, key, key+1)
		k.weights = append(k.weights, single[key], 0)
	}
	return k
}

// Sum adds up what the row's values weigh. The row must be of the shard and the width that Fold was last called for.
func (t *Table) Sum(row []byte) int32 {
	sum := t.alone.sum(row)
	for i := range t.joints {
		sum += t.joints[i].weight(row)
	}
	return sum
}

func (w *weighing) sum(row []byte) int32 {
	sum := w.base
	for i := range w.codes {
		c := &w.codes[i]
		sum += c.weights[row[c.at]]
	}
	for i := range w.numbers {
		sum += w.numbers[i].weight(row)
	}
	return sum
}

// weight returns what the number of a row weighs.
func (n *keyWeights) weight(row []byte) int32 {
	key := binary.LittleEndian.Uint32(row[n.at:])
	if key == 0 {
		return n.absent
	}
	return n.weights[level(n.bounds, key)]
}

// level counts the bounds at or below a key. There are few: counting all is quicker than searching.
func level(bounds []uint32, key uint32) int {
	level := 0
	for _, b := range bounds {
		if b <= key {
			level++
		}
	}
	return level
}

// Score returns the row's score, 0 to Best.
func (t *Table) Score(row []byte) int { return t.scale.score(t.Sum(row)) }
