package main

import (
	"github.com/spf13/cobra"

	"kindred/schemas"
)

func (p *program) delete() *cobra.Command {
	return p.action(schemas.Delete, "Delete an expansion: all its members leave", false)
}
