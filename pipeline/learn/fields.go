package learn

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"

	"kindred/pipeline/cache"
	"kindred/pipeline/field"
	"kindred/pipeline/format"
	"kindred/schemas"
)

// choose counts who has which value, and chooses the fields to learn from. It refuses a source that is too small.
func (r *run) choose(ctx context.Context) error {
	tallies, size, err := r.count(ctx)
	if err != nil {
		return err
	}
	if why := cmp.Or(r.refusedByComing(), r.refusedBySize(size)); why != nil {
		return why
	}
	catalogue := field.New(r.Declared, r.customers, tallies)
	for _, s := range r.shards {
		catalogue.More = catalogue.More || s.view.Unkept.More
	}
	r.choice, err = catalogue.Choose(r.Definition.Fields)
	var bad *field.Refused
	if errors.As(err, &bad) {
		return &schemas.RunError{Code: schemas.CodeBadField, Message: bad.Message, Hint: bad.Hint}
	}
	return err
}

// count adds up who has which value, in all shards, fine enough to judge the fields by, and how many members the source has.
func (r *run) count(ctx context.Context) (tallies []field.Tally, size int64, err error) {
	if err := r.eachShard(ctx, func(_ context.Context, s *shard) error {
		s.countSource()
		return nil
	}); err != nil {
		return nil, 0, err
	}
	for _, s := range r.shards {
		r.customers.All += s.customers.All
		r.customers.Source += s.customers.Source
		size += s.sourceSize
		tallies = append(tallies, s.tallies...)
	}
	return tallies, size, nil
}

// counts are how many customers of a shard have which value, whatever a run is to learn.
type counts struct {
	customers int64 // with a profile and consent
	jsonKeys  int64 // customers whose ids are JSON
	codes     [][256]uint32
	tallies   []field.Tally   // by field; nobody is in a source
	coarse    [][]field.Range // their numbers before they were divided
}

// countRows counts the values of all fields. Where rows are counted without a look at their flags, those without consent count
// nothing: they hold no codes and no numbers.
func countRows(view *cache.View) *counts {
	c := &counts{codes: make([][256]uint32, len(view.Fields))}
	for b := range view.Blocks() {
		rows, width := view.Rows(b), view.Width
		countCodes(rows, width, c.codes)
		for i := 0; len(rows) > 0; i, rows = i+1, rows[width:] {
			if !cache.HasProfile(rows) {
				continue
			}
			if schemas.IsJSONKey(view.ID(b*cache.BlockRows + i)) {
				c.jsonKeys++
			}
			if cache.Consents(rows) {
				c.customers++
			}
		}
	}
	var nobody [256]uint32
	for i := range view.Fields {
		c.tallies = append(c.tallies, tallied(&view.Fields[i], &c.codes[i], &nobody))
	}
	c.countNumbers(view)
	return c
}

// countSource adds those of the source to what was counted of all.
func (s *shard) countSource() {
	fields := s.view.Fields
	source, numbers := make([][256]uint32, len(fields)), newPlaces(s.reading)
	s.customers.All = s.counts.customers
	for b := range s.view.Blocks() {
		rows, width := s.view.Rows(b), s.view.Width
		s.source.Block(b).Each(len(rows)/width, func(i int) {
			row := rows[i*width : (i+1)*width]
			if !cache.HasProfile(row) {
				return
			}
			s.known++
			if !cache.Consents(row) {
				return
			}
			s.customers.Source++
			for f, code := range row[1 : 1+len(fields)] {
				source[f][code]++
			}
			for _, n := range numbers {
				n.count(row)
			}
		})
	}
	for i := range fields {
		s.tallies = append(s.tallies, tallied(&fields[i], &s.counts.codes[i], &source[i]))
	}
	for _, n := range numbers {
		s.tallies[n.field].Numbers = n.ranges
	}
	for _, name := range s.view.Unkept.Beyond {
		s.tallies = append(s.tallies, field.Tally{Name: name, Unplaced: true})
	}
}

// countCodes counts the codes of a block's rows, by field. It takes four fields at a time: their codes are loaded at once,
// and the counts of four stay in the processor's cache.
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

// tallied returns the counts of a field's codes by the texts that the codes stand for in this shard.
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
