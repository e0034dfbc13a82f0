package cache

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"kindred/schemas/retry"
)

const scanTries = 10

// Scan reads a shard's whole cache. Everything it returns is of one incarnation of the cache and of one owner: when the
// owner has changed or its rows were laid out anew meanwhile, or anything is missing or unknown, it reads again. ErrNotReady: there
// is nothing whole to be read now. ErrOtherRows: those to be kept are not the shard's any more.
func (s *Store) Scan(ctx context.Context, shard int, want Want) (*View, error) {
	var view *View
	err := s.untorn(ctx, func() (err error) {
		view, err = s.scan(ctx, shard, &want)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("scan shard %d: %w", shard, err)
	}
	return view, nil
}

// untorn reads again what did not fit together.
func (s *Store) untorn(ctx context.Context, read func() error) error {
	pauses := retry.Backoff{First: 20 * time.Millisecond, Last: 200 * time.Millisecond}
	for range scanTries {
		if err := read(); !errors.Is(err, errTorn) {
			return err
		}
		if err := pauses.Wait(ctx); err != nil {
			return err
		}
	}
	return fmt.Errorf("torn %d times: %w", scanTries, ErrNotReady)
}

// scan reads meta, blocks, dictionaries, meta. The dictionaries come after the blocks, so that no code in them is newer
// than its meaning. Where a view is kept, it reads meta, what is wanted beside the rows, meta.
func (s *Store) scan(ctx context.Context, shard int, want *Want) (*View, error) {
	before, err := s.ReadMeta(ctx, shard)
	if err != nil {
		return nil, err
	}
	if before == nil || !before.Ready {
		return nil, ErrNotReady
	}
	k := s.keys(shard)
	v := &View{Shard: shard, Meta: before, NumRows: before.Rows, Width: before.Width, bare: want.Bare}
	if want.Keep != nil {
		if !want.Keep.holds(shard, before) || want.Keep.bare != want.Bare {
			return nil, ErrOtherRows
		}
		return v, s.scanKept(ctx, k, v, want)
	}
	if want.Into != nil {
		v.buffer = want.Into.buffer
		want.Into.rows, want.Into.ids = nil, nil // they are written over
	}
	if err := s.scanRows(ctx, k, v, want.Bare); err != nil {
		return nil, err
	}
	if want.Into != nil {
		want.Into.buffer = v.buffer
	}
	if err := s.scanWanted(ctx, k, v, want); err != nil {
		return nil, err
	}
	d, after, err := s.readWhole(ctx, k, shard, before)
	if err != nil {
		return nil, err
	}
	v.After = after
	v.Fields, v.Unkept = d.formats(v.Width), d.unkept
	return v, nil
}

// scanKept takes over the rows of an earlier view, which are those of a meta, and reads what is wanted beside them.
func (s *Store) scanKept(ctx context.Context, k keys, v *View, want *Want) (err error) {
	of := want.Keep
	v.Kept, v.buffer, v.rows, v.ids, v.Fields, v.Unkept = true, of.buffer, of.rows, of.ids, of.Fields, of.Unkept
	if err = s.scanWanted(ctx, k, v, want); err != nil {
		return err
	}
	if v.After, err = s.ReadMeta(ctx, v.Shard); err == nil && !v.Meta.sameRows(v.After) {
		err = errTorn
	}
	return err
}

// holds reports whether a view holds the rows, ids and fields that a shard's meta is of: what was read into it is all of one
// revision.
func (v *View) holds(shard int, m *Meta) bool {
	return v.rows != nil && v.Shard == shard && v.Meta.sameRows(v.After) && v.After.sameRows(m)
}

// sameRows reports whether nothing has changed of rows, ids, fields and dictionaries from one meta of a shard to another.
func (m *Meta) sameRows(other *Meta) bool {
	return m.fitsTo(other) && m.Revision == other.Revision && m.Revision > 0
}

// readWhole reads the fields of rows that were read after a meta, and a meta after that, and finds out whether all of it fits
// together.
func (s *Store) readWhole(ctx context.Context, k keys, shard int, before *Meta) (d *dictionaries, after *Meta, err error) {
	if d, err = s.readFields(ctx, k); err != nil {
		return nil, nil, err
	}
	if after, err = s.ReadMeta(ctx, shard); err != nil {
		return nil, nil, err
	}
	if !before.fitsTo(after) || !d.fit(before.Width) || d.whole(before) != nil && d.whole(after) != nil {
		return nil, nil, errTorn
	}
	return d, after, nil
}

// fitsTo reports whether what was read between two metas is of one incarnation, one owner and one width of rows, whose codes
// mean the same.
func (m *Meta) fitsTo(after *Meta) bool {
	return after != nil && after.Ready && after.Token == m.Token && after.Incarnation == m.Incarnation && after.Width == m.Width &&
		after.forms == m.forms
}

// scanRows reads rows and ids into the view's buffer, which it makes when it is too small. bare: it reads the ids only.
func (s *Store) scanRows(ctx context.Context, k keys, v *View, bare bool) error {
	lengths, err := s.idLengths(ctx, k, blocksOf(v.NumRows))
	if err != nil {
		return err
	}
	width := v.Width
	if bare {
		width = 0
	}
	size := len(lengths) * (BlockRows*width + 2*spare)
	for _, length := range lengths {
		size += int(length)
	}
	if cap(v.buffer) < size {
		v.buffer = make([]byte, size+size/16) // the next shard may be somewhat larger
	}
	rest := v.buffer[:cap(v.buffer)]
	take := func(bytes int) []byte {
		buffer := rest[:bytes:bytes]
		rest = rest[bytes:]
		return buffer
	}
	v.rows, v.ids, err = s.readRows(ctx, k, width, lengths, take)
	return err
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
	for _, expansion := range append(slices.Clone(want.Expansions), want.Derived...) {
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
	for _, expansion := range want.Derived {
		published := v.published[expansion]
		if n := published.Unknown(); n > 0 { // the owner is about to answer it
			return fmt.Errorf("the states of %d customers in %s are unknown: %w", n, expansion, errTorn)
		}
		v.segments[expansion] = published.segment()
	}
	if _, known := v.Meta.models[want.Model]; known {
		var err error
		if v.model, err = s.Redis.Get(ctx, k.model(want.Model)).Bytes(); err != nil && !errors.Is(err, redis.Nil) {
			return err
		}
	}
	return nil
}
