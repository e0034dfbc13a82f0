package schemas

import "time"

// Expansion is the controller's record of one expansion. Members and scores are not here: they are in memberships.
type Expansion struct {
	ExpansionID string      `json:"expansionId"`
	Name        string      `json:"name"`
	State       State       `json:"state"`
	Epoch       int64       `json:"epoch"`             // the last attempt to train that could be committed, or the deletion
	Definition  *Definition `json:"definition"`        // as last committed
	Report      *Report     `json:"report"`            // of the last successful run
	LastRun     *LastRun    `json:"lastRun,omitempty"` // how the last run ended; nil: none has, as far as is known
	Run         *RunRef     `json:"run"`               // the run under way, or nil
	Pending     []Pending   `json:"pending"`           // what waits, in order
	Requests    []string    `json:"requests"`          // ids of the last 20 requests

	// Uncommitted: nothing of it was ever committed, under this id or before. When nothing of it waits or runs any more, the
	// record is deleted. An earlier build has not set it.
	Uncommitted bool `json:"uncommitted,omitempty"`

	ModelEpoch int64 `json:"modelEpoch,omitempty"` // of the last committed run, whose model counts; 0: an earlier build has not noted it

	Source   *SourceSeen `json:"source,omitempty"`   // as the last committed run has seen it; nil: nobody has looked yet
	Seen     string      `json:"-"`                  // what the last committed run has learned from (learn.Result); of this term only
	LastSlot string      `json:"lastSlot,omitempty"` // of the schedule: the last slot that asked for a refresh, or its beginning
}

// SourceSeen is a source segment as it was at one moment. Later numbers tell how many customers have entered or left since.
// Each list is by shard.
type SourceSeen struct {
	Sizes  []int64  `json:"sizes"`
	Flips  []int64  `json:"flips"`  // how many have entered or left it, since the shard's cache began
	Caches []string `json:"caches"` // beginnings of the caches' incarnations: another one counts from another beginning
}

// Size returns how many customers were in the source.
func (s *SourceSeen) Size() (n int64) {
	for _, size := range s.Sizes {
		n += size
	}
	return n
}

// LastRun is how the last run of an expansion ended: one that has learned or deleted, was canceled, or failed, whatever it was
// for. One that was skipped, or is a dry run, is none.
type LastRun struct {
	RunID        string     `json:"runId"`
	Cause        Cause      `json:"cause"`
	RequestedBy  string     `json:"requestedBy,omitempty"`
	Status       Status     `json:"status"`
	Error        *RunError  `json:"error"`
	EndedAt      time.Time  `json:"endedAt"`
	FailingSince *time.Time `json:"failingSince,omitempty"` // when the first refresh failed of those after the last successful run
}

// Asked returns the first request that waits or is under way and is no dry run; nil: there is none.
func (e *Expansion) Asked() *ExpandRequest {
	if e.Run != nil && !e.Run.Request.DryRun {
		return &e.Run.Request
	}
	for i := range e.Pending {
		if r := &e.Pending[i].Request; !r.DryRun {
			return r
		}
	}
	return nil
}

// OnlyTried reports whether there is no such expansion yet, and the record stands for dry runs of one.
func (e *Expansion) OnlyTried() bool { return e.Uncommitted && e.Asked() == nil }

// State is what an expansion is.
type State string

const (
	StateNew         State = "new"  // no run has been committed yet
	StateLive        State = "live" // its members follow every event
	StateSegmentGone State = "segment_gone"
	StateDeleted     State = "deleted"
)

// RunRef names the run that an expansion is in.
type RunRef struct {
	RunID     string        `json:"runId"`
	Epoch     int64         `json:"epoch"`     // 0 for a dry run, which takes none
	Committed bool          `json:"committed"` // past the point of no return
	Cause     Cause         `json:"cause"`
	StartedAt time.Time     `json:"startedAt"`
	Request   ExpandRequest `json:"request"`
	Offset    int64         `json:"offset,omitempty"` // of the request, as that of Pending
	Ends      *Ends         `json:"ends,omitempty"`   // as those of Pending
	Report    *Report       `json:"report,omitempty"` // once committed: all but what the shards count
}

// Pending is a request that waits for its turn.
type Pending struct {
	Request ExpandRequest `json:"request"`
	Cause   Cause         `json:"cause"`
	Offset  int64         `json:"offset"` // in expand-requests: the order of runs of all expansions
	At      time.Time     `json:"at"`     // the request's Kafka timestamp
	Ends    Ends          `json:"ends"`   // as an earlier build has read them; empty: looked up when its turn comes, as all are
}

// Ends are the ends of the inputs that a run must see.
type Ends struct {
	SegmentChanges int64   `json:"segmentChanges"`
	Profiles       []int64 `json:"profiles"`    // by partition
	Memberships    []int64 `json:"memberships"` // by partition
}

// Decode reads the record of an expansion. Its record's key is the expansionId.
func (e *Expansion) Decode(key, value []byte) error {
	*e = Expansion{}
	if err := Unmarshal(value, e); err != nil {
		return err
	}
	return sameAsKey(key, e.ExpansionID)
}
