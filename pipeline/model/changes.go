package model

import (
	"encoding/binary"
	"maps"
	"slices"

	"kindred/pipeline/format"
)

// Change is another value of one field, and the score that a row would have with it.
type Change struct {
	Field string
	Named
	Score int
}

// Named is a value as a model names it.
type Named struct {
	Value string // canonical JSON text; "" for a range of numbers
	Level int    // of a number that is cut, see Field.Range; else -1
}

// named returns how the field names a value; ok is false when it does not.
func (f *Field) named(text string) (n Named, ok bool) {
	if !f.Numbers {
		text = format.Text(text)
	} else if number, is := format.Number(text); f.Bounds != nil {
		return Named{"", f.Level(number)}, is
	}
	_, ok = f.Weights[text]
	return Named{text, -1}, ok
}

// Changes returns what a row would score with every other value of one field. Values are those that the model names and that
// the shard knows; to lose a value is no change.
func (a *Account) Changes(row []byte) (all []Change) {
	row = slices.Clone(row)
	for i := range a.fields.codes {
		c := &a.fields.codes[i]
		f, values := &a.model.Fields[c.field], a.fields.folded[c.field].column.Values
		if a.fields.folded[c.field].column.Overflow {
			continue
		}
		was := int(row[c.at])
		seen := map[Named]bool{}
		if was < len(values) {
			if now, ok := f.named(values[was]); ok {
				seen[now] = true
			}
		}
		for code := 1; code < len(values); code++ {
			if to, ok := f.named(values[code]); ok && !seen[to] {
				seen[to] = true
				row[c.at] = byte(code)
				all = append(all, Change{f.Name, to, a.Score(row)})
			}
		}
		row[c.at] = byte(was)
	}
	for i := range a.fields.numbers {
		n := &a.fields.numbers[i]
		place := row[n.at : n.at+4]
		was := binary.LittleEndian.Uint32(place)
		f := &a.model.Fields[n.field]
		for _, to := range f.byKey() {
			if key := f.keyOf(to); was == 0 || level(n.bounds, key) != level(n.bounds, was) {
				binary.LittleEndian.PutUint32(place, key)
				all = append(all, Change{f.Name, to, a.Score(row)})
			}
		}
		binary.LittleEndian.PutUint32(place, was)
	}
	return all
}

// byKey returns what the field of numbers names, in order.
func (f *Field) byKey() (all []Named) {
	if f.Bounds == nil {
		for _, text := range slices.Sorted(maps.Keys(f.Weights)) {
			all = append(all, Named{text, -1})
		}
		return all
	}
	for level := range len(f.Bounds) + 1 {
		all = append(all, Named{"", level})
	}
	return all
}

// keyOf returns a key of what is named.
func (f *Field) keyOf(n Named) uint32 {
	switch {
	case n.Level < 0:
		number, _ := format.Number(n.Value)
		return format.Key(number)
	case n.Level == 0:
		return format.Key(f.Bounds[0]) - 1
	}
	return format.Key(f.Bounds[n.Level-1])
}
