package learn

import (
	"encoding/binary"

	"kindred/pipeline/field"
)

// countNumbers counts the numbers of the fields whose values the shard does not keep, by ranges of their keys. Those of the
// others are counted as values.
func (s *shard) countNumbers(tallies []field.Tally) {
	var counts []field.Count // its memory is used for one field after the other
	for i := range s.view.Fields {
		f := &s.view.Fields[i]
		if !f.Overflow || f.Number < 0 {
			continue
		}
		if counts == nil {
			counts = make([]field.Count, 1<<(32-field.Coarse))
		}
		clear(counts)
		s.eachKey(f.Number, func(key uint32, source int64) {
			n := &counts[key>>field.Coarse]
			n.All++
			n.Source += source
		})
		for high, n := range counts {
			if n.All > 0 {
				r := field.Range{Key: uint32(high) << field.Coarse, Bits: field.Coarse, Count: n}
				tallies[i].Numbers = append(tallies[i].Numbers, r)
			}
		}
	}
}

// divide counts anew, by finer ranges, the numbers of those that are too coarse.
func (s *shard) divide(tallies []field.Tally, blurred map[string][]field.Range) {
	for i := range s.view.Fields {
		f := &s.view.Fields[i]
		divided := blurred[f.Name]
		if len(divided) == 0 || !f.Overflow || f.Number < 0 {
			continue
		}
		d := newDivision(divided)
		s.eachKey(f.Number, d.count)
		tallies[i].Divide(divided, d.parts)
	}
}

// division counts keys by the parts of some ranges.
type division struct {
	bits  int // of the ranges
	parts []field.Range

	// Two steps find the part of a key. Most keys lie in no range that is divided, and end at the first.
	high [1 << 16]uint16 // by the upper half of a key: which of low, from 1 on; 0: none
	low  [][256]int32    // by the next byte: where in parts it lies, or the parts of its range begin; -1: none
}

// newDivision returns the parts of ranges, with nobody in them. All ranges of a field that are divided at a time are
// equally coarse.
func newDivision(ranges []field.Range) *division {
	d := &division{bits: ranges[0].Bits}
	for _, r := range ranges {
		h := &d.high[r.Key>>16]
		if *h == 0 {
			none := [256]int32{}
			for i := range none {
				none[i] = -1
			}
			d.low = append(d.low, none)
			*h = uint16(len(d.low))
		}
		low, begin := &d.low[*h-1], int32(len(d.parts))
		d.parts = append(d.parts, r.Parts()...)
		if d.bits == field.Coarse {
			for i := range low {
				low[i] = begin + int32(i)
			}
		} else {
			low[r.Key>>8&0xff] = begin
		}
	}
	return d
}

func (d *division) count(key uint32, source int64) {
	h := d.high[key>>16]
	if h == 0 {
		return
	}
	at := d.low[h-1][key>>8&0xff]
	if at < 0 {
		return
	}
	if d.bits < field.Coarse {
		at += int32(key & 0xff)
	}
	d.parts[at].All++
	d.parts[at].Source += source
}

// eachKey passes on the key of every number that is at this place of a row, and 1 if it is a source member's.
func (s *shard) eachKey(at int, do func(key uint32, source int64)) {
	for b := range s.view.Blocks() {
		rows, width := s.view.Rows(b), s.view.Width
		members := s.source.Block(b)
		for i, offset := 0, 0; offset < len(rows); i, offset = i+1, offset+width {
			key := binary.LittleEndian.Uint32(rows[offset+at:])
			if key == 0 {
				continue
			}
			var source int64
			if members.Has(i) {
				source = 1
			}
			do(key, source)
		}
	}
}
