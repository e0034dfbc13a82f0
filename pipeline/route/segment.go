package route

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"kindred/schemas"
	"kindred/schemas/wire"
)

// segment is what the router remembers of a segment. It does not know who the members are.
type segment struct {
	schemas.Segment
	touched bool      // since the last commit
	cause   string    // of the event that is written then: what touched it last
	at      time.Time // when that was, by its record

	contents map[int]content // of the parts of the open snapshot, by number; nil: nobody has asked for them in this term
	waiting  time.Time       // since when nothing has come of the open snapshot, by this term's clock
}

// touch returns a segment that a record changes, a new one if it is not known. It is written with the next commit.
func (t *term) touch(id string, r *wire.Record) *segment {
	s := t.known[id]
	if s == nil {
		s = &segment{Segment: schemas.Segment{SegmentID: id, Name: id, Recent: []string{}}}
		t.known[id] = s
	}
	s.TopicID = t.TopicID
	t.touchFor(s, strconv.FormatInt(r.Offset, 10), timeOf(r))
	return s
}

func (t *term) touchFor(s *segment, cause string, at time.Time) {
	if !s.touched {
		s.touched = true
		t.touched = append(t.touched, s)
	}
	s.cause, s.at = cause, at
}

// timeOf returns a record's timestamp. A producer may have given any number; what is no time of four-digit years, which JSON
// demands, is the beginning or the end of those.
func timeOf(r *wire.Record) time.Time {
	last := time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	return time.UnixMilli(min(max(r.Timestamp, 0), last.UnixMilli())).UTC()
}

func (s *segment) rename(name string) {
	if name != "" {
		s.Name = name
	}
}

// isPast reports whether a record is read again, as after the group's offsets were reset, and something that came later has
// replaced what it did.
func (s *segment) isPast(r *wire.Record) bool { return s != nil && r.Offset < s.Since }

// forgetOtherTopics forgets what is remembered of a segment-changes that was deleted and made anew since: its offsets, its
// snapshots that were not complete, and that a snapshot's id was used. Earlier builds did not write the topic's id.
func (t *term) forgetOtherTopics() {
	for id, s := range t.known {
		if s.TopicID == t.TopicID {
			continue
		}
		s.Since = 0
		if s.TopicID == "" || t.TopicID == "" {
			continue
		}
		if s.Open != nil {
			t.Log.Warn("a snapshot is given up: its first parts were in a topic that was deleted", "segment", id, "snapshot", s.Open.Snapshot,
				"try", "publish all of it again")
		}
		t.close(s)
		s.Recent, s.Used, s.Dropped = []string{}, nil, nil
	}
}

// change takes customers in and out without waiting for anything. A segment that was gone starts anew from empty.
func (t *term) change(ctx context.Context, r *wire.Record, c *schemas.SegmentChange) error {
	s := t.known[c.SegmentID]
	if s.isPast(r) {
		return nil
	}
	if s == nil || s.Gone || c.Name != "" && c.Name != s.Name {
		s = t.touch(c.SegmentID, r)
		s.rename(c.Name)
	}
	if !s.Gone {
		return t.writeChange(ctx, s, c)
	}
	s.Gone, s.Since = false, r.Offset
	s.Number++ // below the offset of every snapshot that began after the segment went
	if err := t.writeChange(ctx, s, c); err != nil {
		return err
	}
	t.writeMark(s)
	return nil
}

// gone marks a segment as deleted upstream. Its members stay as they are; only the next change starts from empty.
func (t *term) gone(ctx context.Context, r *wire.Record, id string) error {
	s := t.known[id]
	if s == nil || s.Gone || s.isPast(r) {
		return nil
	}
	t.touch(id, r)
	if s.Open != nil {
		if err := t.drop(ctx, s, "the segment was gone before its last part came"); err != nil {
			return err
		}
	}
	s.Gone, s.Since = true, r.Offset
	t.writeMark(s)
	return nil
}

// remember reads what earlier terms have written to the topic segments. A record that cannot be read concerns its segment alone:
// nobody knows which number counts, so its changes become dead letters until the record is mended. A batch that cannot be read
// is an error, since nobody knows which segments it is about.
func (t *term) remember(ctx context.Context) error {
	t.known, t.open, t.spoilt = map[string]*segment{}, map[string]*segment{}, map[string]string{}
	_, err := wire.ReadAll(ctx, t.Reader, t.segments, func(r *wire.Record) error {
		if err := schemas.CheckFormat(r.Headers); err != nil {
			return fmt.Errorf("at offset %d: %w", r.Offset, err)
		}
		delete(t.spoilt, string(r.Key))
		if r.Value == nil { // written by hand, to have the segment forgotten
			delete(t.known, string(r.Key))
			delete(t.open, string(r.Key))
			return nil
		}
		s := new(segment)
		if err := s.Decode(r.Key, r.Value); err != nil {
			t.spoil(string(r.Key), r.Offset, err)
			return nil
		}
		t.known[s.SegmentID] = s
		s.Used = withRecent(s.Used, s.Recent)
		if s.Open != nil {
			t.open[s.SegmentID] = s
			s.waiting = t.now()
		} else {
			delete(t.open, s.SegmentID)
		}
		return nil
	})
	return err
}

// spoil notes that a record of segments cannot be read.
func (t *term) spoil(id string, offset int64, err error) {
	delete(t.known, id)
	delete(t.open, id)
	why := fmt.Sprintf("the record of the segment cannot be read (%s, offset %d): %v", t.segments, offset, err)
	t.spoilt[id] = why
	t.Log.Error("changes of a segment become dead letters: its record cannot be read", "segment", id, "error", why,
		"try", "publish its last record that could be read again, restart the process that has the role control, then load the segment anew")
}
