package schemas

import "time"

// Run is the present state of one run.
type Run struct {
	RunID       string     `json:"runId"`
	ExpansionID string     `json:"expansionId"`
	Epoch       int64      `json:"epoch"` // 0 until training starts
	Cause       Cause      `json:"cause"`
	RequestedBy string     `json:"requestedBy,omitempty"` // empty: nobody has said so, or kindred itself
	DryRun      bool       `json:"dryRun,omitempty"`      // nothing is published: its result is its report
	Status      Status     `json:"status"`
	Stage       Stage      `json:"stage,omitempty"`
	Detail      string     `json:"detail,omitempty"`   // for people: which shards it waits for
	JoinedTo    string     `json:"joinedTo,omitempty"` // of a skipped run: the one that does what it was to do
	Progress    float64    `json:"progress"`           // 0..1 over the whole run
	StartedAt   *time.Time `json:"startedAt"`
	EndedAt     *time.Time `json:"endedAt"`
	Error       *RunError  `json:"error"`
	Report      *Report    `json:"report"`
	At          time.Time  `json:"-"` // since when it is so: the time of its event
}

// Cause is why a run was started.
type Cause string

const (
	CauseExpand       Cause = "expand"
	CauseEdit         Cause = "edit"
	CauseRefresh      Cause = "refresh"
	CauseDataEvent    Cause = "data-event"
	CauseSourceChange Cause = "source-change"
	CauseSchedule     Cause = "schedule"
	CauseCancel       Cause = "cancel"
	CauseRename       Cause = "rename"
	CauseDelete       Cause = "delete"
)

// Status is where a run stands. Successful, Failed, Canceled and Skipped are final.
type Status string

const (
	Queued     Status = "queued"
	Processing Status = "processing"
	Successful Status = "successful"
	Failed     Status = "failed"
	Canceled   Status = "canceled"
	Skipped    Status = "skipped" // superseded by an edit that was committed or by a delete, or joined to another refresh
)

// Final reports whether no later event of the run will come.
func (s Status) Final() bool { return s != Queued && s != Processing }

// Stage is what a processing run is doing.
type Stage string

const (
	Waiting    Stage = "waiting" // for the shards to reach what was in Kafka when the request was read
	Reading    Stage = "reading"
	Training   Stage = "training"
	Scoring    Stage = "scoring"
	Publishing Stage = "publishing"
)

// Decode reads the state of a run. Its record's key is the expansionId.
func (r *Run) Decode(key, value []byte) error {
	*r = Run{}
	if err := Unmarshal(value, r); err != nil {
		return err
	}
	return sameAsKey(key, r.ExpansionID)
}
