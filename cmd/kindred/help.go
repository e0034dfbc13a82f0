package main

import (
	"io"
	"strings"

	"github.com/spf13/cobra"

	"kindred/cmd/internal/terminal"
)

// fitHelp makes the help of all commands fit the terminal.
func (p *program) fitHelp(root *cobra.Command) {
	walk(root, func(c *cobra.Command) { c.Long = terminal.Paragraphs(c.Long) })
	help := root.HelpFunc()
	root.SetHelpFunc(func(command *cobra.Command, arguments []string) {
		var text strings.Builder
		to := command.OutOrStdout()
		command.SetOut(&text)
		help(command, arguments)
		command.SetOut(to)
		io.WriteString(to, terminal.Fold(text.String(), p.out.HelpWidth()))
	})
}

// walk visits a command and all below it.
func walk(command *cobra.Command, visit func(*cobra.Command)) {
	visit(command)
	for _, c := range command.Commands() {
		walk(c, visit)
	}
}
