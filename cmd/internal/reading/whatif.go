package reading

import (
	"fmt"

	"kindred/pipeline/selection"
	"kindred/schemas"
)

// WhatIf is what another size would give, with everything as it was at the last run.
type WhatIf struct {
	Share   float64 `json:"share,omitempty"`
	Count   int64   `json:"count,omitempty"`
	Members int64   `json:"members"`
	Lowest  float64 `json:"lowest"` // score of the last member, to a hundredth; 1 without members
}

// AskWhatIf answers from the report of the last run. A share of 0 asks for the count.
func AskWhatIf(e *schemas.Expansion, share float64, count int64) (*WhatIf, error) {
	if e.State == schemas.StateDeleted || e.State == schemas.StateNew || e.Report == nil || e.Definition == nil {
		return nil, &Refusal{NotYet, fmt.Errorf("%s has no report that could say so", e.ExpansionID), "kindred show " + e.ExpansionID}
	}
	d := *e.Definition
	d.Share, d.Count = share, count
	members, lowest := selection.PresetOf(&d).Rule(&d).WhatIf(e.Report)
	return &WhatIf{share, count, members, lowest}, nil
}
