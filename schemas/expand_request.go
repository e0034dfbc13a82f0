package schemas

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

// Bounds of a request. One beyond them can be read, and its run fails.
const (
	LargestRequest = 64 << 10 // bytes of JSON
	MostFields     = 256
	MostSuppressed = 100
	MostTags       = 50
	LongestTag     = 100 // characters
	LongestName    = 200 // characters
	MostHeldOut    = 0.5 // share of those chosen: beyond it members are fewer than who is held out, and the difference is told worse
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
	Holdout         *float64       `json:"holdout,omitempty"`
	Tags            *[]string      `json:"tags,omitempty"`
	Refresh         *RefreshChange `json:"refresh,omitempty"`
	Force           bool           `json:"force,omitempty"`
	DryRun          bool           `json:"dryRun,omitempty"`

	// RequestedBy is who asks. The HTTP server sets it to the name of the token; whoever writes to Kafka may give any name.
	// Empty: not known.
	RequestedBy string `json:"requestedBy,omitempty"`

	Cause Cause `json:"cause,omitempty"` // set by kindred's own triggers; empty: the action

	Unknown *RunError `json:"-"` // why it is refused: it has a property that there is not; nil: it has none
}

var requestProperties = []string{
	"requestId", "action", "expansionId", "requestedBy", "cause", "force", "dryRun", "sourceSegmentId", "name", "fields", "candidates",
	"suppress", "excludeSource", "share", "count", "floor", "preset", "holdout", "tags", "refresh",
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

// Decode reads an expand request. The record's key names the expansion. Whether what it asks for is possible is not
// checked: the run does that.
func (r *ExpandRequest) Decode(key, value []byte) error {
	*r = ExpandRequest{}
	var s scanner
	s.start(value)
	for property := range s.properties("", requestProperties...) {
		if !r.identity(&s, property) {
			r.property(&s, property)
		}
	}
	if err := s.end(); err != nil {
		return err
	}
	if err := decidedByKey(key, &r.ExpansionID); err != nil {
		return err
	}
	if err := r.readable(); err != nil {
		if unknown := s.endKnown(); unknown != nil { // perhaps what is missing was misspelled
			return malformed(WrongSchema, "%v; %v", err, unknown)
		}
		return err
	}
	if u := &s.unknown; u.known != nil {
		r.Unknown = Refuse(CodeBadValue, u.hint(), "%s", u.message())
	}
	return nil
}

// identity reads a member that identifies the request or says what it is for. It reports false when name is no such member.
func (r *ExpandRequest) identity(s *scanner, name string) bool {
	switch name {
	case "requestId":
		r.RequestID = s.request()
	case "action":
		r.Action = Action(s.string())
	case "expansionId":
		r.ExpansionID = s.expansion()
	case "requestedBy":
		r.RequestedBy = s.label("requestedBy")
	case "cause":
		r.Cause = Cause(s.something())
	case "force":
		r.Force = s.boolean()
	case "dryRun":
		r.DryRun = s.boolean()
	default:
		return false
	}
	return true
}

// property reads a member that defines the expansion.
func (r *ExpandRequest) property(s *scanner, name string) {
	switch name {
	case "sourceSegmentId":
		r.SourceSegmentID = new(s.segment())
	case "name":
		r.Name = new(s.string())
	case "fields":
		r.Fields = new(s.strings())
	case "candidates":
		r.Candidates = new(s.candidates())
	case "suppress":
		r.Suppress = new(s.segments())
	case "excludeSource":
		r.ExcludeSource = new(s.boolean())
	case "share":
		r.Share = new(s.number())
	case "count":
		r.Count = new(s.integer())
	case "floor":
		r.Floor = new(s.number())
	case "preset":
		r.Preset = new(s.string())
	case "holdout":
		r.Holdout = new(s.number())
	case "tags":
		r.Tags = new(s.strings())
	case "refresh":
		r.Refresh = new(s.refresh())
	}
}

// readable demands a known action and cause, and for expand a source.
func (r *ExpandRequest) readable() error {
	switch r.Action {
	case Expand, Edit, Refresh, Cancel, Rename, Delete:
	default:
		return malformed(WrongSchema, "action must be expand, edit, refresh, cancel, rename or delete")
	}
	switch r.Cause {
	case "", CauseExpand, CauseEdit, CauseRefresh, CauseDataEvent, CauseSourceChange, CauseSchedule, CauseCancel,
		CauseRename, CauseDelete:
	default:
		return malformed(WrongSchema, "cause is none that there is")
	}
	if r.Action == Expand && r.SourceSegmentID == nil {
		return malformed(WrongSchema, "expand needs a sourceSegmentId")
	}
	return ValidExpansionID(r.ExpansionID)
}
