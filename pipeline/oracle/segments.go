package oracle

import (
	"maps"
	"slices"
	"time"

	"kindred/schemas"
	"kindred/schemas/wire"
)

// segment is what segment-changes have said of a segment.
type segment struct {
	members map[string]bool
	gone    bool     // the members stay; what comes next begins from none
	done    []string // ids of the snapshots that counted last, oldest first
	dropped []string // ids of the snapshots that were given up last
	open    *snapshot
}

// snapshot is one whose parts have not all come.
type snapshot struct {
	id      string
	begin   int64 // ms: timestamp of the first part
	parts   int
	come    map[int][]string // members by part
	changes []schemas.SegmentChange
}

const (
	waits      = int64(time.Hour / time.Millisecond)
	remembered = 100 // ids of snapshots
)

// change takes in a record of segment-changes.
func (o *Oracle) change(r *wire.Record) error {
	for _, s := range o.segments {
		if s.open != nil && r.Timestamp-s.open.begin > waits {
			s.drop()
		}
	}
	if r.Value == nil {
		return o.gone(r)
	}
	value, err := schemas.Payload(r.Headers, r.Value)
	if err != nil {
		return err
	}
	var c schemas.SegmentChange
	if err := c.Decode(r.Key, value); err != nil {
		return err
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
		return s.part(&c, r.Timestamp)
	}
	if s.gone {
		s.gone, s.members = false, map[string]bool{}
	}
	move(s.members, &c)
	if s.open != nil {
		s.open.changes = append(s.open.changes, c)
	}
	return nil
}

// gone leaves the members as they are. A snapshot that was under way is given up.
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

func move(members map[string]bool, c *schemas.SegmentChange) {
	for _, customer := range c.Added {
		members[customer] = true
	}
	for _, customer := range c.Removed {
		delete(members, customer)
	}
}

// part takes in a part of a snapshot. The last one puts the snapshot, and after it the changes that have come since
// its first part, in the place of the members.
func (s *segment) part(c *schemas.SegmentChange, at int64) error {
	if slices.Contains(s.done, c.Snapshot) {
		return nil // it has counted
	}
	if slices.Contains(s.dropped, c.Snapshot) {
		return &schemas.Malformed{Code: schemas.IncompleteSnapshot, Message: "the snapshot was given up"}
	}
	if s.open != nil && s.open.id != c.Snapshot {
		s.drop()
	}
	if s.open == nil {
		s.open = &snapshot{id: c.Snapshot, begin: at, parts: c.Parts, come: map[int][]string{}}
	}
	if s.open.parts != c.Parts {
		return &schemas.Malformed{Code: schemas.WrongSchema, Message: "another number of parts than before"}
	}
	if _, again := s.open.come[c.Part]; !again {
		s.open.come[c.Part] = c.Members
	}
	if len(s.open.come) == s.open.parts {
		s.complete()
	}
	return nil
}

func (s *segment) complete() {
	s.members = map[string]bool{}
	for _, members := range s.open.come {
		for _, customer := range members {
			s.members[customer] = true
		}
	}
	for i := range s.open.changes {
		move(s.members, &s.open.changes[i])
	}
	s.done = remember(s.done, s.open.id)
	s.gone, s.open = false, nil
}

// drop gives up the snapshot that is under way, if one is.
func (s *segment) drop() {
	if s.open != nil {
		s.dropped = remember(s.dropped, s.open.id)
		s.open = nil
	}
}

func remember(ids []string, id string) []string {
	ids = append(ids, id)
	if len(ids) > remembered {
		ids = ids[1:]
	}
	return ids
}

// Segment gives the members of a segment as segment-changes tell; nil when it was never heard of.
func (o *Oracle) Segment(id string) map[string]bool {
	if s := o.segments[id]; s != nil {
		return maps.Clone(s.members)
	}
	return nil
}
