package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"kindred/cmd/internal/terminal"
	"kindred/schemas"
)

func (p *program) delete() *cobra.Command {
	var confirm confirmation
	command := p.action(schemas.Delete, "Delete an expansion: all its members leave", false)
	command.Long = "Delete an expansion: all its members leave, and nothing brings them back but a new run. At a terminal it asks first."
	command.Example = "  kindred delete vip-expansion\n  kindred delete vip-expansion --yes --wait"
	confirm.flags(command.Flags())
	request := command.RunE
	command.RunE = func(command *cobra.Command, arguments []string) error {
		id := arguments[0]
		if err := canBeExpansion(command, id); err != nil {
			return err
		}
		if err := confirm.possible(id+" is to be deleted", command.CommandPath()+" "+id+" --yes"); err != nil {
			return err
		}
		if !confirm.yes {
			question, err := p.deletion(command.Context(), id)
			if err != nil {
				return err
			}
			if !confirm.given(p.aside, question) {
				return errors.New("nothing was deleted")
			}
		}
		return request(command, arguments)
	}
	return command
}

// deletion asks whether an expansion is to be deleted, and says how many members it has. One that does not exist is an error.
func (p *program) deletion(ctx context.Context, id string) (question string, err error) {
	c, err := p.connect(ctx)
	if err != nil {
		return "", err
	}
	defer c.close()
	expansion, err := c.expansion(ctx, id)
	switch {
	case err != nil:
		return "", err
	case expansion.Report == nil:
		return fmt.Sprintf("Delete %s?", id), nil
	}
	return fmt.Sprintf("Delete %s? After its last run it had %s, who all leave.", id, terminal.Count(expansion.Report.Counts.Members, "member")), nil
}
