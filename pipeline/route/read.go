package route

import (
	"context"
	"errors"

	"kindred/schemas"
	"kindred/schemas/wire"
)

// read decodes a record of segment-changes. gone: it is a tombstone, and only the id is set. The result depends on nothing but the
// record, so that a record that is read again says the same.
func read(r *wire.Record) (change schemas.SegmentChange, gone bool, malformed *schemas.Malformed) {
	defer func() {
		if recover() != nil {
			malformed = &schemas.Malformed{Code: schemas.HandlerPanic, Message: "the record stopped its handler"}
		}
	}()
	gone, err := schemas.Read(r, change.Decode)
	if gone {
		change = schemas.SegmentChange{SegmentID: string(r.Key)}
		err = schemas.ValidSegmentID(change.SegmentID)
	}
	return change, gone, asMalformed(err)
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
	at := wire.Position{Topic: t.changes, Offset: from}
	return wire.ReadReadable(ctx, t.Reader, at, to, visit, func(*wire.Damage) error { return nil })
}
