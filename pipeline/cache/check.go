package cache

import (
	"context"
	"fmt"
)

// Shape is which keys a cache must have, and how long the value of each is: bytes of a string, fields of a hash.
type Shape struct {
	keys    []string // the strings first
	lengths []int64
	strings int // how many of them are strings
}

// Shape returns the shape that the cache has once the Snapshot made last is stored. Call it right after that Snapshot.
func (s *Store) Shape(m *Mirror) *Shape {
	shape, k := new(Shape), s.keys(m.number)
	add := func(key string, block []byte) {
		if block != nil {
			shape.keys = append(shape.keys, key)
			shape.lengths = append(shape.lengths, int64(len(block)))
		}
	}
	for b, block := range m.rows.blocks {
		add(k.rows(b), block)
	}
	for b, block := range m.ids.blocks {
		add(k.ids(b), block)
	}
	for _, g := range m.segments {
		for c, chunk := range g.members.chunks.blocks {
			add(k.segment(g.name, c), chunk)
		}
	}
	for _, p := range m.published {
		for b, block := range p.states.blocks {
			add(k.published(p.expansion, b), block)
		}
	}
	for _, expansion := range m.Models() {
		add(k.model(expansion), m.models[expansion])
	}
	shape.strings = len(shape.keys)
	hash := func(key string, fields int) {
		shape.keys = append(shape.keys, key)
		shape.lengths = append(shape.lengths, int64(fields))
	}
	hash(k.fields(), len(m.columns)+1) // with those that are not kept
	for position, c := range m.columns {
		hash(k.dict(position), c.size())
	}
	return shape
}

// Check looks whether Redis has dropped anything of a cache, which it does when it is short of memory and allowed to: then
// it returns ErrLost. It must not run beside an Exec.
func (w *Writer) Check(ctx context.Context, shape *Shape) error {
	lengths, err := w.store.lengths(ctx, shape.keys, shape.strings)
	if err != nil {
		return fmt.Errorf("check shard %d: %w", w.shard, err)
	}
	for i, length := range lengths {
		if length != shape.lengths[i] {
			return fmt.Errorf("%s has a length of %d instead of %d: %w", shape.keys[i], length, shape.lengths[i], ErrLost)
		}
	}
	return nil
}
