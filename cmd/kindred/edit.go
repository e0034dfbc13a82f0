package main

import (
	"github.com/spf13/cobra"

	"kindred/schemas"
)

func (p *program) edit() *cobra.Command {
	var (
		definition definitionFlags
		flags      requestFlags
	)
	command := &cobra.Command{
		Use:   "edit ID",
		Short: "Change an expansion, and run it anew; what is not given stays as it is",
		Long: "Change an expansion, and run it anew. What is not given stays as it is: the defaults below are those of expand.\n" +
			"An empty value takes something back: --within \"\" for all customers, --suppress \"\" for no suppression,\n" +
			"--field \"\" for the recommended fields. --on-data-event, --source-change and --every are one policy: give all you want.",
		Example: "  kindred edit vip-expansion --share 0.1 --wait",
		Args:    named("ID"),
		RunE: func(command *cobra.Command, arguments []string) error {
			request := schemas.ExpandRequest{Action: schemas.Edit, ExpansionID: arguments[0]}
			if err := definition.fill(command.Flags(), &request); err != nil {
				return usage(err.Error(), command.CommandPath()+" --help")
			}
			return p.ask(command, request, flags)
		},
	}
	command.Flags().StringVar(&definition.source, "source", "", "learn from this segment or expansion")
	definition.flags(command.Flags())
	flags.trainingFlags(command.Flags())
	return command
}
