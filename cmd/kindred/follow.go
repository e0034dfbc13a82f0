package main

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"kindred/cmd/internal/reading"
	"kindred/schemas"
)

// present is a line of `export --follow` about who is a member already. Those that follow are a reading.Movement each.
type present struct {
	Change     string  `json:"change"`
	CustomerID string  `json:"customerId"`
	Score      float64 `json:"score"`
	Band       string  `json:"band"`
}

// followAll writes everybody who is a member as JSON lines, and then what memberships says from where the list was made, until ctx
// ends.
func (e *exporting) followAll(ctx context.Context, facts *reading.Facts, roster *reading.Roster) error {
	out := e.stdout()
	lines := json.NewEncoder(out)
	lines.SetEscapeHTML(false)
	err := roster.Each(func(m reading.Member) error {
		return lines.Encode(present{"member", m.CustomerID, m.Score, m.Band})
	})
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		return err
	}
	return facts.Follow(ctx, e.id, roster.Offsets, func(m *reading.Movement) error {
		if err := lines.Encode(m); err != nil {
			return err
		}
		return out.Flush()
	})
}

// followMembers shows the best members, and then every change as it comes, until ctx ends.
func (p *program) followMembers(ctx context.Context, id string, limit int) error {
	if err := p.settings.ReachRedis(ctx); err != nil {
		return err
	}
	c, err := p.connect(ctx)
	if err != nil {
		return err
	}
	defer c.close()
	facts, close, err := p.facts(ctx, c, schemas.Expansions)
	if err != nil {
		return err
	}
	defer close()
	roster, err := facts.Roster(ctx, id, func(int) {})
	if err != nil {
		return err
	}
	defer roster.Close()
	var best []reading.Member
	err = roster.Each(func(m reading.Member) error {
		if len(best) < limit {
			best = append(best, m)
		}
		return nil
	})
	if err != nil {
		return err
	}
	p.tellAge(roster.AsOf)
	p.out.Members(1, memberships(best))
	p.aside.Line("changes of %s follow, until Ctrl-C", id)
	return facts.Follow(ctx, id, roster.Offsets, func(m *reading.Movement) error {
		p.out.Line("  %s  %-7s  %-6s  %-16s  %-7s  %s", m.ChangedAt.UTC().Format(time.DateTime), m.Change, scoreOf(m), bandOf(m), m.Cause, m.CustomerID)
		return nil
	})
}

func scoreOf(m *reading.Movement) string {
	if m.Score == nil {
		return ""
	}
	return strconv.FormatFloat(*m.Score, 'f', 4, 64)
}

func bandOf(m *reading.Movement) string {
	if m.Band == nil {
		return ""
	}
	return *m.Band
}
