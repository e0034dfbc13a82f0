package main

import (
	"github.com/spf13/cobra"

	"kindred/schemas"
)

func (p *program) refresh() *cobra.Command {
	return p.action(schemas.Refresh, "Learn anew from what is there now", true)
}
