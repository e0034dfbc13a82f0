package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"kindred/cmd/internal/terminal"
	"kindred/schemas"
	"kindred/schemas/wire"
)

// ask publishes a request, and waits for the end of its run when that is wanted.
func (p *program) ask(command *cobra.Command, request schemas.ExpandRequest, h how) error {
	if err := schemas.ValidExpansionID(request.ExpansionID); err != nil {
		return usage(fmt.Sprintf("expansion %q: %v", request.ExpansionID, err), command.CommandPath()+" --help")
	}
	h.complete(&request)
	ctx := command.Context()
	c, err := p.connect(ctx)
	if err != nil {
		return err
	}
	defer c.close()
	from, err := c.end(ctx, schemas.Runs) // before the request: no event of its run is missed
	if err != nil {
		return err
	}
	if err := c.request(ctx, request); err != nil {
		return err
	}
	if !h.wait {
		return p.asked(request)
	}
	run, err := p.await(ctx, c, request, from)
	if err != nil {
		return err
	}
	return p.result(ctx, c, request, run)
}

// request publishes an expand request.
func (c *connection) request(ctx context.Context, request schemas.ExpandRequest) error {
	value, err := json.Marshal(request)
	if err != nil {
		return err
	}
	headers := schemas.Event(schemas.TypeExpandRequest, request.RequestID, request.ExpansionID, time.Now())
	return c.publish(ctx, schemas.ExpandRequests, request.ExpansionID, value, headers)
}

func (p *program) asked(request schemas.ExpandRequest) error {
	type receipt struct {
		RequestID   string         `json:"requestId"`
		ExpansionID string         `json:"expansionId"`
		Action      schemas.Action `json:"action"`
	}
	return p.print(receipt{request.RequestID, request.ExpansionID, request.Action}, func() {
		p.out.Line("asked to %s %s, as request %s", request.Action, request.ExpansionID, request.RequestID)
		p.aside.Line("see what becomes of it: kindred show %s, or ask with --wait", request.ExpansionID)
	})
}

// await shows the run of a request until it has ended.
func (p *program) await(ctx context.Context, c *connection, request schemas.ExpandRequest, from int64) (schemas.Run, error) {
	progress := p.aside.Stages(request.ExpansionID)
	var run schemas.Run
	heard, waited := false, 0
	err := c.follow(ctx, schemas.Runs, from, func(record *wire.Record) (bool, error) {
		var event schemas.Run
		if json.Unmarshal(record.Value, &event) != nil || event.RunID != request.RequestID || event.ExpansionID != request.ExpansionID {
			return false, nil // another's
		}
		run, heard = event, true
		progress.Stage(stage(run), run.Progress)
		return run.Status.Final(), nil
	}, func() {
		if waited++; waited == 3 && !heard {
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

// stage says in words where a run is.
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

// result prints how a run ended. Only a run that failed or was canceled is a failure.
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
