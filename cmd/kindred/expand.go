package main

import (
	"github.com/spf13/cobra"

	"kindred/schemas"
)

// lawful is what whoever expands a segment should know of the law.
const lawful = "An expansion profiles people by automated means: it scores each customer by what is known of them. Where the GDPR applies,\n" +
	"it may ask you to tell people so, and what follows from it (articles 13 and 14); to stop when somebody objects (article 21:\n" +
	"publish their profile with \"profiling\": false, and they leave every expanded segment and all training data); and to let no\n" +
	"decision with legal or similarly weighty effect rest on a score alone (article 22: it needs the person's consent, a contract\n" +
	"or a law, and somebody who looks at it). No program knows whether your use is allowed."

// lawfulInShort is lawful for those who may have read it already.
const lawfulInShort = "Its members are profiled by automated means. Tell people so, stop for whoever objects (\"profiling\": false), and let no " +
	"decision of weight rest on a score alone: kindred expand --help says what the law may ask."

func (p *program) expand() *cobra.Command {
	var (
		definition definitionFlags
		flags      requestFlags
		id         string
	)
	command := &cobra.Command{
		Use:   "expand SOURCE",
		Short: "Expand a segment: find the customers most like its members",
		Long: "Expand a segment: find the customers most like its members, and keep them up to date from then on.\n" +
			"SOURCE is a segment, or an expansion: what moves its members then moves those built on it, too.\n\n" + lawful,
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
			if err := p.ask(command, request, flags); err != nil {
				return err
			}
			if p.aside.IsTerminal() && !p.settings.JSON {
				p.aside.Say(lawfulInShort)
			}
			return nil
		},
	}
	command.Flags().StringVar(&id, "id", "", "id of the expansion (default SOURCE-expansion)")
	definition.flags(command.Flags())
	flags.trainingFlags(command.Flags())
	return command
}
