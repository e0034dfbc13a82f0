package main

import (
	"fmt"

	"kindred/cmd/internal/terminal"
	"kindred/pipeline/selection"
	"kindred/schemas"
)

// whatIf is what another size would give, with everything as it was at the last run.
type whatIf struct {
	Share   float64 `json:"share,omitempty"`
	Count   int64   `json:"count,omitempty"`
	Members int64   `json:"members"`
	Lowest  float64 `json:"lowest"` // score of the last member, to a hundredth; 1 without members
}

// askWhatIf answers from the report of the last run. A share of 0 asks for the count.
func askWhatIf(e *schemas.Expansion, share float64, count int64) (*whatIf, error) {
	if e.State == schemas.StateDeleted || e.State == schemas.StateNew || e.Report == nil || e.Definition == nil {
		return nil, hint(fmt.Errorf("%s has no report that could say so", e.ExpansionID), "kindred show "+e.ExpansionID)
	}
	d := *e.Definition
	d.Share, d.Count = share, count
	members, lowest := selection.PresetOf(&d).Rule(&d).WhatIf(e.Report)
	return &whatIf{share, count, members, lowest}, nil
}

func (w *whatIf) draw(screen terminal.Screen, e *schemas.Expansion) {
	flag := fmt.Sprintf("--share %v", w.Share)
	if w.Count > 0 {
		flag = fmt.Sprintf("--count %d", w.Count)
	}
	screen.Title("What if", flag)
	counts := e.Report.Counts
	text := terminal.Count(w.Members, "member") + " of " + terminal.Count(counts.Similar, "similar customer")
	if w.Members > 0 {
		text += fmt.Sprintf(", the last of them with a score of about %.2f", w.Lowest)
	}
	if counts.Members > 0 {
		text += fmt.Sprintf("; the last run took %s, down to %.4f", terminal.Number(counts.Members), e.Report.Cut)
	}
	screen.Say(text + ".")
	screen.Say("→ try: kindred edit " + e.ExpansionID + " " + flag)
}
