package main

import (
	"github.com/spf13/cobra"

	"kindred/schemas"
)

func (p *program) expand() *cobra.Command {
	var (
		definition definitionFlags
		flags      requestFlags
		id         string
	)
	command := &cobra.Command{
		Use:   "expand SOURCE",
		Short: "Expand a segment: find the customers most like its members",
		Example: "  kindred expand vip --wait\n" +
			"  kindred expand vip --within newsletter --suppress employees --share 0.1",
		Args: named("SOURCE"),
		RunE: func(command *cobra.Command, arguments []string) error {
			source := arguments[0]
			if id == "" {
				id = source + "-expansion"
			}
			request := schemas.ExpandRequest{Action: schemas.Expand, ExpansionID: id, SourceSegmentID: &source}
			if err := definition.fill(command.Flags(), &request); err != nil {
				return usage(err.Error(), command.CommandPath()+" --help")
			}
			return p.ask(command, request, flags)
		},
	}
	command.Flags().StringVar(&id, "id", "", "id of the expansion (default SOURCE-expansion)")
	definition.flags(command.Flags())
	flags.trainingFlags(command.Flags())
	return command
}
