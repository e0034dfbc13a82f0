package main

import (
	"fmt"
	"strings"

	"kindred/cmd/internal/reading"
	"kindred/cmd/internal/terminal"
	"kindred/schemas"
)

func drawWhatIf(screen terminal.Screen, w *reading.WhatIf, e *schemas.Expansion) {
	var asked []string
	if w.Share > 0 {
		asked = append(asked, fmt.Sprintf("--share %v", w.Share))
	}
	if w.Count > 0 {
		asked = append(asked, fmt.Sprintf("--count %d", w.Count))
	}
	if w.Floor != nil {
		asked = append(asked, fmt.Sprintf("--floor %v", *w.Floor))
	}
	flags := strings.Join(asked, " ")
	screen.Title("What if", flags)
	counts := e.Report.Counts
	text := terminal.Count(w.Members, "member")
	if w.HeldOut > 0 {
		text += ", and about " + terminal.Number(w.HeldOut) + " held out,"
	}
	text += " of " + terminal.Count(w.Similar, "similar customer")
	if w.Members > 0 {
		text += fmt.Sprintf(", the last of them with a score of about %.2f", w.Lowest)
	}
	if counts.Members > 0 {
		text += fmt.Sprintf("; the last run took %s, down to %.4f", terminal.Number(counts.Members), e.Report.Cut)
	}
	screen.Say(text + ".")
	screen.Say("→ try: kindred edit " + e.ExpansionID + " " + flags)
}
