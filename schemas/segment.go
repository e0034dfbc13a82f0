package schemas

import "time"

// Segment is the router's record of one segment.
type Segment struct {
	SegmentID    string   `json:"segmentId"`
	Name         string   `json:"name"`
	Gone         bool     `json:"gone"`
	LastSnapshot string   `json:"lastSnapshot"`
	Number       int64    `json:"number"`            // of the present snapshot: the offset of its first part, or more; it never goes back
	Since        int64    `json:"since,omitempty"`   // what lies before this offset of segment-changes has no effect any more
	TopicID      string   `json:"topicId,omitempty"` // of segment-changes, whose offsets are meant; empty: not known
	Recent       []string `json:"recent"`            // ids of the last 100 snapshots
	Used         []byte   `json:"used,omitempty"`    // hashes of the ids and the parts of thousands, for the router

	Dropped []string      `json:"dropped,omitempty"` // ids of the last 100 snapshots that never became complete
	Open    *OpenSnapshot `json:"open"`
}

// OpenSnapshot is a snapshot some of whose parts have come.
type OpenSnapshot struct {
	Snapshot string    `json:"snapshot"`
	First    int64     `json:"first"` // offset of its first part
	Parts    int       `json:"parts"`
	Have     []int     `json:"have"` // numbers of the parts seen, sorted
	At       time.Time `json:"at"`   // Kafka timestamp of the first part
}

// Decode reads the record of a segment. Its record's key is the segmentId.
func (s *Segment) Decode(key, value []byte) error {
	*s = Segment{}
	if err := Unmarshal(value, s); err != nil {
		return err
	}
	return sameAsKey(key, s.SegmentID)
}
