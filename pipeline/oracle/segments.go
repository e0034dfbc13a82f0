package oracle

import (
	"maps"
	"slices"
	"time"

	"kindred/schemas"
	"kindred/schemas/wire"
)

// segment is a segment as segment-changes have it.
type segment struct {
	members map[string]bool
	gone    bool                 // the members stay, but the next change starts from none
	done    map[string]*snapshot // all snapshots that counted, by id
	dropped []string             // ids of the last snapshots that were dropped, oldest first
	open    *snapshot            // nil: none
}

// snapshot is one of which some parts are missing.
type snapshot struct {
	id       string
	begin    int64            // ms: timestamp of the first part
	parts    int              // how many there must be
	received map[int][]string // members by part
	changes  []schemas.SegmentChange
}

const (
	snapshotTimeout = int64(time.Hour / time.Millisecond)
	recentSnapshots = 100 // ids of dropped ones that are remembered of each segment

	lastTime = int64(253402300799000) // ms: the end of the year 9999. A producer may have given any number
)

// change takes in a record of segment-changes.
func (o *Oracle) change(r *wire.Record) error {
	var c schemas.SegmentChange
	gone, err := schemas.Read(r, c.Decode)
	if err != nil {
		return err
	}
	if gone {
		return o.gone(r)
	}
	if o.segments == nil {
		o.segments = map[string]*segment{}
	}
	s := o.segments[c.SegmentID]
	if s == nil {
		s = &segment{members: map[string]bool{}}
		o.segments[c.SegmentID] = s
	}
	if c.Snapshot != "" {
		if o.givenUp[c.SegmentID+"/"+c.Snapshot] {
			return nil
		}
		return s.part(&c, min(max(r.Timestamp, 0), lastTime))
	}
	if s.gone {
		s.gone, s.members = false, map[string]bool{}
	}
	apply(s.members, &c)
	if s.open != nil {
		s.open.changes = append(s.open.changes, c)
	}
	return nil
}

// remembered takes in a record of segments. Only the router knows how much time really passed while nothing came of a
// snapshot; what it dropped for that reason, too, stands there.
func (o *Oracle) remembered(r *wire.Record) error {
	if r.Value == nil {
		return nil
	}
	var s schemas.Segment
	if err := s.Decode(r.Key, r.Value); err != nil {
		return err
	}
	if o.givenUp == nil {
		o.givenUp = map[string]bool{}
	}
	for _, snapshot := range s.Dropped {
		o.givenUp[s.SegmentID+"/"+snapshot] = true
	}
	return nil
}

// gone takes in a tombstone. The members stay as they are; an open snapshot is dropped.
func (o *Oracle) gone(r *wire.Record) error {
	if err := schemas.ValidSegmentID(string(r.Key)); err != nil {
		return err
	}
	if s := o.segments[string(r.Key)]; s != nil && !s.gone {
		s.gone = true
		s.drop()
	}
	return nil
}

// apply adds and removes the members of a change.
func apply(members map[string]bool, c *schemas.SegmentChange) {
	for _, customer := range c.Added {
		members[customer] = true
	}
	for _, customer := range c.Removed {
		delete(members, customer)
	}
}

// part takes in a part of a snapshot. With the last one the snapshot replaces the members; the changes that have come since
// its first part are applied after it.
func (s *segment) part(c *schemas.SegmentChange, at int64) error {
	if s.open != nil && s.open.id == c.Snapshot && at-s.open.begin > snapshotTimeout {
		s.drop() // by its own clock; that of others says nothing about it
	}
	if done := s.done[c.Snapshot]; done != nil {
		return done.repeated(c) // the snapshot has counted already
	}
	if slices.Contains(s.dropped, c.Snapshot) {
		return &schemas.Malformed{Code: schemas.IncompleteSnapshot, Message: "the snapshot was dropped"}
	}
	if s.open != nil && s.open.id != c.Snapshot {
		s.drop()
	}
	if s.open == nil {
		s.open = &snapshot{id: c.Snapshot, begin: at, parts: c.Parts, received: map[int][]string{}}
	}
	if s.open.parts != c.Parts {
		return &schemas.Malformed{Code: schemas.WrongSchema, Message: "another number of parts than before"}
	}
	if _, again := s.open.received[c.Part]; again {
		return s.open.repeated(c)
	}
	s.open.received[c.Part] = c.Members
	if len(s.open.received) == s.open.parts {
		s.complete()
	}
	return nil
}

// repeated takes in a part of which one has come already: it must have the same members.
func (s *snapshot) repeated(c *schemas.SegmentChange) error {
	set := func(members []string) []string { return slices.Compact(slices.Sorted(slices.Values(members))) }
	if c.Parts != s.parts || !slices.Equal(set(c.Members), set(s.received[c.Part])) {
		return &schemas.Malformed{Code: schemas.SnapshotReused, Message: "the snapshot id has named other members"}
	}
	return nil
}

// complete makes the open snapshot count.
func (s *segment) complete() {
	s.members = map[string]bool{}
	for _, members := range s.open.received {
		for _, customer := range members {
			s.members[customer] = true
		}
	}
	for i := range s.open.changes {
		apply(s.members, &s.open.changes[i])
	}
	if s.done == nil {
		s.done = map[string]*snapshot{}
	}
	s.done[s.open.id] = s.open
	s.gone, s.open = false, nil
}

// drop drops the open snapshot, if there is one.
func (s *segment) drop() {
	if s.open != nil {
		s.dropped = remember(s.dropped, s.open.id)
		s.open = nil
	}
}

// remember adds an id to those of recent snapshots.
func remember(ids []string, id string) []string {
	ids = append(ids, id)
	if len(ids) > recentSnapshots {
		ids = ids[1:]
	}
	return ids
}

// Segment returns the members of a segment, from segment-changes; nil when it is not known.
func (o *Oracle) Segment(id string) map[string]bool {
	if s := o.segments[id]; s != nil {
		return maps.Clone(s.members)
	}
	return nil
}
