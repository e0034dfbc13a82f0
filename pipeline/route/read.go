package route

import (
	"context"
	"errors"
	"fmt"

	"kindred/schemas"
	"kindred/schemas/wire"
)

// read takes a record of segment-changes apart; of a tombstone only the id is there. It depends on nothing but the
// record, so that reading it again gives the same.
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
	if err == nil {
		err = memorable(&change)
	}
	return change, asMalformed(err)
}

const (
	longestSnapshot = 200  // bytes of a snapshot's id
	longestName     = 1000 // bytes of a segment's name
)

// memorable bounds what has to be remembered: all about a segment must fit into one record.
func memorable(c *schemas.SegmentChange) error {
	switch {
	case len(c.Snapshot) > longestSnapshot:
		return &schemas.Malformed{Code: schemas.WrongSchema, Message: fmt.Sprintf("a snapshot's id has more than %d bytes", longestSnapshot)}
	case len(c.Name) > longestName:
		return &schemas.Malformed{Code: schemas.WrongSchema, Message: fmt.Sprintf("a segment's name has more than %d bytes", longestName)}
	}
	return nil
}

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

// remember reads the topic segments to its end.
func (l *life) remember(ctx context.Context) error {
	l.known, l.open = map[string]*segment{}, map[string]*segment{}
	_, err := wire.ReadAll(ctx, l.Reader, l.segments, func(r *wire.Record) error {
		if r.Value == nil { // somebody wants it forgotten
			delete(l.known, string(r.Key))
			delete(l.open, string(r.Key))
			return nil
		}
		s := new(segment)
		if err := s.Decode(r.Key, r.Value); err != nil {
			return fmt.Errorf("at offset %d: %w", r.Offset, err)
		}
		l.known[s.SegmentID] = s
		if s.Open != nil {
			l.open[s.SegmentID] = s
		} else {
			delete(l.open, s.SegmentID)
		}
		return nil
	})
	return err
}
