package main

import (
	"fmt"

	"kindred/cmd/internal/reading"
	"kindred/cmd/internal/terminal"
	"kindred/schemas"
)

func drawWhatIf(screen terminal.Screen, w *reading.WhatIf, e *schemas.Expansion) {
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
