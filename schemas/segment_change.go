package schemas

// SegmentChange is either a change (Added, Removed) or one part of a snapshot (Snapshot is then not empty).
type SegmentChange struct {
	SegmentID string   `json:"segmentId"`
	Name      string   `json:"name,omitempty"` // empty: as before, at first the id
	Added     []string `json:"added,omitempty"`
	Removed   []string `json:"removed,omitempty"` // applied after Added

	Snapshot string   `json:"snapshot,omitempty"` // names one snapshot for ever
	Part     int      `json:"part,omitempty"`     // 1..Parts
	Parts    int      `json:"parts,omitempty"`
	Members  []string `json:"members,omitempty"`
}

// These bound what must be remembered of a segment: it has to fit into one record.
const (
	longestSnapshot = 200  // bytes of a snapshot's id
	longestName     = 1000 // bytes of a segment's name
	mostParts       = 100000
)

// Decode reads a change of a segment or a part of a snapshot. The record's key names the segment.
func (c *SegmentChange) Decode(key, value []byte) error {
	*c = SegmentChange{}
	var s scanner
	s.startUpTo(value, largestList)
	for s.open('{'); s.more('}'); {
		switch string(s.newName()) {
		case "segmentId":
			c.SegmentID = s.segment()
		case "name":
			c.Name = s.atMost(longestName)
		case "added":
			c.Added = s.customers()
		case "removed":
			c.Removed = s.customers()
		case "snapshot":
			c.Snapshot = s.atMost(longestSnapshot)
			if c.Snapshot == "" {
				s.fail(WrongSchema, "a snapshot has no id")
			}
		case "part":
			c.Part = int(s.between(1, mostParts))
		case "parts":
			c.Parts = int(s.between(1, mostParts))
		case "members":
			c.Members = s.customers()
		default:
			s.skip()
		}
	}
	if err := s.end(); err != nil {
		return err
	}
	if err := decidedByKey(key, &c.SegmentID); err != nil {
		return err
	}
	if err := ValidSegmentID(c.SegmentID); err != nil {
		return err
	}
	return c.eitherOr()
}

// eitherOr demands that it is a change or a part of a snapshot, not both.
func (c *SegmentChange) eitherOr() error {
	if c.Snapshot == "" {
		if c.Part != 0 || c.Parts != 0 || c.Members != nil {
			return malformed(WrongSchema, "members, part and parts need a snapshot")
		}
		return nil
	}
	switch {
	case c.Added != nil || c.Removed != nil:
		return malformed(WrongSchema, "a part of a snapshot has members, not added or removed")
	case c.Part < 1 || c.Part > c.Parts:
		return malformed(WrongSchema, "a snapshot has parts, and part is one of them")
	}
	return nil
}
