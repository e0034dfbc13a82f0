package schemas

import "time"

// Membership is one customer's place in an expanded segment. It is written when membership, score or band changes.
type Membership struct {
	ExpansionID string    `json:"expansionId"`
	CustomerID  string    `json:"customerId"`
	Score       float64   `json:"score"` // 0..1, four decimals
	Band        string    `json:"band"`
	Epoch       int64     `json:"epoch"`
	RunID       string    `json:"runId"`
	ChangedAt   time.Time `json:"changedAt"` // time of the cause
}

// Cause says why a run was started.
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
	Skipped    Status = "skipped" // superseded by an edit or a delete, or joined to another refresh
)

// Final says that no later event of the run will come.
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

// Run is the present state of one run.
type Run struct {
	RunID       string     `json:"runId"`
	ExpansionID string     `json:"expansionId"`
	Epoch       int64      `json:"epoch"` // 0 until training starts
	Cause       Cause      `json:"cause"`
	Status      Status     `json:"status"`
	Stage       Stage      `json:"stage,omitempty"`
	Detail      string     `json:"detail,omitempty"` // for people: which shards it waits for
	Progress    float64    `json:"progress"`         // 0..1 over the whole run
	StartedAt   *time.Time `json:"startedAt"`
	EndedAt     *time.Time `json:"endedAt"`
	Error       *RunError  `json:"error"`
	Report      *Report    `json:"report"`
}

// BandNames are the four bands, from low to high. The order is the band's number, 0..3.
var BandNames = [4]string{"not similar", "somewhat similar", "similar", "very similar"}

// Report tells what a successful run found.
type Report struct {
	Counts       Counts        `json:"counts"`
	Cut          float64       `json:"cut"`  // lowest score of a member; 1 with members 0
	Ties         int64         `json:"ties"` // candidates at the cut's score that the tie left out
	Distribution []BandCount   `json:"distribution"`
	Quality      Quality       `json:"quality"`
	Fields       []FieldReport `json:"fields"`
	Reach        []int64       `json:"reach"` // [i]: candidates with a score of at least i/100, i = 0..100
	Warnings     []Warning     `json:"warnings"`
	LearnedFrom  []Offsets     `json:"learnedFrom"` // by shard
}

// NewReport returns a report that lists nothing yet. Its lists are empty, not nil, so that they are [] in JSON.
func NewReport() *Report {
	return &Report{
		Distribution: []BandCount{}, Fields: []FieldReport{}, Reach: []int64{}, Warnings: []Warning{}, LearnedFrom: []Offsets{},
	}
}

// Counts are in customers.
type Counts struct {
	Customers         int64 `json:"customers"` // with a profile and consent
	Source            int64 `json:"source"`
	SourceWithProfile int64 `json:"sourceWithProfile"` // and consent: what it learned from
	Candidates        int64 `json:"candidates"`
	Similar           int64 `json:"similar"` // candidates at or above the floor
	Members           int64 `json:"members"`
	Entered           int64 `json:"entered"` // membership records of this run, as acknowledged
	Left              int64 `json:"left"`
	Changed           int64 `json:"changed"`
}

// BandCount is one bar of the distribution. From is inclusive, To exclusive but for the topmost.
type BandCount struct {
	Band       string  `json:"band"`
	From       float64 `json:"from"`
	To         float64 `json:"to"`
	Candidates int64   `json:"candidates"`
	Members    int64   `json:"members"`
}

// Quality is measured on source members that the measured fit had not seen.
type Quality struct {
	AUC        float64    `json:"auc"`
	RecallAt20 float64    `json:"recallAt20"` // share of held-out members among the best 20 % of all
	LiftAt20   float64    `json:"liftAt20"`   // RecallAt20 / 0.2
	BandLift   [4]float64 `json:"bandLift"`   // observed frequency in the source over that in the background; 0: nobody there
	Holdout    int64      `json:"holdout"`    // held-out source members measured
	Grade      string     `json:"grade"`      // in words
}

// FieldReport says whether a field was used, why not, and how much it counts.
type FieldReport struct {
	Name      string  `json:"name"`
	Type      string  `json:"type"`
	Distinct  int64   `json:"distinct"` // at least; 255 stands for "255 or more"
	Coverage  float64 `json:"coverage"` // 0..1, share of customers that have a value
	Used      bool    `json:"used"`
	Reason    string  `json:"reason,omitempty"`    // type, cardinality, coverage, sensitive, leak, overflow, not_asked
	Influence float64 `json:"influence,omitempty"` // 0..1, share of the spread of all scores' logits; sums to 1 over the used
}

// Warning is something a person should know about a run that succeeded.
type Warning struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// Offsets are positions in one shard's inputs: the next offset to read.
type Offsets struct {
	Shard          int   `json:"shard"`
	Profiles       int64 `json:"profiles"`
	SegmentMembers int64 `json:"segmentMembers"`
	Memberships    int64 `json:"memberships"`
}

// State is what an expansion is.
type State string

const (
	StateNew         State = "new"  // no run has been committed yet
	StateLive        State = "live" // its members follow every event
	StateSegmentGone State = "segment_gone"
	StateDeleted     State = "deleted"
)

// Expansion is the controller's record of one expansion. Members and scores are not here: they are in memberships.
type Expansion struct {
	ExpansionID string      `json:"expansionId"`
	Name        string      `json:"name"`
	State       State       `json:"state"`
	Epoch       int64       `json:"epoch"`      // the last attempt to train, or the deletion
	Definition  *Definition `json:"definition"` // as last committed
	Report      *Report     `json:"report"`     // of the last successful run
	Run         *RunRef     `json:"run"`        // the run under way, or nil
	Pending     []Pending   `json:"pending"`    // what waits, in order
	Requests    []string    `json:"requests"`   // ids of the last 20 requests

	LastSlot string `json:"lastSlot,omitempty"` // last schedule slot that started a refresh
}

// RunRef names the run that an expansion is in.
type RunRef struct {
	RunID     string        `json:"runId"`
	Epoch     int64         `json:"epoch"`
	Committed bool          `json:"committed"` // past the point of no return
	Cause     Cause         `json:"cause"`
	StartedAt time.Time     `json:"startedAt"`
	Request   ExpandRequest `json:"request"`
	Ends      *Ends         `json:"ends,omitempty"`
	Report    *Report       `json:"report,omitempty"` // once committed: all but what the shards count
}

// Pending is a request that waits for its turn. Ends are what its run must see.
type Pending struct {
	Request ExpandRequest `json:"request"`
	Cause   Cause         `json:"cause"`
	Offset  int64         `json:"offset"` // in expand-requests: the order of runs of all expansions
	At      time.Time     `json:"at"`     // the request's Kafka timestamp
	Ends    Ends          `json:"ends"`
}

// Ends are the ends of the inputs when a request was read.
type Ends struct {
	SegmentChanges int64   `json:"segmentChanges"`
	Profiles       []int64 `json:"profiles"`    // by partition
	Memberships    []int64 `json:"memberships"` // by partition
}

// Segment is the router's record of one segment.
type Segment struct {
	SegmentID    string   `json:"segmentId"`
	Name         string   `json:"name"`
	Gone         bool     `json:"gone"`
	LastSnapshot string   `json:"lastSnapshot"`
	Number       int64    `json:"number"` // of the present snapshot: the offset of its first part; 0 before any
	Recent       []string `json:"recent"` // ids of the last 100 snapshots

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
