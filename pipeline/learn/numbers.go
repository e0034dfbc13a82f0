package learn

import (
	"cmp"
	"context"
	"encoding/binary"
	"slices"

	"kindred/pipeline/cache"
	"kindred/pipeline/field"
)

// countNumbers counts the numbers of the fields whose values the shard does not keep, by ranges of their keys. Those of the
// others are counted as values.
func (c *counts) countNumbers(view *cache.View) {
	c.coarse = make([][]field.Range, len(c.tallies))
	var customers []int64 // its memory is used for one field after the other
	for i := range view.Fields {
		f := &view.Fields[i]
		if !f.Overflow || f.Number < 0 {
			continue
		}
		if customers == nil {
			customers = make([]int64, 1<<(32-field.Coarse))
		}
		clear(customers)
		eachKey(view, f.Number, func(key uint32) { customers[key>>field.Coarse]++ })
		for high, n := range customers {
			if n > 0 {
				r := field.Range{Key: uint32(high) << field.Coarse, Bits: field.Coarse, Count: field.Count{All: n}}
				c.coarse[i] = append(c.coarse[i], r)
			}
		}
		c.tallies[i].Numbers = slices.Clone(c.coarse[i])
	}
}

// divide counts anew, by finer ranges, the numbers of those that are too coarse, until there are none. What another run has
// divided is as this one would have it if it is of the same rows in all shards.
func (r *run) divide(ctx context.Context) error {
	if !slices.ContainsFunc(r.shards, func(s *shard) bool { return !s.view.Kept }) {
		return nil
	}
	for _, s := range r.shards {
		if s.view.Kept {
			s.counts = s.counts.undivided()
		}
	}
	for {
		var tallies []field.Tally
		for _, s := range r.shards {
			tallies = append(tallies, s.counts.tallies...)
		}
		blurred := field.Blurred(tallies)
		if len(blurred) == 0 {
			return nil
		}
		if err := r.eachShard(ctx, func(_ context.Context, s *shard) error {
			s.divide(blurred)
			return nil
		}); err != nil {
			return err
		}
	}
}

// undivided returns counts before any of their ranges were divided. Others may learn from the counts as they are.
func (c *counts) undivided() *counts {
	of := *c
	of.tallies = slices.Clone(c.tallies)
	for i := range of.tallies {
		of.tallies[i].Numbers = slices.Clone(c.coarse[i])
	}
	return &of
}

// divide counts by finer ranges the numbers of these.
func (of *reading) divide(blurred map[string][]field.Range) {
	for i := range of.view.Fields {
		f := &of.view.Fields[i]
		divided := blurred[f.Name]
		if len(divided) == 0 || !f.Overflow || f.Number < 0 {
			continue
		}
		d := newDivision(divided)
		eachKey(of.view, f.Number, d.count)
		of.counts.tallies[i].Divide(divided, d.parts)
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

func (d *division) count(key uint32) {
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
}

// eachKey passes on the key of every number that is at this place of a row.
func eachKey(view *cache.View, at int, do func(key uint32)) {
	for b := range view.Blocks() {
		rows, width := view.Rows(b), view.Width
		for offset := 0; offset < len(rows); offset += width {
			if key := binary.LittleEndian.Uint32(rows[offset+at:]); key != 0 {
				do(key)
			}
		}
	}
}

// places counts source members by the ranges in which the numbers of a field were counted.
type places struct {
	field, at int // the field's number, and where in a row its key is
	ranges    []field.Range
	begin     []int32 // by the upper half of a key: the first of the ranges that begin there or above
}

// newPlaces returns the places of all fields whose numbers were counted.
func newPlaces(of reading) (all []*places) {
	for i := range of.counts.tallies {
		ranges := slices.Clone(of.counts.tallies[i].Numbers)
		if len(ranges) == 0 {
			continue
		}
		slices.SortFunc(ranges, func(a, b field.Range) int { return cmp.Compare(a.Key, b.Key) })
		p := &places{field: i, at: of.view.Fields[i].Number, ranges: ranges, begin: make([]int32, 1<<(32-field.Coarse)+1)}
		next := 0
		for high := range p.begin {
			for next < len(ranges) && int(ranges[next].Key>>field.Coarse) < high {
				next++
			}
			p.begin[high] = int32(next)
		}
		all = append(all, p)
	}
	return all
}

func (p *places) count(row []byte) {
	key := binary.LittleEndian.Uint32(row[p.at:])
	if key == 0 {
		return
	}
	at, end := p.begin[key>>field.Coarse], p.begin[key>>field.Coarse+1]
	for end-at > 1 {
		if middle := (at + end) / 2; p.ranges[middle].Key <= key {
			at = middle
		} else {
			end = middle
		}
	}
	p.ranges[at].Source++
}
