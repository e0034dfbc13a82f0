package main

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

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
			expansions, err := c.expansions(command.Context())
			if err != nil {
				return err
			}
			if !all {
				expansions = slices.DeleteFunc(expansions, func(e schemas.Expansion) bool { return e.State == schemas.StateDeleted })
			}
			return p.print(expansions, func() { drawList(p.out, p.aside, expansions) })
		},
	}
	command.Flags().BoolVar(&all, "all", false, "show deleted ones, too")
	return command
}

func drawList(screen, aside terminal.Screen, expansions []schemas.Expansion) {
	if len(expansions) == 0 {
		aside.Line("there are no expansions yet: kindred expand SOURCE makes one")
		return
	}
	var rows [][]string
	for _, e := range expansions {
		source, members, quality := "", "", ""
		if e.Definition != nil {
			source = e.Definition.SourceSegmentID
		}
		if e.Report != nil {
			members = terminal.Number(e.Report.Counts.Members)
			if quality = e.Report.Quality.Grade; e.Report.Quality.Holdout == 0 {
				quality = "not measured"
			}
		}
		rows = append(rows, []string{e.ExpansionID, string(e.State), source, members, quality, now(e), e.Name})
	}
	screen.Table([]string{"expansion", "state", "source", "#members", "quality", "now", "name"}, rows)
}

// now describes in words what an expansion is doing.
func now(e schemas.Expansion) string {
	switch {
	case e.Run != nil && e.Run.Committed:
		return "publishing"
	case e.Run != nil:
		return string(e.Run.Cause)
	case len(e.Pending) > 0:
		return fmt.Sprintf("%d waiting", len(e.Pending))
	}
	return "-"
}
