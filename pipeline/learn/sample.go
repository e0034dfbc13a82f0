package learn

import (
	"context"
	"encoding/binary"

	"kindred/pipeline/format"

	"kindred/pipeline/cache"
	"kindred/pipeline/field"
	"kindred/pipeline/train"
)

// sample draws source members and other customers, by the lowest hashes of their ids. The background is everybody
// outside the source, candidate or not: it says what customers are like.
func (f *findings) sample(ctx context.Context) (source, background *train.Sample, err error) {
	columns, n := f.choice.Columns, f.counts
	empty := func(limit int, of int64) *train.Sample {
		return &train.Sample{Limit: limit, Of: of, Width: len(columns)}
	}
	sources, backgrounds := make([]*train.Sample, len(f.parts)), make([]*train.Sample, len(f.parts))
	err = each(ctx, f.parts, func(_ context.Context, p *part) error {
		sources[p.shard] = empty(train.SourceRows, n.Source)
		backgrounds[p.shard] = empty(train.BackgroundRows, n.All-n.Source)
		p.sample(columns, sources[p.shard], backgrounds[p.shard])
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	source, background = empty(train.SourceRows, n.Source), empty(train.BackgroundRows, n.All-n.Source)
	source.Join(sources...)
	background.Join(backgrounds...)
	return source, background, nil
}

// sample offers every customer of the shard.
func (p *part) sample(columns []field.Column, source, background *train.Sample) {
	leveller := newLeveller(columns, p.view.Fields)
	row := make([]uint8, len(columns))
	sourceCeiling, backgroundCeiling := source.Ceiling(), background.Ceiling()
	for b := range p.view.Blocks() {
		rows, width := p.view.Rows(b), p.view.Width
		ids, members := p.view.IDs(b), p.source.Block(b)
		slot := len(ids) / cache.BlockRows
		for i, offset := 0, 0; offset < len(rows); i, offset = i+1, offset+width {
			if !cache.Consents(rows[offset:]) {
				continue
			}
			hash := train.Hash(ids[i*slot : (i+1)*slot])
			into, ceiling := background, backgroundCeiling
			if members.Has(i) {
				into, ceiling = source, sourceCeiling
			}
			if hash <= ceiling {
				leveller.levels(rows[offset:offset+width], row)
				into.Add(hash, p.view.ID(b*cache.BlockRows+i), row)
			}
		}
	}
}

// leveller turns the codes and numbers of a shard's rows into levels, which mean the same in every shard.
type leveller struct {
	columns []field.Column
	places  []place
}

// place is where a column lies in a shard's rows.
type place struct {
	code   int // -1: the shard has never met the field
	number int // -1: no numbers
	levels [256]uint8
}

func newLeveller(columns []field.Column, fields []format.Field) *leveller {
	l := &leveller{columns, make([]place, len(columns))}
	for i := range columns {
		c, at := &columns[i], &l.places[i]
		at.code, at.number = -1, -1
		for f := range fields {
			if fields[f].Name == c.Name {
				at.take(c, &fields[f])
			}
		}
	}
	return l
}

func (at *place) take(c *field.Column, f *format.Field) {
	at.code, at.number = f.Code, f.Number
	for code := range at.levels {
		at.levels[code] = field.None
		if !f.Overflow && code < len(f.Values) && f.Values[code] != "" {
			at.levels[code] = c.Level(f.Values[code])
		}
	}
	at.levels[0] = c.Absent
}

// levels gives the levels of a row.
func (l *leveller) levels(row []byte, to []uint8) {
	for i := range l.columns {
		c, at := &l.columns[i], &l.places[i]
		switch {
		case c.Bounds != nil && at.number >= 0:
			to[i] = c.Bin(binary.LittleEndian.Uint16(row[at.number:]))
		case c.Bounds != nil || at.code < 0:
			to[i] = c.Absent
		default:
			to[i] = at.levels[row[at.code]]
		}
	}
}

// levels says how many levels each column has.
func levels(columns []field.Column) []int {
	n := make([]int, len(columns))
	for i := range columns {
		n[i] = columns[i].Levels()
	}
	return n
}
