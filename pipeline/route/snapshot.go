package route

import (
	"context"
	"fmt"
	"slices"
	"time"

	"kindred/schemas"
	"kindred/schemas/wire"
)

const (
	snapshotTimeout = time.Hour // how long an open snapshot waits for its parts, by the records' timestamps
	recentSnapshots = 100       // how many ids of a segment's snapshots are remembered
)

// part notes that a part of a snapshot has come. The last one makes the snapshot count.
func (t *term) part(ctx context.Context, r *wire.Record, c *schemas.SegmentChange) error {
	if s := t.known[c.SegmentID]; s != nil {
		switch {
		case slices.Contains(s.Recent, c.Snapshot):
			return nil // a repetition: it has had its effect
		case slices.Contains(s.Dropped, c.Snapshot):
			return t.reject(ctx, r, &schemas.Malformed{Code: schemas.IncompleteSnapshot,
				Message: "a part of a snapshot that was dropped; publish all of it again, under another snapshot id"})
		case s.Open != nil && s.Open.Snapshot == c.Snapshot && s.Open.Parts != c.Parts:
			return t.reject(ctx, r, &schemas.Malformed{Code: schemas.WrongSchema,
				Message: fmt.Sprintf("a part of a snapshot in %d parts says that there are %d", s.Open.Parts, c.Parts)})
		case s.Open != nil && s.Open.Snapshot == c.Snapshot && slices.Contains(s.Open.Have, c.Part):
			return nil
		}
	}
	s := t.touch(c.SegmentID, r)
	if s.Open != nil && s.Open.Snapshot != c.Snapshot {
		if err := t.drop(ctx, s, "a newer one began"); err != nil {
			return err
		}
	}
	if s.Open == nil {
		s.Open = &schemas.OpenSnapshot{Snapshot: c.Snapshot, First: r.Offset, Parts: c.Parts, At: time.UnixMilli(r.Timestamp).UTC()}
		t.open[c.SegmentID] = s
	}
	at, _ := slices.BinarySearch(s.Open.Have, c.Part)
	s.Open.Have = slices.Insert(s.Open.Have, at, c.Part)
	if len(s.Open.Have) < s.Open.Parts {
		return nil
	}
	return t.complete(ctx, s, r.Offset+1)
}

// complete makes a snapshot count whose last part lies before end. It writes its members, then the changes that came since
// its first part, then the mark at which owners swap. All of it is read again from segment-changes; nothing was kept.
func (t *term) complete(ctx context.Context, s *segment, end int64) error {
	open := *s.Open
	starts, err := t.Reader.Starts(ctx, []wire.Position{{Topic: t.changes}})
	if err != nil {
		return err
	}
	if starts[0] > open.First {
		return t.drop(ctx, s, "its first parts were deleted before its last part came")
	}
	s.Number = open.First
	changes, err := t.rewriteMembers(ctx, s, end)
	if err == nil && changes > 0 {
		err = t.rewriteChanges(ctx, s, end, changes)
	}
	if err != nil {
		return fmt.Errorf("complete a snapshot that began at offset %d: %w", open.First, err)
	}
	t.close(s)
	s.Gone, s.LastSnapshot = false, open.Snapshot
	s.Recent = appendRecent(s.Recent, open.Snapshot)
	return t.writeMark(ctx, s)
}

// rewriteMembers writes the members of all parts of the open snapshot, each part once, and returns how many changes came
// between them. The segment takes the last name among these records.
func (t *term) rewriteMembers(ctx context.Context, s *segment, end int64) (changes int, err error) {
	seen := make(map[int]bool, s.Open.Parts)
	err = t.since(ctx, s, end, func(c *schemas.SegmentChange) error {
		switch {
		case c.Snapshot == "":
			changes++
		case c.Snapshot != s.Open.Snapshot || c.Parts != s.Open.Parts || seen[c.Part]:
			return nil
		default:
			seen[c.Part] = true
		}
		s.rename(c.Name)
		return t.writeMembers(ctx, s, c.Members, in)
	})
	if err == nil && len(seen) != s.Open.Parts {
		err = fmt.Errorf("%d of %d parts were there when they were read again", len(seen), s.Open.Parts)
	}
	return changes, err
}

// rewriteChanges writes the changes that came between the parts: they count after the snapshot.
func (t *term) rewriteChanges(ctx context.Context, s *segment, end int64, changes int) error {
	found := 0
	err := t.since(ctx, s, end, func(c *schemas.SegmentChange) error {
		if c.Snapshot != "" {
			return nil
		}
		found++
		return t.writeChange(ctx, s, c)
	})
	if err == nil && found != changes {
		err = fmt.Errorf("%d of %d changes were there when they were read again", found, changes)
	}
	return err
}

// since visits again the records about a segment, from the first part of its open snapshot to end, which is not included.
// What was malformed the first time is left out again.
func (t *term) since(ctx context.Context, s *segment, end int64, visit func(*schemas.SegmentChange) error) error {
	return wire.ReadTo(ctx, t.Reader, wire.Position{Topic: t.changes, Offset: s.Open.First}, end, func(r *wire.Record) error {
		if r.Value == nil || len(r.Key) > 0 && string(r.Key) != s.SegmentID {
			return nil
		}
		c, malformed := read(r)
		if malformed != nil || c.SegmentID != s.SegmentID {
			return nil
		}
		return visit(&c)
	})
}

// dropExpired drops the snapshots that have waited for too long at the time of a record.
func (t *term) dropExpired(ctx context.Context, r *wire.Record) error {
	var expired []string
	for id, s := range t.open {
		if r.Timestamp-s.Open.At.UnixMilli() > snapshotTimeout.Milliseconds() {
			expired = append(expired, id)
		}
	}
	slices.Sort(expired) // a map has no order
	for _, id := range expired {
		if err := t.drop(ctx, t.touch(id, r), "it waited for an hour"); err != nil {
			return err
		}
	}
	return nil
}

// drop gives up the open snapshot, which has had no effect. Its first part becomes a dead letter that says why.
func (t *term) drop(ctx context.Context, s *segment, why string) error {
	open := s.Open
	t.close(s)
	s.Dropped = appendRecent(s.Dropped, open.Snapshot)
	first := wire.Record{Offset: open.First, Timestamp: open.At.UnixMilli(), Key: []byte(s.SegmentID)} // in case it was deleted
	err := wire.ReadTo(ctx, t.Reader, wire.Position{Topic: t.changes, Offset: open.First}, open.First+1, func(r *wire.Record) error {
		first = *r
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the first part of a snapshot at offset %d: %w", open.First, err)
	}
	return t.reject(ctx, &first, &schemas.Malformed{Code: schemas.IncompleteSnapshot, Message: fmt.Sprintf(
		"%d of %d parts of the snapshot had come: %s", len(open.Have), open.Parts, why)})
}

func (t *term) close(s *segment) {
	s.Open = nil
	delete(t.open, s.SegmentID)
}

// appendRecent adds an id and drops the oldest ones beyond recentSnapshots.
func appendRecent(ids []string, id string) []string {
	return append(ids[max(0, len(ids)+1-recentSnapshots):], id)
}
