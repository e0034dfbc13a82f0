package main

import (
	"fmt"

	"kindred/cmd/internal/terminal"
	"kindred/schemas"
)

// drawLastRun says how the last run of an expansion ended, why, and the way out. about begins the text.
func drawLastRun(screen terminal.Screen, about string, last *schemas.LastRun) {
	cause := string(last.Cause)
	if last.RequestedBy != "" {
		cause += " asked for by " + last.RequestedBy
	}
	text := fmt.Sprintf("%s (%s, %s) %s", about, cause, moment(last.EndedAt), last.Status)
	if last.Error != nil {
		text += ": " + last.Error.Message
	}
	text += "."
	if last.FailingSince != nil {
		text += " Refreshes fail since " + moment(*last.FailingSince) + "."
	}
	screen.Say(text)
	if last.Error != nil && last.Error.Hint != "" {
		screen.Say("→ try: " + last.Error.Hint)
	}
}
