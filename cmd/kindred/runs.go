package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"kindred/cmd/internal/reading"
	"kindred/cmd/internal/terminal"
	"kindred/schemas"
)

func (p *program) runs() *cobra.Command {
	var limit int
	command := &cobra.Command{
		Use:   "runs [ID]",
		Short: "List the runs of the last 30 days, newest first: of all expansions, or of one",
		Long: "List the runs of the last 30 days, newest first: why each began, how it stands or ended, how long it took, and what went\n" +
			"wrong. Of the last successful run of an expansion, kindred show has the report.",
		Example: "  kindred runs vip-expansion --limit 5",
		Args:    atMostOne("ID"),
		RunE: func(command *cobra.Command, arguments []string) error {
			id, err := expansionOrAll(command, arguments)
			if err != nil {
				return err
			}
			if limit < 1 || limit > largestPage {
				return usage(fmt.Sprintf("--limit %d: want 1 to %s", limit, terminal.Number(largestPage)), command.CommandPath()+" --help")
			}
			c, err := p.connect(command.Context())
			if err != nil {
				return err
			}
			defer c.close()
			book, err := c.book(command.Context())
			if err != nil {
				return err
			}
			book.MostRuns = limit
			if err := book.Read(command.Context(), schemas.Runs, schemas.Expansions); err != nil {
				return err
			}
			runs := book.Runs(id, limit)
			if len(runs) == 0 && id != "" {
				if _, err := (&reading.Facts{Book: book}).Expansion(id); err != nil {
					return err
				}
			}
			return p.print(runs, func() { drawRuns(p.out, p.aside, runs, id, time.Now()) })
		},
	}
	command.Flags().IntVar(&limit, "limit", usualPage, "show at most so many")
	return command
}

func drawRuns(screen, aside terminal.Screen, runs []reading.Run, expansion string, now time.Time) {
	if len(runs) == 0 {
		aside.Line("there is no run on record, which is kept for 30 days")
		return
	}
	headings := []string{"when", "expansion", "run", "cause", "asked by", "#took", "status"}
	var rows [][]string
	named := false
	for _, run := range runs {
		rows = append(rows, []string{clock(run.At), run.ExpansionID, run.RunID, string(run.Cause), run.RequestedBy, took(&run, now), standing(&run)})
		named = named || run.RequestedBy != ""
	}
	without := func(column int) {
		headings = slices.Delete(headings, column, column+1)
		for i := range rows {
			rows[i] = slices.Delete(rows[i], column, column+1)
		}
	}
	if !named {
		without(4)
	}
	if expansion != "" {
		without(1)
	}
	screen.Table(headings, rows)
	said := map[string]bool{}
	for _, run := range runs {
		if run.Error == nil || said[run.Error.Message] {
			continue
		}
		if len(said) == 0 {
			screen.Title("Why they failed", "")
		}
		said[run.Error.Message] = true
		screen.Say(fmt.Sprintf("- %s: %s", run.RunID, run.Error.Message))
		if run.Error.Hint != "" {
			screen.Say("→ try: " + run.Error.Hint)
		}
	}
}

// standing describes in words how a run stands or ended.
func standing(run *reading.Run) string {
	if run.Error != nil {
		return fmt.Sprintf("%s: %s", run.Status, run.Error.Code)
	}
	return stage(run.Run)
}

// took is how long the run took, or has taken so far.
func took(run *reading.Run, now time.Time) string {
	switch {
	case run.StartedAt == nil:
		return "-"
	case run.EndedAt != nil:
		now = *run.EndedAt
	}
	return short(now.Sub(*run.StartedAt))
}
