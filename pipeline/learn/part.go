package learn

import (
	"encoding/binary"

	"kindred/pipeline/format"

	"kindred/pipeline/cache"
	"kindred/pipeline/field"
)

// part is one shard as it was scanned, and what the passes over it have found.
type part struct {
	shard      int
	view       *cache.View
	source     *cache.Segment
	sourceSize int64 // ids, with or without a profile

	customers field.Count
	scores    []int16 // by row
}

// open takes a view.
func (p *part) open(view *cache.View, source string) {
	p.view = view
	p.source = view.Segment(source)
	p.sourceSize = view.Meta.Segments[source].Size
}

// tally counts the values of all fields, over all customers and over the source. Rows without consent hold no codes
// and no numbers, so they need no look at their flags.
func (p *part) tally() []field.Tally {
	fields := p.view.Fields
	all, source := make([][256]uint32, len(fields)), make([][256]uint32, len(fields))
	for b := range p.view.Blocks() {
		rows, width := p.view.Rows(b), p.view.Width
		countCodes(rows, width, all)
		members := p.source.Block(b)
		for i := 0; len(rows) > 0; i, rows = i+1, rows[width:] {
			if !cache.Consents(rows) {
				continue
			}
			p.customers.All++
			if members.Has(i) {
				p.customers.Source++
				for f, code := range rows[1 : 1+len(fields)] {
					source[f][code]++
				}
			}
		}
	}
	tallies := make([]field.Tally, len(fields))
	var numbers keys
	for i := range fields {
		tallies[i] = tallied(&fields[i], &all[i], &source[i])
		if fields[i].Number >= 0 {
			tallies[i].Numbers = numbers.count(p, fields[i].Number)
		}
	}
	return tallies
}

// countCodes counts the codes of a block's rows, by field. It takes four fields at a time: they are read at once, and
// the counts of four stay at hand.
func countCodes(rows []byte, width int, counts [][256]uint32) {
	f := 0
	for ; f+4 <= len(counts); f += 4 {
		a, b, c, d := &counts[f], &counts[f+1], &counts[f+2], &counts[f+3]
		for rest := rows; len(rest) > 0; rest = rest[width:] {
			codes := binary.LittleEndian.Uint32(rest[1+f:])
			a[uint8(codes)]++
			b[uint8(codes>>8)]++
			c[uint8(codes>>16)]++
			d[codes>>24]++
		}
	}
	for ; f < len(counts); f++ {
		for at := 1 + f; at < len(rows); at += width {
			counts[f][rows[at]]++
		}
	}
}

// tallied gives the counts of a field's codes the texts that the codes stand for here.
func tallied(f *format.Field, all, source *[256]uint32) field.Tally {
	t := field.Tally{Name: f.Name, Overflow: f.Overflow}
	for code := 1; code < 256; code++ {
		c := field.Count{All: int64(all[code]), Source: int64(source[code])}
		t.Present.All += c.All
		t.Present.Source += c.Source
		if c.All > 0 && code < len(f.Values) && f.Values[code] != "" && !f.Overflow {
			t.Values = append(t.Values, field.Value{Text: f.Values[code], Count: c})
		}
	}
	return t
}

// keys counts numbers by their key; the memory is used for one field after the other.
type keys struct {
	all, source []uint32
}

func (k *keys) count(p *part, at int) []field.Number {
	if k.all == nil {
		k.all, k.source = make([]uint32, 1<<16), make([]uint32, 1<<16)
	}
	clear(k.all)
	clear(k.source)
	for b := range p.view.Blocks() {
		rows, width := p.view.Rows(b), p.view.Width
		members := p.source.Block(b)
		for i, offset := 0, 0; offset < len(rows); i, offset = i+1, offset+width {
			key := binary.LittleEndian.Uint16(rows[offset+at:])
			k.all[key]++
			if key != 0 && members.Has(i) {
				k.source[key]++
			}
		}
	}
	var numbers []field.Number
	for key := 1; key < len(k.all); key++ {
		if n := k.all[key]; n > 0 {
			numbers = append(numbers, field.Number{
				Key: uint16(key), Count: field.Count{All: int64(n), Source: int64(k.source[key])},
			})
		}
	}
	return numbers
}
