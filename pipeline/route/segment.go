package route

import (
	"context"

	"kindred/schemas"
	"kindred/schemas/wire"
)

// segment is what the router must know of a segment. Who its members are it does not.
type segment struct {
	schemas.Segment
	touched bool  // in this batch
	offset  int64 // of the record that touched it last
	at      int64 // ms: that record's timestamp
}

// touch finds or begins a segment that a record changes. It will be remembered at the end of the batch.
func (l *life) touch(id string, r *wire.Record) *segment {
	s := l.known[id]
	if s == nil {
		s = &segment{Segment: schemas.Segment{SegmentID: id, Name: id, Recent: []string{}}}
		l.known[id] = s
	}
	if !s.touched {
		s.touched = true
		l.touched = append(l.touched, s)
	}
	s.offset, s.at = r.Offset, r.Timestamp
	return s
}

func (s *segment) rename(name string) {
	if name != "" {
		s.Name = name
	}
}

// change takes customers in and out at once. A segment that was gone starts anew from empty.
func (l *life) change(ctx context.Context, r *wire.Record, c *schemas.SegmentChange) error {
	s := l.known[c.SegmentID]
	if s == nil || s.Gone || c.Name != "" && c.Name != s.Name {
		s = l.touch(c.SegmentID, r)
		s.rename(c.Name)
	}
	if !s.Gone {
		return l.writeChange(ctx, s, c)
	}
	s.Gone = false
	s.Number++ // below the offset of every snapshot that began after the segment went
	if err := l.writeChange(ctx, s, c); err != nil {
		return err
	}
	return l.writeMark(ctx, s)
}

// gone marks a segment. Its members stay as they are; only the next change begins from empty.
func (l *life) gone(ctx context.Context, r *wire.Record, id string) error {
	s := l.known[id]
	if s == nil || s.Gone {
		return nil
	}
	l.touch(id, r)
	if s.Open != nil {
		if err := l.drop(ctx, s, "the segment was gone before its last part came"); err != nil {
			return err
		}
	}
	s.Gone = true
	return l.writeMark(ctx, s)
}
