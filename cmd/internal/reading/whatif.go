package reading

import (
	"fmt"
	"math"

	"kindred/pipeline/selection"
	"kindred/schemas"
)

// WhatIf is what another size would give, with everything as it was at the last run.
type WhatIf struct {
	Share   float64  `json:"share,omitempty"`
	Count   int64    `json:"count,omitempty"`
	Floor   *float64 `json:"floor,omitempty"`
	Members int64    `json:"members"`
	HeldOut int64    `json:"heldOut,omitempty"` // beside the members: about so many, since a lot decides
	Similar int64    `json:"similar"`           // candidates at or above the floor; about so many if it is no whole hundredth
	Lowest  float64  `json:"lowest"`            // score of the last member, to a hundredth; 1 without members
}

// AskWhatIf answers from the report of the last run. What is not asked for, by 0 or nil, stays as it is; a share and a count stand
// for each other.
func AskWhatIf(e *schemas.Expansion, share float64, count int64, floor *float64) (*WhatIf, error) {
	if e.State == schemas.StateDeleted || e.State == schemas.StateNew || e.Report == nil || e.Definition == nil {
		return nil, &Refusal{NotYet, fmt.Errorf("expansion %s has no report that could say so", e.ExpansionID), "kindred show " + e.ExpansionID}
	}
	d := *e.Definition
	if share > 0 || count > 0 {
		d.Share, d.Count = share, count
	}
	if floor != nil {
		d.Floor = *floor
	}
	found := WhatIfOf(&d, e.Definition, e.Report)
	found.Share, found.Count, found.Floor = share, count, floor
	return &found, nil
}

// WhatIfOf answers for a definition in the place of the one that a report is of.
func WhatIfOf(other, of *schemas.Definition, found *schemas.Report) WhatIf {
	chosen, similar, lowest := selection.PresetOf(other).Rule(other).WhatIf(found, selection.Floor(of.Floor))
	heldOut := int64(math.Round(other.Holdout * float64(chosen)))
	return WhatIf{Members: chosen - heldOut, HeldOut: heldOut, Similar: similar, Lowest: lowest}
}
