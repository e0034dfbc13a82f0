package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"kindred/cmd/internal/terminal"
	"kindred/schemas"
	"kindred/schemas/wire"
)

// runRequest publishes a request and shows its run until it has ended.
func (p *program) runRequest(ctx context.Context, c *connection, request schemas.ExpandRequest) (schemas.Run, error) {
	from, err := c.end(ctx, schemas.Runs) // before the request: no event of its run is missed
	if err != nil {
		return schemas.Run{}, err
	}
	if err := c.request(ctx, request); err != nil {
		return schemas.Run{}, err
	}
	progress := p.aside.Stages(request.ExpansionID)
	seen, idle := false, 0
	run, err := c.await(ctx, request, from, func(event schemas.Run) {
		seen = true
		progress.Stage(stage(event), event.Progress)
	}, func() {
		if idle++; idle == 3 && !seen {
			progress.Stage("nobody has taken the request yet: is kindred serve running?", 0)
		}
	})
	progress.End("")
	if err != nil && ctx.Err() != nil {
		return run, hint(errors.New("waiting was interrupted, the request stands"),
			fmt.Sprintf("kindred show %s, or kindred cancel %s", request.ExpansionID, request.ExpansionID))
	}
	return run, err
}

// await follows runs from an offset on, and returns the last event of a request's run. It calls seen with each event of
// that run, and idle whenever a second has passed without a record.
func (c *connection) await(ctx context.Context, request schemas.ExpandRequest, from int64, seen func(schemas.Run), idle func()) (schemas.Run, error) {
	var run schemas.Run
	err := c.follow(ctx, schemas.Runs, from, func(record *wire.Record) (bool, error) {
		var event schemas.Run
		if json.Unmarshal(record.Value, &event) != nil || event.RunID != request.RequestID || event.ExpansionID != request.ExpansionID {
			return false, nil // of another run
		}
		run = event
		seen(run)
		return run.Status.Final(), nil
	}, idle)
	return run, err
}

// stage describes in words how far a run is.
func stage(run schemas.Run) string {
	words := string(run.Status)
	if run.Status == schemas.Processing {
		words = string(run.Stage)
	}
	if run.Detail != "" {
		words += ": " + run.Detail
	}
	return words
}

// result prints how a run ended. A run that failed or was canceled is an error, a skipped one is not.
func (p *program) result(ctx context.Context, c *connection, request schemas.ExpandRequest, run schemas.Run) error {
	var expansion *schemas.Expansion
	if run.Status == schemas.Successful && !p.settings.JSON {
		var err error
		if expansion, err = c.expansion(ctx, request.ExpansionID); err != nil {
			return err
		}
	}
	if err := p.print(run, func() { drawRun(p.out, request, run, expansion) }); err != nil {
		return err
	}
	switch {
	case run.Status == schemas.Failed && run.Error != nil:
		return hint(fmt.Errorf("%s %s failed: %s", request.Action, request.ExpansionID, run.Error.Message), run.Error.Hint)
	case run.Status == schemas.Failed, run.Status == schemas.Canceled:
		return fmt.Errorf("%s %s: the run was %s", request.Action, request.ExpansionID, run.Status)
	}
	return nil
}

func drawRun(screen terminal.Screen, request schemas.ExpandRequest, run schemas.Run, expansion *schemas.Expansion) {
	switch {
	case run.Status == schemas.Failed, run.Status == schemas.Canceled:
	case run.Status == schemas.Skipped:
		screen.Line("skipped: %s", stage(run))
	case request.Action == schemas.Delete && run.Report != nil:
		screen.Line("deleted %s: %s left", request.ExpansionID, terminal.Count(run.Report.Counts.Left, "member"))
	case run.Report == nil:
		screen.Line("%s %s: done", request.Action, request.ExpansionID)
	default:
		name, definition := request.ExpansionID, (*schemas.Definition)(nil)
		if expansion != nil {
			name = expansion.Name
			if !request.DryRun {
				definition = expansion.Definition
			}
		}
		if request.DryRun {
			screen.Line("\n  A dry run: nothing was published. This is what would be.")
		}
		screen.Report(name, request.ExpansionID, definition, run.Report)
	}
}
