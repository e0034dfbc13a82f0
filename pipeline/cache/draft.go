package cache

import (
	"slices"

	"kindred/schemas"
)

// draft is what the rows do not say of a field, because it had too many values or because there was no place for it: who has
// which value, as far as customers have been set since the draft began. It is in memory only, so that no value of a field
// with too many gets into Redis. Once it knows everybody it is written into the rows (complete.go), and the field is as
// good as any. A draft that meets too many values begins anew (restart).
type draft struct {
	name  string
	began uint64 // how many changes to profiles there had been when it did
	next  byte   // the code of the profile that is being set
	noted bool   // that there is no place for the field stands in Unkept

	// Invariant: holders is how many of codes are not 0, and rows names them, perhaps others too, and perhaps twice.
	codes   []byte // by row: 0 none that is known, tooMany a text that is too long, else one of values
	rows    []int32
	holders int32

	values []draftValue // by code; [0] is unused
	text   []byte       // of all values, one after the other: a field of names costs no allocation for each
	table  [tableCells]uint16
}

type draftValue struct {
	packed
	text span
}

func newDraft(name string, began uint64) *draft {
	return &draft{name: name, began: began, values: make([]draftValue, 1, 8)}
}

// code returns the code of a value; 0: there are too many.
func (d *draft) code(v *schemas.FieldValue) byte {
	if v.Kind == schemas.String && len(v.Text) > longestText {
		return tooMany
	}
	p := pack(v)
	hash := p.hash(v.Text)
	tag := uint16(hash>>48) & cellHashing
	i := hash % tableCells
	for ; d.table[i] != 0; i = (i + 1) % tableCells {
		if code := d.table[i] & cellCode; d.table[i]&cellHashing == tag && d.is(code, &p, v.Text) {
			return byte(code)
		}
	}
	if len(d.values) > mostValues {
		return 0
	}
	code := len(d.values)
	from := len(d.text)
	if v.Kind == schemas.String {
		d.text = append(d.text, v.Text...)
	}
	d.values = append(d.values, draftValue{p, span{from, len(d.text)}})
	d.table[i] = tag | uint16(code)
	return byte(code)
}

func (d *draft) is(code uint16, p *packed, text []byte) bool {
	v := &d.values[code]
	return v.packed == *p && (p.size <= packedBytes || string(d.text[v.text.from:v.text.to]) == string(text))
}

// restart forgets everything. It takes no longer than what is forgotten took.
func (d *draft) restart(now uint64) {
	for _, row := range d.rows {
		d.codes[row] = 0
	}
	d.began, d.rows, d.holders = now, d.rows[:0], 0
	d.values, d.text = d.values[:1], d.text[:0]
	d.table = [tableCells]uint16{}
}

// of returns the code of a row.
func (d *draft) of(row int) byte {
	if row < len(d.codes) {
		return d.codes[row]
	}
	return 0
}

// set sets the code of a row; 0: it has no value.
func (d *draft) set(row int, code byte) {
	was := d.of(row)
	switch {
	case was == code:
		return
	case row >= len(d.codes):
		d.codes = slices.Grow(d.codes, row+1-len(d.codes))[:row+1]
	}
	d.codes[row] = code
	switch {
	case code == 0:
		d.holders--
	case was == 0:
		d.holders++
		d.rows = append(d.rows, int32(row))
	}
	if len(d.rows) > 2*len(d.codes)+mostValues { // rows that came and went
		d.rows = d.rows[:0]
		for row, code := range d.codes {
			if code != 0 {
				d.rows = append(d.rows, int32(row))
			}
		}
	}
}

// value returns a value as a profile holds it.
func (d *draft) value(code int) schemas.FieldValue {
	v := &d.values[code]
	return v.unpack(d.text[v.text.from:v.text.to])
}
