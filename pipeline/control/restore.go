package control

import (
	"context"
	"fmt"

	"kindred/schemas"
	"kindred/schemas/wire"
)

// restore reads what earlier terms have decided, the segments as they are, and how far the inputs were decided on.
func (t *term) restore(ctx context.Context, group Group) error {
	if _, err := t.readAll(ctx, schemas.Expansions, t.learnExpansion); err != nil {
		return err
	}
	t.taken.allAdded()
	var err error
	if t.at[segmentsInput], err = t.readAll(ctx, schemas.Segments, func(r *wire.Record) error {
		return t.learnSegment(t.state.segments, r)
	}); err != nil {
		return err
	}
	for _, input := range []int{requestsInput, eventsInput} {
		if t.at[input], err = t.offset(ctx, group, input); err != nil {
			return err
		}
	}
	return nil
}

// learnExpansion takes in what an earlier term has decided about an expansion. A record that is not an expansion's changes
// nothing; one of a format that this build does not know is an error that wraps schemas.ErrFormat: passed over, it would let
// a request be decided wrongly.
func (t *term) learnExpansion(r *wire.Record) error {
	if err := schemas.CheckFormat(r.Headers); err != nil {
		return err
	}
	if r.Value == nil {
		return nil // only the record of a deletion removes an expansion
	}
	e := new(schemas.Expansion)
	if err := e.Decode(r.Key, r.Value); err != nil {
		t.Log.Warn("the record of an expansion cannot be read", "offset", r.Offset, "error", err)
		return nil
	}
	t.state.expansions[e.ExpansionID] = e
	t.taken.add(e.ExpansionID)
	return nil
}

// offset returns up to where earlier terms have decided on an input. The first term of all starts with the oldest record.
func (t *term) offset(ctx context.Context, group Group, input int) (int64, error) {
	offsets, err := group.Committed(ctx, t.topics[input], 0)
	if err != nil || offsets[0] >= 0 {
		return offsets[0], err
	}
	starts, err := t.Reader.Starts(ctx, []wire.Position{{Topic: t.topics[input]}})
	if err != nil {
		return 0, err
	}
	return starts[0], nil
}

// readAll visits all that a topic of one partition holds now, and returns where that ends. An error of visit comes back with
// the offset of the record.
func (c *Controller) readAll(ctx context.Context, name string, visit func(*wire.Record) error) (end int64, err error) {
	return wire.ReadAll(ctx, c.Reader, c.Prefix.Topic(name), func(r *wire.Record) error {
		if err := visit(r); err != nil {
			return fmt.Errorf("record at offset %d: %w", r.Offset, err)
		}
		return nil
	})
}
