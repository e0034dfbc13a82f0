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
	for _, s := range r.shards {
		r.customers.All += s.customers.All
		r.customers.Source += s.customers.Source
		size += s.sourceSize
	}
	for {
		tallies = tallies[:0]
		for _, s := range r.shards {
			tallies = append(tallies, s.tallies...)
		}
		blurred := field.Blurred(tallies)
		if len(blurred) == 0 {
			return tallies, size, nil
		}
		if err := r.eachShard(ctx, func(_ context.Context, s *shard) error {
			s.divide(s.tallies, blurred)
			return nil
		}); err != nil {
			return nil, 0, err
		}
	}
}

// tally counts the values of all fields, over all customers and over the source. Where rows are counted without a look at
// their flags, those without consent count nothing: they hold no codes and no numbers.
func (s *shard) tally() {
	fields := s.view.Fields
	all, source := make([][256]uint32, len(fields)), make([][256]uint32, len(fields))
	for b := range s.view.Blocks() {
		rows, width := s.view.Rows(b), s.view.Width
		countCodes(rows, width, all)
		members := s.source.Block(b)
		for i := 0; len(rows) > 0; i, rows = i+1, rows[width:] {
			if !cache.HasProfile(rows) {
				continue
			}
			if schemas.IsJSONKey(s.view.ID(b*cache.BlockRows + i)) {
				s.jsonKeys++
			}
			if members.Has(i) {
				s.known++
			}
			if !cache.Consents(rows) {
				continue
			}
			s.customers.All++
			if members.Has(i) {
				s.customers.Source++
				for f, code := range rows[1 : 1+len(fields)] {
					source[f][code]++
				}
			}
		}
	}
	s.tallies = make([]field.Tally, len(fields))
	for i := range fields {
		s.tallies[i] = tallied(&fields[i], &all[i], &source[i])
	}
	s.countNumbers(s.tallies)
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
