package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"kindred/cmd/internal/terminal"
	"kindred/schemas"
	"kindred/schemas/wire"
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
			id := ""
			if len(arguments) == 1 {
				id = arguments[0]
				if err := canBeExpansion(command, id); err != nil {
					return err
				}
			}
			if limit < 1 || limit > largestPage {
				return usage(fmt.Sprintf("--limit %d: want 1 to %s", limit, terminal.Number(largestPage)), command.CommandPath()+" --help")
			}
			c, err := p.connect(command.Context())
			if err != nil {
				return err
			}
			defer c.close()
			runs, err := c.runs(command.Context(), id, limit)
			if err != nil {
				return err
			}
			if len(runs) == 0 && id != "" {
				if expansion, err := c.expansion(command.Context(), id); err != nil {
					return err
				} else if expansion == nil {
					return unknown(id)
				}
			}
			return p.print(runs, func() { drawRuns(p.out, p.aside, runs, id, time.Now()) })
		},
	}
	command.Flags().IntVar(&limit, "limit", usualPage, "show at most so many")
	return command
}

// runLine is a run as `runs` prints it: its last event, without the report.
type runLine struct {
	At time.Time `json:"at"` // when it was first heard of
	schemas.Run
	Report *struct{} `json:"report,omitempty"` // in place of the one of Run
}

// runs reads the newest runs, newest first: those of an expansion, or all. It holds no more of them, however many there are.
func (c *connection) runs(ctx context.Context, expansion string, limit int) ([]runLine, error) {
	type key struct{ expansion, run string }
	found := map[key]*runLine{}
	var order []key // oldest first
	err := c.read(ctx, schemas.Runs, func(record *wire.Record) error {
		var run schemas.Run
		if json.Unmarshal(record.Value, &run) != nil || expansion != "" && run.ExpansionID != expansion {
			return nil
		}
		run.Report = nil
		of := key{run.ExpansionID, run.RunID}
		if found[of] == nil {
			if len(order) == limit {
				delete(found, order[0])
				order = order[1:]
			}
			found[of] = &runLine{At: time.UnixMilli(record.Timestamp).UTC()}
			order = append(order, of)
		}
		found[of].Run = run
		return nil
	})
	newest := make([]runLine, 0, len(order))
	for _, of := range slices.Backward(order) {
		newest = append(newest, *found[of])
	}
	return newest, err
}

func drawRuns(screen, aside terminal.Screen, runs []runLine, expansion string, now time.Time) {
	if len(runs) == 0 {
		aside.Line("there is no run on record, which is kept for 30 days")
		return
	}
	headings := []string{"when", "expansion", "run", "cause", "#took", "status"}
	var rows [][]string
	for _, run := range runs {
		rows = append(rows, []string{clock(run.At), run.ExpansionID, run.RunID, string(run.Cause), run.took(now), run.standing()})
	}
	if expansion != "" {
		headings = slices.Delete(headings, 1, 2)
		for i := range rows {
			rows[i] = slices.Delete(rows[i], 1, 2)
		}
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
func (run *runLine) standing() string {
	if run.Error != nil {
		return fmt.Sprintf("%s: %s", run.Status, run.Error.Code)
	}
	return stage(run.Run)
}

// took is how long the run took, or has taken so far.
func (run *runLine) took(now time.Time) string {
	switch {
	case run.StartedAt == nil:
		return "-"
	case run.EndedAt != nil:
		now = *run.EndedAt
	}
	return short(now.Sub(*run.StartedAt))
}
