package cache

import (
	"context"
	"errors"
	"fmt"
	"time"

	"kindred/pipeline/format"
	"kindred/schemas/retry"
)

// View is a shard's cache as read from Redis by somebody who does not own it. It does not change, and may be read by
// several goroutines. With inputs moving, rows are of slightly different moments.
type View struct {
	Shard   int
	Meta    *Meta
	NumRows int // ever given; some are nobody's
	Width   int // bytes of a row
	Fields  []format.Field
	Unkept  Unkept

	buffer    []byte // all blocks
	rows      [][]byte
	ids       [][]byte
	segments  map[string]*Segment
	published map[string]*Published
}

// Want says what to read beside the rows.
type Want struct {
	Segments   []string
	Expansions []string // whose published states
	Into       *View    // one that nobody needs any more: its memory is used again; nil: new memory
}

// Consents says whether a row belongs to a customer who has a profile and consents to being profiled.
func Consents(row []byte) bool { return row[0]&consents != 0 }

// HasProfile says whether a row belongs to a customer who has a profile, consenting or not.
func HasProfile(row []byte) bool { return row[0]&hasProfile != 0 }

// Blocks is how many blocks the view has.
func (v *View) Blocks() int { return len(v.rows) }

// Rows gives the rows of a block, Width bytes each: BlockRows of them, fewer in the last block.
func (v *View) Rows(block int) []byte {
	return v.rows[block][:v.rowsIn(block)*v.Width]
}

// IDs gives the ids of a block as they are stored: slots of len/BlockRows bytes, filled up with zeros.
func (v *View) IDs(block int) []byte { return v.ids[block] }

func (v *View) rowsIn(block int) int { return min(BlockRows, v.NumRows-block*BlockRows) }

// Row gives the bytes of a row.
func (v *View) Row(row int) []byte {
	i := row % BlockRows
	return v.rows[row/BlockRows][i*v.Width : (i+1)*v.Width]
}

// ID gives the customer of a row; empty when it is nobody's.
func (v *View) ID(row int) []byte { return idIn(v.ids[row/BlockRows], row%BlockRows) }

// Find looks for a customer's row, one after the other.
func (v *View) Find(id []byte) (row int, ok bool) {
	if len(id) == 0 {
		return 0, false
	}
	for row := range v.NumRows {
		if string(v.ID(row)) == string(id) {
			return row, true
		}
	}
	return 0, false
}

// Segment gives one of the segments that were wanted; nil, which has nobody in it, when the shard never heard of it.
func (v *View) Segment(name string) *Segment { return v.segments[name] }

// Published gives the states of one of the expansions that were wanted; nil, where nobody has one, when there are none.
func (v *View) Published(expansion string) *Published { return v.published[expansion] }

const scanTries = 10

// Scan reads a shard's whole cache. Everything it gives is of one life of the cache: when the owner has changed or its
// rows were laid out anew meanwhile, or anything is missing, it reads again. ErrNotReady: there is nothing whole to be
// read now.
func (s *Store) Scan(ctx context.Context, shard int, want Want) (*View, error) {
	pauses := retry.Backoff{First: 20 * time.Millisecond, Last: 200 * time.Millisecond}
	for range scanTries {
		view, err := s.scan(ctx, shard, &want)
		if err == nil {
			return view, nil
		}
		if !errors.Is(err, errTorn) {
			return nil, fmt.Errorf("scan shard %d: %w", shard, err)
		}
		if err := pauses.Wait(ctx); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("scan shard %d: torn %d times: %w", shard, scanTries, ErrNotReady)
}

// scan reads meta, blocks, dictionaries, meta. The dictionaries come after the blocks, so that no code in them is newer
// than its meaning.
func (s *Store) scan(ctx context.Context, shard int, want *Want) (*View, error) {
	before, err := s.ReadMeta(ctx, shard)
	if err != nil {
		return nil, err
	}
	if before == nil || !before.Ready {
		return nil, ErrNotReady
	}
	k := s.keys(shard)
	v := &View{Shard: shard, Meta: before, NumRows: before.Rows, Width: before.Width}
	if want.Into != nil {
		v.buffer = want.Into.buffer
	}
	if err := s.scanRows(ctx, k, v); err != nil {
		return nil, err
	}
	if want.Into != nil {
		want.Into.buffer = v.buffer
	}
	if err := s.scanWanted(ctx, k, v, want); err != nil {
		return nil, err
	}
	d, err := s.readFields(ctx, k)
	if err != nil {
		return nil, err
	}
	after, err := s.ReadMeta(ctx, shard)
	if err != nil {
		return nil, err
	}
	if !before.sameLife(after) || !d.fit(v.Width) {
		return nil, errTorn
	}
	v.Fields, v.Unkept = d.columns(v.Width), d.unkept
	return v, nil
}

func (m *Meta) sameLife(after *Meta) bool {
	return after != nil && after.Ready && after.Token == m.Token && after.Incarnation == m.Incarnation && after.Width == m.Width
}

func (d *dictionaries) columns(width int) []format.Field {
	fields := make([]format.Field, len(d.fields))
	for position, f := range d.fields {
		fields[position] = format.Field{
			Name: f.Name, Code: codeAt(position), Number: -1, Values: d.texts[position], Overflow: f.Overflow, Version: 1,
		}
		if f.Number >= 0 {
			fields[position].Number = numberAt(width, f.Number)
		}
	}
	return fields
}

func (s *Store) scanRows(ctx context.Context, k keys, v *View) error {
	n := blocksOf(v.NumRows)
	names := make([]string, n)
	for b := range names {
		names[b] = k.ids(b)
	}
	lengths, err := s.lengths(ctx, names)
	if err != nil {
		return err
	}
	size := n * (BlockRows*v.Width + 2*spare)
	for b, length := range lengths {
		if length == 0 || length%BlockRows != 0 {
			return fmt.Errorf("%s has %d bytes: %w", names[b], length, errTorn)
		}
		size += int(length)
	}
	if cap(v.buffer) < size {
		v.buffer = make([]byte, size+size/16) // the next shard may be somewhat larger
	}
	rest := v.buffer[:cap(v.buffer)]
	room := func(length int) []byte {
		buffer := rest[: length+spare : length+spare]
		rest = rest[length+spare:]
		return buffer
	}
	blocks := make([]block, 0, 2*n)
	v.rows, v.ids = make([][]byte, n), make([][]byte, n)
	for b := range n {
		rows, ids := room(BlockRows*v.Width), room(int(lengths[b]))
		v.rows[b], v.ids[b] = rows[:len(rows)-spare], ids[:len(ids)-spare]
		blocks = append(blocks, block{k.rows(b), rows}, block{names[b], ids})
	}
	return s.readBlocks(ctx, blocks)
}

func (s *Store) scanWanted(ctx context.Context, k keys, v *View, want *Want) error {
	v.segments, v.published = map[string]*Segment{}, map[string]*Published{}
	for _, name := range want.Segments {
		of, known := v.Meta.Segments[name]
		if !known {
			continue
		}
		segment := &Segment{name: name, number: of.Number, gone: of.Gone, flips: of.Flips}
		v.segments[name] = segment
		if err := s.readChunks(ctx, k, segment, of.Chunks); err != nil {
			return err
		}
	}
	for _, expansion := range want.Expansions {
		of, known := v.Meta.published[expansion]
		if !known {
			continue
		}
		published := &Published{expansion: expansion}
		v.published[expansion] = published
		if err := s.readStates(ctx, k, published, of.Blocks); err != nil {
			return err
		}
	}
	return nil
}
