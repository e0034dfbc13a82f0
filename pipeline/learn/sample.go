package learn

import (
	"context"
	"encoding/binary"

	"kindred/pipeline/cache"
	"kindred/pipeline/field"
	"kindred/pipeline/format"
	"kindred/pipeline/train"
)

// samples are by who is among the candidates (0) or elsewhere (1), each with its part of the source (0) and of the others (1).
type samples [2][2]*train.Sample

// problem draws source members and other customers, by the lowest hashes of their ids. The background is everybody outside the
// source, candidate or not, or the candidates alone: see countAmong.
func (r *run) problem(ctx context.Context) (*train.Problem, error) {
	if err := r.countAmong(ctx); err != nil {
		return nil, err
	}
	columns := r.choice.Columns
	bySource := func(c field.Count) [2]int64 { return [2]int64{c.Source, c.All - c.Source} }
	among, all := bySource(r.among), bySource(r.customers)
	limits := [2]int{train.SourceRows, train.BackgroundRows}
	empty := func() (s samples) {
		for class, limit := range limits {
			first, second := train.Share(limit, among[class], all[class]-among[class])
			s[0][class] = &train.Sample{Limit: first, Of: among[class], Width: len(columns)}
			s[1][class] = &train.Sample{Limit: second, Of: all[class] - among[class], Width: len(columns)}
		}
		return s
	}
	if r.within {
		all[1] = among[1]
	}
	drawn := make([]samples, r.Number)
	err := r.eachShard(ctx, func(_ context.Context, s *shard) error {
		drawn[s.number] = empty()
		s.sample(columns, amongst(&r.Definition, s.view), drawn[s.number])
		return nil
	})
	if err != nil {
		return nil, err
	}
	joined := empty()
	for where := range joined {
		for class, sample := range joined[where] {
			parts := make([]*train.Sample, len(drawn))
			for i := range drawn {
				parts[i] = drawn[i][where][class]
			}
			sample.Join(parts...)
		}
	}
	return &train.Problem{
		Levels: levels(columns), Ordered: ordered(columns), Apart: apart(columns), Source: joined[0][0], Background: joined[0][1],
		Elsewhere: train.Elsewhere{Source: joined[1][0], Background: joined[1][1]},
		Bands:     shares(r.preset.Bounds),
	}, nil
}

// sample offers every customer of the shard to one of the samples. One with no room takes nobody.
func (s *shard) sample(columns []field.Column, among *among, into samples) {
	leveller := newLeveller(columns, s.view.Fields)
	row := make([]uint8, len(columns))
	var ceilings [2][2]uint64
	for where := range into {
		for class, sample := range into[where] {
			ceilings[where][class] = sample.Ceiling()
		}
	}
	for b := range s.view.Blocks() {
		rows, width := s.view.Rows(b), s.view.Width
		ids, members := s.view.IDs(b), s.source.Block(b)
		slot := s.view.IDWidth(b)
		marks := among.block(b, len(rows)/width)
		for i, offset := 0, 0; offset < len(rows); i, offset = i+1, offset+width {
			if !cache.Consents(rows[offset:]) {
				continue
			}
			hash := train.Hash(ids[i*slot : (i+1)*slot])
			where, class := 0, 1
			if marks[i] == notCandidate {
				where = 1
			}
			if members.Has(i) {
				class = 0
			}
			if hash <= ceilings[where][class] {
				leveller.levels(rows[offset:offset+width], row)
				into[where][class].Add(hash, s.view.ID(b*cache.BlockRows+i), row)
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

// column writes the levels of one column for many rows. That of a value that counts nowhere is one above the others.
func (l *leveller) column(i int, rows []byte, width int, to []uint8) {
	c, k := &l.columns[i], &l.kept[i]
	nowhere := uint8(c.Levels())
	named := func(level uint8) uint8 {
		if level == field.None {
			return nowhere
		}
		return level
	}
	switch {
	case k.number >= 0:
		for row, at := 0, k.number; row < len(to); row, at = row+1, at+width {
			to[row] = named(c.Key(binary.LittleEndian.Uint32(rows[at:])))
		}
	case k.code < 0:
		absent := named(c.Absent)
		for row := range to {
			to[row] = absent
		}
	default:
		levels := k.levels
		for code := range levels {
			levels[code] = named(levels[code])
		}
		for row, at := 0, k.code; row < len(to); row, at = row+1, at+width {
			to[row] = levels[rows[at]]
		}
	}
}
