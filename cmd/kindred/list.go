package main

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"kindred/cmd/internal/reading"
	"kindred/cmd/internal/terminal"
	"kindred/schemas"
)

func (p *program) list() *cobra.Command {
	var all bool
	command := &cobra.Command{
		Use:   "list",
		Short: "List the expansions",
		Args:  named(),
		RunE: func(command *cobra.Command, _ []string) error {
			c, err := p.connect(command.Context())
			if err != nil {
				return err
			}
			defer c.close()
			book, err := c.book(command.Context(), schemas.Expansions)
			if err != nil {
				return err
			}
			expansions := book.Expansions()
			if !all {
				expansions = slices.DeleteFunc(expansions, func(e schemas.Expansion) bool { return e.State == schemas.StateDeleted })
			}
			all, why := p.withLive(command.Context(), c, book, expansions)
			return p.print(all, func() { drawList(p.out, p.aside, all, why) })
		},
	}
	command.Flags().BoolVar(&all, "all", false, "show deleted ones, too")
	return command
}

// drawList lists expansions. unknown says why nobody knows how many members there are now; nil: that is known.
func drawList(screen, aside terminal.Screen, expansions []reading.Expansion, unknown error) {
	if len(expansions) == 0 {
		aside.Line("there are no expansions yet: kindred expand SOURCE makes one")
		return
	}
	var rows [][]string
	for _, e := range expansions {
		source, live, members, quality := "", "", "", ""
		if e.Definition != nil {
			source, live = e.Definition.SourceSegmentID, "?"
		}
		if e.Live != nil {
			live = terminal.Number(e.Live.Members)
		}
		if e.Report != nil {
			members = terminal.Number(e.Report.Counts.Members)
			quality = terminal.Grade(&e.Report.Quality)
		}
		rows = append(rows, []string{e.ExpansionID, string(e.State), source, live, members, quality, doing(&e.Expansion), e.Name})
	}
	screen.Table([]string{"expansion", "state", "source", "#now", "#after run", "quality", "run", "name"}, rows)
	if unknown != nil {
		aside.Line("how many members there are now is not known: %v", unknown)
	}
	for _, e := range expansions {
		if e.LastRun != nil && e.LastRun.Status != schemas.Successful {
			screen.Line("")
			drawLastRun(screen, e.ExpansionID, e.LastRun)
		}
	}
}

// doing describes in words what an expansion is doing, or else how its last run ended.
func doing(e *schemas.Expansion) string {
	switch {
	case e.Run != nil && e.Run.Committed:
		return "publishing"
	case e.Run != nil:
		return string(e.Run.Cause)
	case len(e.Pending) > 0:
		return fmt.Sprintf("%d waiting", len(e.Pending))
	case e.LastRun != nil:
		return string(e.LastRun.Status)
	}
	return "-"
}
