package main

import (
	"github.com/spf13/cobra"

	"kindred/schemas"
)

func (p *program) cancel() *cobra.Command {
	return p.action(schemas.Cancel, "Stop a run that waits or has not published anything yet", false)
}
