package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"kindred/cmd/internal/terminal"
	"kindred/pipeline/cache"
	"kindred/schemas"
)

// fresh is how old the counts of a cache may be to be called those of now. Its owner saves at least once a second.
const fresh = 10 * time.Second

// liveCount is how many members an expansion has, as the owners of all shards count them between runs.
type liveCount struct {
	Members int64              `json:"members"`
	Bands   [cache.Bands]int64 `json:"bands"` // from the lowest to the highest
	AsOf    time.Time          `json:"asOf"`  // when the shard was saved whose save is the oldest
}

// shown is an expansion as it is shown: its record, and what its shards count.
type shown struct {
	schemas.Expansion
	Live   *liveCount `json:"live"`             // null: not known
	WhatIf *whatIf    `json:"whatIf,omitempty"` // when it was asked for
}

// withLive adds the live counts to expansions. When the caches do not tell, why says so for people.
func (p *program) withLive(ctx context.Context, c *connection, expansions []schemas.Expansion) (all []shown, why error) {
	var metas []*cache.Meta
	if len(expansions) > 0 {
		metas, why = p.metas(ctx, c)
	}
	all = make([]shown, len(expansions))
	for i, e := range expansions {
		all[i].Expansion = e
		if metas != nil && e.Definition != nil {
			all[i].Live = countLive(metas, e.ExpansionID)
		}
	}
	return all, why
}

// metas reads the metas of all shards, if all of them are whole.
func (p *program) metas(ctx context.Context, c *connection) ([]*cache.Meta, error) {
	store, shards, err := p.caches(ctx, c)
	if err != nil {
		return nil, err
	}
	defer store.Close()
	limited, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	metas, err := store.ReadMetas(limited, shards)
	if err != nil {
		return nil, err
	}
	for shard, meta := range metas {
		switch {
		case meta == nil:
			return nil, fmt.Errorf("redis has no cache of shard %d", shard)
		case !meta.Ready:
			return nil, fmt.Errorf("the cache of shard %d is not ready", shard)
		}
	}
	if len(metas) == 0 {
		return nil, errors.New("there are no shards")
	}
	return metas, nil
}

func countLive(metas []*cache.Meta, expansionID string) *liveCount {
	oldest := metas[0].SavedAt
	var count liveCount
	for _, meta := range metas {
		oldest = min(oldest, meta.SavedAt)
		if progress := meta.Expansions[expansionID]; progress != nil {
			for band, n := range progress.Members {
				count.Bands[band] += n
				count.Members += n
			}
		}
	}
	count.AsOf = time.UnixMilli(oldest).UTC()
	return &count
}

// words says how many members there are, and since when that is not newer.
func (l *liveCount) words() string {
	text := terminal.Count(l.Members, "member")
	if time.Since(l.AsOf) > fresh {
		return text + " at " + moment(l.AsOf) + ", when a shard was last saved"
	}
	return text + " now"
}

// moment writes a time for people.
func moment(at time.Time) string { return at.UTC().Format("2006-01-02 15:04") + " UTC" }
