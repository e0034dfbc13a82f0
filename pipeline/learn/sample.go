package learn

import (
	"context"
	"encoding/binary"

	"kindred/pipeline/cache"
	"kindred/pipeline/field"
	"kindred/pipeline/format"
	"kindred/pipeline/train"
)

// sample draws source members and other customers, by the lowest hashes of their ids. The background is everybody
// outside the source, candidate or not: it stands for what customers are like.
func (r *run) sample(ctx context.Context) (source, background *train.Sample, err error) {
	columns, n := r.choice.Columns, r.customers
	empty := func(limit int, of int64) *train.Sample {
		return &train.Sample{Limit: limit, Of: of, Width: len(columns)}
	}
	sources, backgrounds := make([]*train.Sample, r.Number), make([]*train.Sample, r.Number)
	err = r.eachShard(ctx, func(_ context.Context, s *shard) error {
		sources[s.number] = empty(train.SourceRows, n.Source)
		backgrounds[s.number] = empty(train.BackgroundRows, n.All-n.Source)
		s.sample(columns, sources[s.number], backgrounds[s.number])
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

// sample offers every customer of the shard to one of the samples.
func (s *shard) sample(columns []field.Column, source, background *train.Sample) {
	leveller := newLeveller(columns, s.view.Fields)
	row := make([]uint8, len(columns))
	sourceCeiling, backgroundCeiling := source.Ceiling(), background.Ceiling()
	for b := range s.view.Blocks() {
		rows, width := s.view.Rows(b), s.view.Width
		ids, members := s.view.IDs(b), s.source.Block(b)
		slot := s.view.IDWidth(b)
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
				into.Add(hash, s.view.ID(b*cache.BlockRows+i), row)
			}
		}
	}
}

// leveller turns the codes and numbers of a shard's rows into levels, which mean the same in every shard.
type leveller struct {
	columns []field.Column
	kept    []kept // by column
}

// kept is where and how a shard keeps a column.
type kept struct {
	code   int        // where in a row its code is; -1: the shard does not keep the field
	number int        // where in a row the key of its number is, which counts instead; -1: nowhere
	levels [256]uint8 // by code
}

func newLeveller(columns []field.Column, fields []format.Field) *leveller {
	l := &leveller{columns, make([]kept, len(columns))}
	for i := range columns {
		l.kept[i].code, l.kept[i].number = -1, -1
		for f := range fields {
			if fields[f].Name == columns[i].Name {
				l.kept[i].find(&columns[i], &fields[f])
			}
		}
	}
	return l
}

// find takes over where a field is kept, and finds the levels of its codes.
func (k *kept) find(c *field.Column, f *format.Field) {
	k.code = f.Code
	if c.Numbers && f.Overflow {
		k.number = f.Number
	}
	k.levels = c.Codes(f.Values)
}

// levels writes the levels of a row, by column.
func (l *leveller) levels(row []byte, to []uint8) {
	for i := range l.columns {
		c, k := &l.columns[i], &l.kept[i]
		switch {
		case k.number >= 0:
			to[i] = c.Key(binary.LittleEndian.Uint32(row[k.number:]))
		case k.code < 0:
			to[i] = c.Absent
		default:
			to[i] = k.levels[row[k.code]]
		}
	}
}
