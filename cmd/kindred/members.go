package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"kindred/schemas"
)

func (p *program) members() *cobra.Command {
	var limit int
	command := &cobra.Command{
		Use:     "members ID",
		Short:   "Show the members of an expansion, the most similar first",
		Example: "  kindred members vip-expansion --limit 20",
		Args:    named("ID"),
		RunE: func(command *cobra.Command, arguments []string) error {
			id := arguments[0]
			if err := canBeExpansion(command, id); err != nil {
				return err
			}
			if limit < 1 || limit > 1_000_000 {
				return usage(fmt.Sprintf("--limit %d: want 1 to 1,000,000", limit), command.CommandPath()+" --help")
			}
			ctx := command.Context()
			if err := p.settings.ReachRedis(ctx); err != nil {
				return err
			}
			shards, err := p.shardsOf(ctx, id)
			if err != nil {
				return err
			}
			members, err := p.best(ctx, shards, id, limit)
			if err != nil {
				return err
			}
			return p.print(brief(members), func() {
				p.out.Members(1, members)
				if len(members) == 0 {
					p.aside.Line("nobody is a member of %s: kindred show %s says why", id, id)
				}
			})
		},
	}
	command.Flags().IntVar(&limit, "limit", 100, "show at most so many")
	return command
}

// shardsOf returns how many shards the members of an expansion are spread over. An expansion that does not exist is an error.
func (p *program) shardsOf(ctx context.Context, id string) (int, error) {
	c, err := p.connect(ctx)
	if err != nil {
		return 0, err
	}
	defer c.close()
	expansion, err := c.expansion(ctx, id)
	if err != nil {
		return 0, err
	}
	if expansion == nil {
		return 0, unknown(id)
	}
	return c.partitions(ctx, schemas.Profiles)
}

// briefMember is a member as the cache knows it.
type briefMember struct {
	CustomerID string  `json:"customerId"`
	Score      float64 `json:"score"`
	Band       string  `json:"band"`
}

// brief returns members as they are printed as JSON.
func brief(members []schemas.Membership) []briefMember {
	short := make([]briefMember, len(members))
	for i, m := range members {
		short[i] = briefMember{m.CustomerID, m.Score, m.Band}
	}
	return short
}
