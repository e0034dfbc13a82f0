package route

import (
	"context"
	"errors"
	"fmt"

	"kindred/schemas"
	"kindred/schemas/wire"
)

// read decodes a record of segment-changes. Of a tombstone only the id is set. The result depends on nothing but the
// record, so that a record that is read again says the same.
func read(r *wire.Record) (change schemas.SegmentChange, malformed *schemas.Malformed) {
	defer func() {
		if recover() != nil {
			malformed = &schemas.Malformed{Code: schemas.HandlerPanic, Message: "the record stopped its handler"}
		}
	}()
	if r.Value == nil {
		change.SegmentID = string(r.Key)
		return change, asMalformed(schemas.ValidSegmentID(change.SegmentID))
	}
	value, err := schemas.Payload(r.Headers, r.Value)
	if err == nil {
		err = change.Decode(r.Key, value)
	}
	return change, asMalformed(err)
}

// asMalformed returns the dead letter's reason for an error of a decoder.
func asMalformed(err error) *schemas.Malformed {
	var malformed *schemas.Malformed
	switch {
	case err == nil:
		return nil
	case errors.As(err, &malformed):
		return malformed
	}
	return &schemas.Malformed{Code: schemas.WrongSchema, Message: err.Error()}
}

// readAgain visits the records of segment-changes from one offset up to another, which is not included. What was deleted, or
// cannot be read, is passed over: whoever calls it looks whether all was there that should have been.
func (t *term) readAgain(ctx context.Context, from, to int64, visit func(*wire.Record) error) error {
	for from < to {
		at := wire.Position{Topic: t.changes, Offset: from}
		fetched, err := t.Reader.Fetch(ctx, []wire.Position{at}, longPoll)
		if err != nil {
			return fmt.Errorf("read %s at offset %d: %w", t.changes, from, err)
		}
		for i := range fetched {
			f := &fetched[i]
			from, err = wire.EachReadable(ctx, t.Reader, f, func(r *wire.Record) error {
				if r.Offset >= to {
					return nil // in the same batch
				}
				return visit(r)
			}, func(*wire.Damage) error { return nil })
			if err == nil {
				at.Offset = to
				err = at.Reaches(f.HighWatermark)
			}
			if err != nil {
				return fmt.Errorf("read %s at offset %d: %w", t.changes, from, err)
			}
		}
	}
	return nil
}
