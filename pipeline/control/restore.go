package control

import (
	"context"
	"errors"
	"fmt"

	"kindred/schemas"
	"kindred/schemas/wire"
)

// restore reads what earlier terms have decided, the segments as they are, and how far the inputs were decided on. The
// declarations of fields are read from their start beside the requests: only a run that learns waits for them.
func (t *term) restore(ctx context.Context, group Group) error {
	if _, err := t.readAll(ctx, schemas.Expansions, t.learnExpansion); err != nil {
		return err
	}
	t.taken.allAdded()
	if _, err := t.readAll(ctx, schemas.Settings, t.state.refused.learn); err != nil {
		return err
	}
	var err error
	if t.at[segmentsInput], err = t.readAll(ctx, schemas.Segments, t.state.learnSegment); err != nil {
		return err
	}
	for _, input := range []int{requestsInput, eventsInput} {
		if t.at[input], err = t.offset(ctx, group, input); err != nil {
			return err
		}
	}
	t.sure = t.at[requestsInput]
	t.told, err = t.offset(ctx, group, fieldsInput)
	return err
}

// learnExpansion takes in what an earlier term has decided about an expansion. A record of a format that this build does not
// know is an error that wraps schemas.ErrFormat: passed over, it would let a request be decided wrongly. One that cannot be
// read makes that expansion unreadable, and concerns nothing else: no request of it is carried out, since nobody knows its
// epoch.
func (t *term) learnExpansion(r *wire.Record) error {
	if err := schemas.CheckFormat(r.Headers, schemas.DefinitionFormat); err != nil {
		return err
	}
	id := string(r.Key)
	if r.Value == nil {
		if e := t.state.expansions[id]; e != nil && e.Uncommitted {
			delete(t.state.expansions, id)
			t.taken.remove(id)
		}
		return nil // of what was committed, only the record of a deletion removes it
	}
	delete(t.state.expansions, id)
	delete(t.state.unreadableExpansions, id)
	t.taken.add(id)
	e := new(schemas.Expansion)
	if err := e.Decode(r.Key, r.Value); err != nil {
		why := unreadable("expansion", id, schemas.Expansions, r.Offset, err,
			"publish its last record that could be read again, with the same key, and restart the process that has the role control")
		t.Log.Error(why.Message, "hint", why.Hint)
		t.state.unreadableExpansions[id] = why
		return nil
	}
	t.state.expansions[id] = e
	return nil
}

// unreadable refuses what depends on a record that cannot be read.
func unreadable(what, id, topic string, offset int64, err error, hint string) *schemas.RunError {
	return schemas.Refuse(schemas.CodeInternal, hint, "the record of %s %.200s cannot be read (%s, offset %d): %v", what, id, topic, offset, err)
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
// the offset of the record. What cannot be read is an error unless it has a key: nobody knows then what it decides.
func (c *Controller) readAll(ctx context.Context, name string, visit func(*wire.Record) error) (end int64, err error) {
	topic := c.Prefix.Topic(name)
	ends, err := c.Reader.Ends(ctx, []wire.Position{{Topic: topic}})
	if err != nil {
		return 0, fmt.Errorf("find the end of %s: %w", topic, err)
	}
	at := func(r *wire.Record) error {
		if err := visit(r); err != nil {
			return fmt.Errorf("record at offset %d: %w", r.Offset, err)
		}
		return nil
	}
	return ends[0], wire.ReadReadable(ctx, c.Reader, wire.Position{Topic: topic}, ends[0], at, func(d *wire.Damage) error { return visitDamaged(d, at) })
}

// visitDamaged hands a record of our own that is oversize to its visitor, which finds that its value cannot be read. What has
// no key is an error.
func visitDamaged(d *wire.Damage, visit func(*wire.Record) error) error {
	if !errors.Is(d, wire.ErrOversize) || len(d.Record.Key) == 0 {
		return fmt.Errorf("records that decide are lost (restore the topic from a backup): %w", d)
	}
	r := d.Record
	r.Value = []byte{} // not a tombstone
	return visit(&r)
}
