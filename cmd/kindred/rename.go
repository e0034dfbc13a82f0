package main

import (
	"github.com/spf13/cobra"

	"kindred/schemas"
)

func (p *program) rename() *cobra.Command {
	var (
		flags requestFlags
		tags  []string
	)
	command := &cobra.Command{
		Use:     "rename ID NAME",
		Short:   "Give an expansion another name; its members stay as they are",
		Example: "  kindred rename vip-expansion 'Like our VIPs'",
		Args:    named("ID", "NAME"),
		RunE: func(command *cobra.Command, arguments []string) error {
			request := schemas.ExpandRequest{Action: schemas.Rename, ExpansionID: arguments[0], Name: &arguments[1]}
			if command.Flags().Changed("tag") {
				request.Tags = list(tags)
			}
			return p.ask(command, request, flags)
		},
	}
	command.Flags().StringArrayVar(&tags, "tag", nil, "label of your own, in place of the present ones; may be repeated")
	flags.flags(command.Flags())
	return command
}
