package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"kindred/cmd/internal/reading"
	"kindred/schemas"
)

func (p *program) members() *cobra.Command {
	var limit int
	var heldOut, follow bool
	command := &cobra.Command{
		Use:   "members ID",
		Short: "Show the members of an expansion, the most similar first",
		Long: "Show the members of an expansion, the most similar first. With --holdout it shows instead who would be a member now and is held\n" +
			"out, with the score and the band of a member.",
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
			if follow && heldOut {
				return usage("--follow goes on with members, not with who is held out", command.CommandPath()+" --help")
			}
			if follow {
				if p.settings.JSON {
					return usage("members --follow is for people", "kindred export "+id+" --follow, which writes JSON lines")
				}
				return p.followMembers(command.Context(), id, limit)
			}
			members, err := p.best(command.Context(), id, limit, heldOut)
			if err != nil {
				return err
			}
			return p.print(members, func() {
				p.out.Members(1, memberships(members))
				switch {
				case len(members) > 0:
				case heldOut:
					p.aside.Line("nobody is held out of %s: kindred show %s says whether it has a hold-out", id, id)
				default:
					p.aside.Line("nobody is a member of %s: kindred show %s says why", id, id)
				}
			})
		},
	}
	command.Flags().IntVar(&limit, "limit", 100, "show at most so many")
	command.Flags().BoolVar(&heldOut, "holdout", false, "show who is held out")
	command.Flags().BoolVar(&follow, "follow", false, "go on with every change, until Ctrl-C")
	return command
}

// best reads the best members of an expansion, or the best of those who are held out. When what the caches say is old it says so.
func (p *program) best(ctx context.Context, id string, most int, heldOut bool) ([]reading.Member, error) {
	if err := p.settings.ReachRedis(ctx); err != nil {
		return nil, err
	}
	c, err := p.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer c.close()
	facts, close, err := p.facts(ctx, c, schemas.Expansions)
	if err != nil {
		return nil, err
	}
	defer close()
	list := facts.Members
	if heldOut {
		list = facts.HeldOut
	}
	page, err := list(ctx, id, most, "")
	if err != nil {
		return nil, err
	}
	p.tellAge(page.AsOf)
	return page.Members, nil
}

// memberships returns members as they are drawn.
func memberships(of []reading.Member) []schemas.Membership {
	drawn := make([]schemas.Membership, len(of))
	for i, m := range of {
		drawn[i] = schemas.Membership{CustomerID: m.CustomerID, Score: m.Score, Band: m.Band}
	}
	return drawn
}
