package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"kindred/schemas"
	"kindred/schemas/wire"
)

// action makes a command that requests something of an expansion that exists.
func (p *program) action(action schemas.Action, short string, training bool) *cobra.Command {
	var flags requestFlags
	command := &cobra.Command{
		Use:     string(action) + " ID",
		Short:   short,
		Example: "  kindred " + string(action) + " vip-expansion --wait",
		Args:    named("ID"),
		RunE: func(command *cobra.Command, arguments []string) error {
			return p.ask(command, schemas.ExpandRequest{Action: action, ExpansionID: arguments[0]}, flags)
		},
	}
	if training {
		flags.trainingFlags(command.Flags())
		command.Flags().BoolVar(&flags.force, "force", false, "refresh even if more than half of the members would leave")
	} else {
		flags.flags(command.Flags())
	}
	return command
}

// ask publishes a request. With --wait it shows the run until it has ended, then its result.
func (p *program) ask(command *cobra.Command, request schemas.ExpandRequest, flags requestFlags) error {
	if err := canBeExpansion(command, request.ExpansionID); err != nil {
		return err
	}
	again := flags.requestID != ""
	flags.complete(&request)
	ctx := command.Context()
	c, err := p.connect(ctx)
	if err != nil {
		return err
	}
	defer c.close()
	return p.whileReachable(ctx, c, func(ctx context.Context) error {
		if !flags.wait {
			if _, err := c.request(ctx, request); err != nil {
				return err
			}
			return p.requested(request)
		}
		run, err := p.runRequest(ctx, c, request, again)
		if err != nil {
			return err
		}
		return p.result(ctx, c, request, run)
	})
}

// canBeExpansion returns a usage error when a command was given what is not the id of any expansion.
func canBeExpansion(command *cobra.Command, id string) error {
	if err := schemas.ValidExpansionID(id); err != nil {
		return usage(fmt.Sprintf("expansion %q: %v", id, err), command.CommandPath()+" --help")
	}
	return nil
}

// expansionOrAll returns the id of the expansion that a command was given, and "" when it was given none.
func expansionOrAll(command *cobra.Command, arguments []string) (string, error) {
	if len(arguments) == 0 {
		return "", nil
	}
	return arguments[0], canBeExpansion(command, arguments[0])
}

// request publishes an expand request, and returns its offset.
func (c *connection) request(ctx context.Context, request schemas.ExpandRequest) (int64, error) {
	value, headers, err := requestEvent(&request)
	if err != nil {
		return -1, err
	}
	return c.append(ctx, schemas.ExpandRequests, request.ExpansionID, value, headers)
}

// requestEvent returns the event of an expand request. One that whoever handles it could not read is an error, and not published:
// it would be a dead letter, and its run never come.
func requestEvent(request *schemas.ExpandRequest) (value []byte, headers wire.Headers, err error) {
	value, err = json.Marshal(request)
	if err == nil {
		err = new(schemas.ExpandRequest).Decode([]byte(request.ExpansionID), value)
	}
	return value, schemas.Event(schemas.TypeExpandRequest, request.RequestID, request.ExpansionID, time.Now()), err
}

// requested prints that a request was published, whose run nobody waits for.
func (p *program) requested(request schemas.ExpandRequest) error {
	type receipt struct {
		RequestID   string         `json:"requestId"`
		ExpansionID string         `json:"expansionId"`
		Action      schemas.Action `json:"action"`
	}
	return p.print(receipt{request.RequestID, request.ExpansionID, request.Action}, func() {
		p.out.Line("asked to %s %s, as request %s", request.Action, request.ExpansionID, request.RequestID)
		p.aside.Line("see what becomes of it: kindred runs %s, or ask with --wait", request.ExpansionID)
	})
}
