package main

import (
	"context"
	"time"

	"kindred/cmd/internal/reading"
	"kindred/cmd/internal/terminal"
	"kindred/schemas"
)

// withLive adds the live counts to expansions. When the caches do not tell, why says so for people.
func (p *program) withLive(ctx context.Context, c *connection, book *reading.Book, of []schemas.Expansion) (all []reading.Expansion, why error) {
	if len(of) == 0 {
		return []reading.Expansion{}, nil
	}
	facts, close, why := p.factsOf(ctx, c, book)
	if why == nil {
		defer close()
		return facts.WithLive(ctx, of)
	}
	for _, e := range of {
		all = append(all, reading.Expansion{Expansion: e})
	}
	return all, why
}

// liveWords says how many members there are, and since when that is not newer.
func liveWords(l *reading.Live) string {
	text := terminal.Count(l.Members, "member")
	if time.Since(l.AsOf) > oldCache {
		return text + " at " + moment(l.AsOf) + ", when a shard was last saved"
	}
	return text + " now"
}

// moment writes a time for people.
func moment(at time.Time) string { return at.UTC().Format("2006-01-02 15:04") + " UTC" }
