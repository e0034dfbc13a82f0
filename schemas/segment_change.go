package schemas

// SegmentChange is either a change (Added, Removed) or one part of a snapshot (Snapshot is then not empty).
type SegmentChange struct {
	SegmentID string   `json:"segmentId"`
	Name      string   `json:"name,omitempty"` // empty: as before, at first the id
	Added     []string `json:"added,omitzero"`
	Removed   []string `json:"removed,omitzero"` // applied after Added

	Snapshot string   `json:"snapshot,omitempty"` // names one snapshot for ever
	Part     int      `json:"part,omitempty"`     // 1..Parts
	Parts    int      `json:"parts,omitempty"`
	Members  []string `json:"members,omitzero"`
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
	for property := range s.properties("", "segmentId", "name", "added", "removed", "snapshot", "part", "parts", "members") {
		switch property {
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
		}
	}
	if err := s.endKnown(); err != nil {
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

// eitherOr demands that it is a change or a part of a snapshot, not both and not neither: an unknown shape that is taken for a
// part without members would empty the segment.
func (c *SegmentChange) eitherOr() error {
	const (
		aChange = `a change of a segment is {"added":["c-1"],"removed":["c-9"]}, with one of them or both, or {"name":"VIP customers"}`
		aPart   = `a part of a snapshot is {"snapshot":"s-8","part":1,"parts":3,"members":["c-1"]}`
	)
	changed := c.Added != nil || c.Removed != nil
	switch {
	case c.Snapshot == "" && (c.Part != 0 || c.Parts != 0 || c.Members != nil):
		return malformed(WrongSchema, "members, part and parts need a snapshot: "+aPart)
	case c.Snapshot == "" && !changed && c.Name == "":
		return malformed(WrongSchema, "it changes nothing: "+aChange+"; "+aPart)
	case c.Snapshot == "":
		return nil
	case changed:
		return malformed(WrongSchema, "a part of a snapshot has members, not added or removed: "+aPart)
	case c.Members == nil:
		return malformed(WrongSchema, "a part of a snapshot without members, which may be empty but must be there: "+aPart)
	case c.Part < 1 || c.Part > c.Parts:
		return malformed(WrongSchema, "a snapshot has parts, and part is one of them: "+aPart)
	}
	return nil
}
