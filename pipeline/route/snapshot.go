package route

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"kindred/schemas"
	"kindred/schemas/wire"
)

const (
	snapshotTimeout = time.Hour // between a snapshot's first and last part by their timestamps, or without any part by the clock
	recentSnapshots = 100       // how many ids of a segment's snapshots are remembered
)

// part notes that a part of a snapshot has come. The last one makes the snapshot count.
func (t *term) part(ctx context.Context, r *wire.Record, c *schemas.SegmentChange) error {
	s := t.known[c.SegmentID]
	if s.isPast(r) {
		return nil
	}
	if s != nil {
		if o := s.Open; o != nil && o.Snapshot == c.Snapshot && timeOf(r).Sub(o.At) > snapshotTimeout {
			if err := t.drop(ctx, t.touch(c.SegmentID, r), "there was an hour between its parts"); err != nil {
				return err
			}
		}
		switch same, known := repeats(s.Used, c); {
		case known && same:
			return nil // it has had its effect
		case known:
			t.reuse(r, c)
			return nil
		case slices.Contains(s.Dropped, c.Snapshot):
			t.reject(r, &schemas.Malformed{Code: schemas.IncompleteSnapshot,
				Message: "a part of a snapshot that was dropped; publish all of it again, under another snapshot id"})
			return nil
		case s.Open != nil && s.Open.Snapshot == c.Snapshot && s.Open.Parts != c.Parts:
			t.reject(r, &schemas.Malformed{Code: schemas.WrongSchema,
				Message: fmt.Sprintf("a part of a snapshot in %d parts says that there are %d", s.Open.Parts, c.Parts)})
			return nil
		case s.Open != nil && s.Open.Snapshot == c.Snapshot && slices.Contains(s.Open.Have, c.Part):
			if err := t.readContents(ctx, s, r.Offset); err != nil {
				return err
			}
			if s.contents[c.Part] != contentOf(c.Members) {
				t.reuse(r, c)
			}
			return nil
		}
	}
	open := schemas.OpenSnapshot{Snapshot: c.Snapshot, First: r.Offset, Parts: c.Parts, At: timeOf(r)}
	if s != nil && s.Open != nil && s.Open.Snapshot == c.Snapshot {
		open = *s.Open
	}
	last := len(open.Have)+1 == open.Parts
	var found survey
	if last { // before the segment is touched: what lies before this record may have to be committed first
		var err error
		if found, err = t.survey(ctx, c.SegmentID, &open, r.Offset+1); err != nil {
			return fmt.Errorf("look for the parts of a snapshot that began at offset %d: %w", open.First, err)
		}
		if err := t.makeRoom(ctx, r.Offset, found.customers, found.size); err != nil {
			return err
		}
	}
	s = t.touch(c.SegmentID, r)
	if s.Open != nil && s.Open.Snapshot != c.Snapshot {
		if err := t.drop(ctx, s, "a newer one began"); err != nil {
			return err
		}
	}
	at, _ := slices.BinarySearch(open.Have, c.Part)
	open.Have = slices.Insert(open.Have, at, c.Part)
	s.Open, s.waiting = &open, t.now()
	if s.contents != nil {
		s.contents[c.Part] = contentOf(c.Members)
	}
	t.open[c.SegmentID] = s
	if !last {
		return nil
	}
	return t.complete(ctx, s, r.Offset+1, found)
}

// survey is what is found of a snapshot before anything of it is written.
type survey struct {
	why       string // it cannot be completed; empty: it can
	changes   int    // that came between its parts
	name      string // the last one of the segment among these records
	customers int    // in all of these
	size      int    // bytes of their keys
	contents  map[int]content
}

// survey looks whether all parts of a snapshot can be read again, whose last part lies before end.
func (t *term) survey(ctx context.Context, id string, open *schemas.OpenSnapshot, end int64) (found survey, err error) {
	starts, err := t.Reader.Starts(ctx, []wire.Position{{Topic: t.changes}})
	if err != nil {
		return found, err
	}
	if starts[0] > open.First {
		found.why = "its first parts were deleted before its last part came"
		return found, nil
	}
	parts := distinctParts(open)
	found.contents = map[int]content{}
	err = t.since(ctx, id, open.First, end, func(c *schemas.SegmentChange) error {
		switch {
		case c.Snapshot == "":
			found.changes++
		case parts.first(c):
			found.contents[c.Part] = contentOf(c.Members)
		default:
			return nil
		}
		if c.Name != "" {
			found.name = c.Name
		}
		for _, customers := range [][]string{c.Members, c.Added, c.Removed} {
			found.customers += len(customers)
			for _, customer := range customers {
				found.size += len(id) + 1 + len(customer)
			}
		}
		return nil
	})
	if missing := parts.missing(); err == nil && missing > 0 {
		found.why = fmt.Sprintf("%d of them could not be read again", missing)
	}
	return found, err
}

// complete makes a snapshot count whose last part lies before end. It writes its members, then the changes that came since
// its first part, then the mark at which owners swap. All of it is read again from segment-changes; nothing was kept.
//
// Members of a number that no mark has made count have no effect, so they may be committed in pieces, and once more after a
// crash. The mark, the record of the segment and the offset are committed with the last piece.
func (t *term) complete(ctx context.Context, s *segment, end int64, found survey) error {
	open := *s.Open
	if found.why != "" {
		if err := t.drop(ctx, s, found.why); err != nil {
			return err
		}
		// Members may have been written before a crash, when the parts were still there. At the mark of the number that
		// counts already, owners let go of them.
		t.writeMark(s)
		return nil
	}
	s.rename(found.name)
	s.Number = max(open.First, s.Number+1) // offsets begin anew in a topic that does
	s.Since = open.First
	err := t.rewriteMembers(ctx, s, end)
	if err == nil && found.changes > 0 {
		err = t.rewriteChanges(ctx, s, end, found.changes)
	}
	if err != nil {
		return fmt.Errorf("complete a snapshot that began at offset %d: %w", open.First, err)
	}
	t.close(s)
	s.Gone, s.LastSnapshot = false, open.Snapshot
	s.Recent = appendRecent(s.Recent, open.Snapshot)
	s.Used = appendUsed(s.Used, &open, found.contents)
	t.writeMark(s)
	return nil
}

// rewriteMembers writes the members of all parts of the open snapshot, each part once.
func (t *term) rewriteMembers(ctx context.Context, s *segment, end int64) error {
	parts := distinctParts(s.Open)
	err := t.since(ctx, s.SegmentID, s.Open.First, end, func(c *schemas.SegmentChange) error {
		if !parts.first(c) {
			return nil
		}
		return t.writeMembers(ctx, s, c.Members, in)
	})
	if missing := parts.missing(); err == nil && missing > 0 {
		err = fmt.Errorf("%d parts were not there when they were read again", missing)
	}
	return err
}

// rewriteChanges writes the changes that came between the parts: they count after the snapshot.
func (t *term) rewriteChanges(ctx context.Context, s *segment, end int64, changes int) error {
	found := 0
	err := t.since(ctx, s.SegmentID, s.Open.First, end, func(c *schemas.SegmentChange) error {
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

// partsOf tells the parts of a snapshot from everything else, and from their repetitions.
type partsOf struct {
	*schemas.OpenSnapshot
	seen map[int]bool // at most Parts of them
}

func distinctParts(open *schemas.OpenSnapshot) partsOf { return partsOf{open, map[int]bool{}} }

// first reports whether c is a part of the snapshot that it has not been asked about before.
func (p partsOf) first(c *schemas.SegmentChange) bool {
	if c.Snapshot != p.Snapshot || c.Parts != p.Parts || p.seen[c.Part] {
		return false
	}
	p.seen[c.Part] = true
	return true
}

func (p partsOf) missing() int { return p.Parts - len(p.seen) }

// since visits again the records about a segment from one offset up to another, which is not included. What was malformed the
// first time is left out again.
func (t *term) since(ctx context.Context, id string, first, end int64, visit func(*schemas.SegmentChange) error) error {
	return t.readAgain(ctx, first, end, func(r *wire.Record) error {
		if r.Value == nil || len(r.Key) > 0 && string(r.Key) != id {
			return nil
		}
		c, gone, malformed := read(r)
		if gone || malformed != nil || c.SegmentID != id {
			return nil
		}
		return visit(&c)
	})
}

// giveUp drops the open snapshots of which nothing has come for too long. It is called when all that was in the topic at a time
// has been routed. The time that passed is that of this term's clock: those of producers may differ, or say when something
// happened that is published only now. It is decided once, since the drop stands in the topic segments.
func (t *term) giveUp(ctx context.Context, at time.Time) error {
	dropped := false
	for _, id := range slices.Sorted(maps.Keys(t.open)) { // a map has no order
		s := t.open[id]
		if at.Sub(s.waiting) <= snapshotTimeout {
			continue
		}
		t.touchFor(s, fmt.Sprintf("%d-dropped", s.Open.First), at)
		if err := t.drop(ctx, s, "no other part came for an hour"); err != nil {
			return err
		}
		if err := t.makeRoom(ctx, t.at, 0, 0); err != nil {
			return err
		}
		dropped = true
	}
	if !dropped {
		return nil
	}
	return t.commitBefore(ctx, t.at)
}

// drop gives up the open snapshot, which has had no effect. Its first part becomes a dead letter that says why.
func (t *term) drop(ctx context.Context, s *segment, why string) error {
	open := s.Open
	t.close(s)
	s.Dropped = appendRecent(s.Dropped, open.Snapshot)
	first := wire.Record{Offset: open.First, Timestamp: open.At.UnixMilli(), Key: []byte(s.SegmentID)} // in case it was deleted
	err := t.readAgain(ctx, open.First, open.First+1, func(r *wire.Record) error {
		first = r.Clone()
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the first part of a snapshot at offset %d: %w", open.First, err)
	}
	t.reject(&first, &schemas.Malformed{Code: schemas.IncompleteSnapshot, Message: fmt.Sprintf(
		"%d of %d parts of the snapshot had come: %s", len(open.Have), open.Parts, why)})
	return nil
}

func (t *term) close(s *segment) {
	s.Open, s.contents = nil, nil
	delete(t.open, s.SegmentID)
}

// appendRecent adds an id and drops the oldest ones beyond recentSnapshots.
func appendRecent(ids []string, id string) []string {
	return append(ids[max(0, len(ids)+1-recentSnapshots):], id)
}
