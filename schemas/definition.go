package schemas

// Definition is an expansion as committed: every property has its value.
type Definition struct {
	SourceSegmentID string        `json:"sourceSegmentId"`
	Name            string        `json:"name"`
	Fields          []string      `json:"fields"`     // nil: the recommended ones
	Candidates      Candidates    `json:"candidates"` // zero: all customers
	Suppress        []string      `json:"suppress"`
	ExcludeSource   bool          `json:"excludeSource"`
	Share           float64       `json:"share,omitempty"`   // (0,1]; 0 when Count is given
	Count           int64         `json:"count,omitempty"`   // absolute size; 0 when Share is given
	Floor           float64       `json:"floor"`             // 0..1, lowest score that counts as similar
	Preset          string        `json:"preset"`            // bounds of the bands, see selection
	Holdout         float64       `json:"holdout,omitempty"` // 0..MostHeldOut, share of the would-be members who are kept out, by lot
	Tags            []string      `json:"tags"`
	Refresh         RefreshPolicy `json:"refresh"`

	// What a preset of one's own says, as the last run took it. Nothing of one that every build knows.
	Bounds            []float64 `json:"bounds,omitempty"` // where the upper three bands begin
	ShareOfCandidates bool      `json:"shareOfCandidates,omitempty"`
}

// Segments returns the ids of the segments that the expansion uses, its source first.
func (d *Definition) Segments() []string {
	ids := []string{d.SourceSegmentID}
	if d.Candidates.SegmentID != "" {
		ids = append(ids, d.Candidates.SegmentID)
	}
	return append(ids, d.Suppress...)
}

// Candidates names who may become a member; the zero value means every customer.
type Candidates struct {
	SegmentID string `json:"segmentId,omitempty"`
}

func (s *scanner) candidates() (c Candidates) {
	for property := range s.properties("candidates", "segmentId") {
		switch property {
		case "segmentId":
			c.SegmentID = s.segment()
		}
	}
	return c
}

// RefreshPolicy is what starts a refresh besides a request.
type RefreshPolicy struct {
	OnDataEvent  bool    `json:"onDataEvent"`            // default true
	SourceChange float64 `json:"sourceChange,omitempty"` // share of the source that entered or left since the last run; 0: never
	Every        string  `json:"every,omitempty"`        // a Go duration of at least a minute; empty: never
}

// RefreshChange is what a request says about the policy: what it does not say stays as it is.
type RefreshChange struct {
	OnDataEvent  *bool    `json:"onDataEvent,omitempty"`
	SourceChange *float64 `json:"sourceChange,omitempty"`
	Every        *string  `json:"every,omitempty"`
}

// Over returns the policy p with the change made. A nil change changes nothing.
func (c *RefreshChange) Over(p RefreshPolicy) RefreshPolicy {
	if c == nil {
		return p
	}
	if c.OnDataEvent != nil {
		p.OnDataEvent = *c.OnDataEvent
	}
	if c.SourceChange != nil {
		p.SourceChange = *c.SourceChange
	}
	if c.Every != nil {
		p.Every = *c.Every
	}
	return p
}

func (s *scanner) refresh() (c RefreshChange) {
	for property := range s.properties("refresh", "onDataEvent", "sourceChange", "every") {
		switch property {
		case "onDataEvent":
			c.OnDataEvent = new(s.boolean())
		case "sourceChange":
			c.SourceChange = new(s.number())
		case "every":
			c.Every = new(s.string())
		}
	}
	return c
}
