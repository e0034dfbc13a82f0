package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"kindred/cmd/internal/config"
)

// root makes the command line: every command, in groups.
func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "kindred",
		Short: "Find the customers most like those of a segment",
		Long: "kindred expands customer segments: it learns what sets the members of a segment apart from everyone else,\n" +
			"and keeps an expanded segment of the customers most like them.\n\nSee it work: kindred demo",
		SilenceErrors:     true,
		SilenceUsage:      true,
		PersistentPreRunE: p.readSettings,
	}
	p.settings.Flags(root.PersistentFlags())
	root.SetFlagErrorFunc(func(command *cobra.Command, err error) error {
		return usage(err.Error(), command.CommandPath()+" --help")
	})
	root.SetUsageTemplate(strings.Replace(root.UsageTemplate(), "Global Flags:\n{{.InheritedFlags.FlagUsages | trimTrailingWhitespaces}}",
		"Settings such as --kafka and --json: kindred --help", 1))
	root.AddGroup(&cobra.Group{ID: "run", Title: "Run:"}, &cobra.Group{ID: "data", Title: "Data:"},
		&cobra.Group{ID: "expansions", Title: "Expansions:"}, &cobra.Group{ID: "program", Title: "The program:"})
	root.SetHelpCommandGroupID("program")
	root.SetCompletionCommandGroupID("program")
	add := func(group string, commands ...*cobra.Command) {
		for _, command := range commands {
			command.GroupID = group
			root.AddCommand(command)
		}
	}
	add("run", p.demo(), p.serve(), p.topics(), p.doctor())
	add("data", p.load(), p.fields(), p.segmentList(), p.deadLetters())
	add("expansions", p.expand(), p.edit(), p.refresh(), p.cancel(), p.rename(), p.delete(), p.list(), p.show(), p.runs(), p.members(),
		p.export(), p.why(), p.compare(), p.verify())
	add("program", p.bench(), p.version(), p.manual())
	asGroup(root)
	p.completeIDs(root)
	p.fitHelp(root)
	return root
}

// asGroup makes a command that only groups others: alone it shows its help, and it refuses a command that it does not have.
func asGroup(command *cobra.Command) {
	command.SuggestionsMinimumDistance = 2 // letters
	command.Args = func(command *cobra.Command, arguments []string) error {
		if len(arguments) == 0 {
			return nil
		}
		try := command.CommandPath() + " --help"
		if near := command.SuggestionsFor(arguments[0]); len(near) > 0 {
			try = command.CommandPath() + " " + near[0]
		}
		return usage(fmt.Sprintf("there is no command %q", command.CommandPath()+" "+arguments[0]), try)
	}
	command.RunE = func(command *cobra.Command, _ []string) error { return command.Help() }
}

// readSettings reads the environment and checks the settings, before any command runs.
func (p *program) readSettings(command *cobra.Command, _ []string) error {
	err := config.FromEnvironment(command.Flags(), os.LookupEnv)
	if err == nil {
		err = p.settings.Check()
	}
	if err != nil {
		return usage(err.Error(), command.CommandPath()+" --help")
	}
	p.log = newLog(p.aside.W, p.settings.LogFormat, p.settings.Level())
	return nil
}

// atMostOne is named for one argument that may be left out.
func atMostOne(name string) cobra.PositionalArgs {
	return func(command *cobra.Command, arguments []string) error {
		if len(arguments) == 0 {
			return nil
		}
		return named(name)(command, arguments)
	}
}

// named demands exactly these arguments. Its error names the first one that is missing.
func named(names ...string) cobra.PositionalArgs {
	return func(command *cobra.Command, arguments []string) error {
		if len(arguments) < len(names) {
			return usage(fmt.Sprintf("%s is missing", names[len(arguments)]), command.UseLine())
		}
		if len(arguments) > len(names) {
			return usage(fmt.Sprintf("%q is one argument too many", arguments[len(names)]), command.UseLine())
		}
		return nil
	}
}
