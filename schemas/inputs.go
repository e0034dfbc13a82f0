package schemas

// Field declares a profile field, as upstream describes it.
type Field struct {
	Name      string `json:"name"`
	Type      string `json:"type"`                // "Person.Gender", or a plain type such as LongType
	Label     string `json:"label,omitempty"`     // for people; empty: the name
	Sensitive bool   `json:"sensitive,omitempty"` // never used to train, whoever asks
}

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

// DataEvent says that upstream has completed a load.
type DataEvent struct {
	Source  string `json:"source"`
	BatchID string `json:"batchId"`
	Kind    string `json:"kind"`
}

// Action is what an expand request asks for.
type Action string

const (
	Expand  Action = "expand"
	Edit    Action = "edit"
	Refresh Action = "refresh"
	Cancel  Action = "cancel"
	Rename  Action = "rename"
	Delete  Action = "delete"
)

// ExpandRequest asks for something to happen to one expansion. A nil property was not given: expand then takes
// the default, edit what was last committed.
type ExpandRequest struct {
	RequestID       string         `json:"requestId,omitempty"` // empty: topic and offset of the record
	Action          Action         `json:"action"`
	ExpansionID     string         `json:"expansionId"`
	SourceSegmentID *string        `json:"sourceSegmentId,omitempty"`
	Name            *string        `json:"name,omitempty"`
	Fields          *[]string      `json:"fields,omitempty"`
	Candidates      *Candidates    `json:"candidates,omitempty"`
	Suppress        *[]string      `json:"suppress,omitempty"`
	ExcludeSource   *bool          `json:"excludeSource,omitempty"`
	Share           *float64       `json:"share,omitempty"`
	Count           *int64         `json:"count,omitempty"`
	Floor           *float64       `json:"floor,omitempty"`
	Preset          *string        `json:"preset,omitempty"`
	Tags            *[]string      `json:"tags,omitempty"`
	Refresh         *RefreshPolicy `json:"refresh,omitempty"`
	Force           bool           `json:"force,omitempty"`
	DryRun          bool           `json:"dryRun,omitempty"`

	Cause Cause `json:"cause,omitempty"` // set by kindred's own triggers; empty: the action
}

// Segments returns the ids of the segments that the request names.
func (r *ExpandRequest) Segments() []string {
	var ids []string
	if r.SourceSegmentID != nil {
		ids = append(ids, *r.SourceSegmentID)
	}
	if r.Candidates != nil && r.Candidates.SegmentID != "" {
		ids = append(ids, r.Candidates.SegmentID)
	}
	if r.Suppress != nil {
		ids = append(ids, *r.Suppress...)
	}
	return ids
}

// Candidates names who may become a member; the zero value means every customer.
type Candidates struct {
	SegmentID string `json:"segmentId,omitempty"`
}

// RefreshPolicy says what starts a refresh by itself.
type RefreshPolicy struct {
	OnDataEvent  bool    `json:"onDataEvent"`            // default true
	SourceChange float64 `json:"sourceChange,omitempty"` // share of the source that entered or left since the last run; 0: never
	Every        string  `json:"every,omitempty"`        // a Go duration; empty: never
}

// Definition is an expansion as committed: every property has its value.
type Definition struct {
	SourceSegmentID string        `json:"sourceSegmentId"`
	Name            string        `json:"name"`
	Fields          []string      `json:"fields"`     // nil: the recommended ones
	Candidates      Candidates    `json:"candidates"` // zero: all customers
	Suppress        []string      `json:"suppress"`
	ExcludeSource   bool          `json:"excludeSource"`
	Share           float64       `json:"share,omitempty"` // (0,1]; 0 when Count is given
	Count           int64         `json:"count,omitempty"` // absolute size; 0 when Share is given
	Floor           float64       `json:"floor"`           // 0..1, lowest score that counts as similar
	Preset          string        `json:"preset"`          // bounds of the bands, see selection
	Tags            []string      `json:"tags"`
	Refresh         RefreshPolicy `json:"refresh"`
}

// Segments returns the ids of the segments that the expansion uses, its source first.
func (d *Definition) Segments() []string {
	ids := []string{d.SourceSegmentID}
	if d.Candidates.SegmentID != "" {
		ids = append(ids, d.Candidates.SegmentID)
	}
	return append(ids, d.Suppress...)
}
