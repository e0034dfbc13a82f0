package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"kindred/cmd/internal/reading"
	"kindred/cmd/internal/terminal"
	"kindred/schemas"
)

func (p *program) show() *cobra.Command {
	var share, floor float64
	var count int64
	command := &cobra.Command{
		Use:   "show ID",
		Short: "Show an expansion: its definition, and the report of its last run",
		Long: "Show an expansion: its definition, the report of its last run, how many members there are now, and how far the profiles have\n" +
			"moved since it learned, field by field. With --share, --count or --floor it says how many members that would give, and about\n" +
			"from which score, as of the last run and without a new one.",
		Example: "  kindred show vip-expansion\n  kindred show vip-expansion --share 0.3 --floor 0.5",
		Args:    named("ID"),
		RunE: func(command *cobra.Command, arguments []string) error {
			given := command.Flags().Changed
			if err := possibleSize(given, share, count, floor); err != nil {
				return usage(err.Error(), command.CommandPath()+" --help")
			}
			c, err := p.connect(command.Context())
			if err != nil {
				return err
			}
			defer c.close()
			book, err := c.book(command.Context(), schemas.Expansions)
			if err != nil {
				return err
			}
			expansion, err := (&reading.Facts{Book: book}).Expansion(arguments[0])
			if err != nil {
				return err
			}
			all, why := p.withLive(command.Context(), c, book, []schemas.Expansion{*expansion})
			var noDrift error
			if why == nil {
				all[0].Drift, noDrift = p.drift(command.Context(), c, book, expansion)
			}
			if given("share") || given("count") || given("floor") {
				var other *float64
				if given("floor") {
					other = &floor
				}
				if all[0].WhatIf, err = reading.AskWhatIf(expansion, share, count, other); err != nil {
					return err
				}
			}
			return p.print(all[0], func() {
				drawExpansion(p.out, &all[0])
				if why != nil && expansion.Definition != nil {
					p.aside.Line("how many members there are now is not known: %v", why)
				}
				if noDrift != nil {
					p.aside.Line("how far the profiles have moved is not known: %v", noDrift)
				}
			})
		},
	}
	command.Flags().Float64Var(&share, "share", 0, "say how many members this share of those who are similar enough would be")
	command.Flags().Int64Var(&count, "count", 0, "say from which score so many members would be taken")
	command.Flags().Float64Var(&floor, "floor", 0, "say how many would be similar enough with this lowest score, and members")
	return command
}

func drawExpansion(screen terminal.Screen, e *reading.Expansion) {
	if e.Report != nil && e.State != schemas.StateDeleted {
		screen.Report(e.Name, e.ExpansionID, e.Definition, e.Report)
		drawDrift(screen, e.Drift)
	} else {
		screen.Heading(e.Name, e.ExpansionID)
		screen.Line("")
	}
	screen.Say(state(&e.Expansion))
	if e.Live != nil {
		text := liveWords(e.Live)
		if e.Report != nil {
			text += ", " + terminal.Number(e.Report.Counts.Members) + " after the run"
			if held := e.Report.Counts.HeldOut; held > 0 {
				text += " and " + terminal.Number(held) + " held out"
			}
		}
		screen.Say(text + ".")
	}
	if e.LastRun != nil {
		drawLastRun(screen, "The last run", e.LastRun)
	}
	if e.Definition != nil && e.State != schemas.StateDeleted {
		screen.Say(defined(e.Definition))
	}
	if e.WhatIf != nil {
		drawWhatIf(screen, e.WhatIf, &e.Expansion)
	}
	screen.Line("")
}

// state describes in words what an expansion is, and what it is doing.
func state(e *schemas.Expansion) string {
	words := map[schemas.State]string{
		schemas.StateNew:         "No run has succeeded yet.",
		schemas.StateLive:        "Live: members follow every event.",
		schemas.StateSegmentGone: "A segment that it uses is gone: members stay as they are, runs are refused.",
		schemas.StateDeleted:     "Deleted.",
	}[e.State]
	if e.Run != nil {
		words += fmt.Sprintf(" A run is under way (%s, since %s).", e.Run.Cause, e.Run.StartedAt.Format("15:04:05"))
	}
	if len(e.Pending) > 0 {
		words += fmt.Sprintf(" Waiting: %s.", terminal.Count(len(e.Pending), "request"))
	}
	return words
}

// defined describes a definition in a sentence or two.
func defined(d *schemas.Definition) string {
	words := "Source " + d.SourceSegmentID
	if !d.ExcludeSource {
		words += ", whose members can be members"
	}
	if d.Candidates.SegmentID != "" {
		words += "; only members of " + d.Candidates.SegmentID
	}
	if len(d.Suppress) > 0 {
		words += "; never members of " + strings.Join(d.Suppress, ", ")
	}
	if len(d.Fields) > 0 {
		words += "; fields " + strings.Join(d.Fields, ", ")
	}
	words += fmt.Sprintf("; floor %v, preset %s", d.Floor, d.Preset)
	if d.Holdout > 0 {
		words += "; " + terminal.Percent(d.Holdout) + " held out"
	}
	words += "."
	var refreshed []string
	if d.Refresh.OnDataEvent {
		refreshed = append(refreshed, "after every load")
	}
	if d.Refresh.SourceChange > 0 {
		refreshed = append(refreshed, "when "+terminal.Percent(d.Refresh.SourceChange)+" of the source changed")
	}
	if d.Refresh.Every != "" {
		refreshed = append(refreshed, "every "+d.Refresh.Every)
	}
	if refreshed != nil {
		words += " Refreshed " + strings.Join(refreshed, ", ") + "."
	}
	if len(d.Tags) > 0 {
		words += " Tags: " + strings.Join(d.Tags, ", ") + "."
	}
	return words
}
