package main

import "github.com/spf13/cobra"

func (p *program) load() *cobra.Command {
	command := &cobra.Command{Use: "load", Short: "Publish profiles or a segment from a file"}
	asGroup(command)
	command.AddCommand(p.loadProfiles(), p.loadSegment())
	return command
}
