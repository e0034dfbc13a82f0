package main

import (
	"encoding/json"
	"strings"

	"github.com/spf13/cobra"

	"kindred/schemas"
)

func (p *program) schema() *cobra.Command {
	var connect bool
	command := &cobra.Command{
		Use:   "schema TOPIC",
		Short: "Print what the values of a topic are, as JSON Schema",
		Long: "Print what the values of a topic are, as JSON Schema. With --connect it is a schema of Kafka Connect, in one line, for the\n" +
			"setting schema.content of its JsonConverter: that of memberships or of membership-changes.",
		Example: "  kindred topics schema memberships --connect",
		Args:    named("TOPIC"),
		RunE: func(command *cobra.Command, arguments []string) error {
			topic := strings.TrimPrefix(arguments[0], p.settings.Prefix)
			if connect {
				schema, known := schemas.Connect(topic)
				if !known {
					return usage("--connect is for memberships and membership-changes, not for "+topic, command.CommandPath()+" --help")
				}
				text, err := json.Marshal(schema)
				p.out.Line("%s", string(text))
				return err
			}
			text, err := schemas.Documents.ReadFile("json/" + strings.TrimSuffix(topic, "s") + ".schema.json")
			if err != nil {
				return usage("there is no schema of a topic "+topic, command.CommandPath()+" --help")
			}
			return p.out.JSON(json.RawMessage(text))
		},
	}
	command.Flags().BoolVar(&connect, "connect", false, "as a schema of Kafka Connect")
	return command
}
