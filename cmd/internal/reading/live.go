package reading

import (
	"context"
	"errors"
	"fmt"
	"time"

	"kindred/pipeline/cache"
	"kindred/pipeline/learn"
	"kindred/schemas"
)

// Live is how many members an expansion has, as the owners of all shards count them between runs.
type Live struct {
	Members int64              `json:"members"`
	Bands   [cache.Bands]int64 `json:"bands"` // from the lowest to the highest
	AsOf    time.Time          `json:"asOf"`  // when the shard was saved whose save is the oldest
}

// Expansion is an expansion as it is shown: its record, and what its shards count.
type Expansion struct {
	schemas.Expansion
	Live   *Live        `json:"live"`             // null: not known
	Drift  *learn.Drift `json:"drift,omitempty"`  // when it was asked for, and its model tells
	WhatIf *WhatIf      `json:"whatIf,omitempty"` // when it was asked for
}

// WithLive adds the live counts to expansions. When the caches do not tell, why says so for people.
func (f *Facts) WithLive(ctx context.Context, expansions []schemas.Expansion) (all []Expansion, why error) {
	var metas []*cache.Meta
	if len(expansions) > 0 {
		metas, why = f.wholeMetas(ctx)
	}
	all = make([]Expansion, len(expansions))
	for i, e := range expansions {
		all[i].Expansion = e
		if metas != nil && e.Definition != nil {
			all[i].Live = countLive(metas, e.ExpansionID)
		}
	}
	return all, why
}

// wholeMetas reads the metas of all shards, if all of them are whole.
func (f *Facts) wholeMetas(ctx context.Context) ([]*cache.Meta, error) {
	limited, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	metas, err := f.Cache.ReadMetas(limited, f.Shards)
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

func countLive(metas []*cache.Meta, expansionID string) *Live {
	oldest := metas[0].SavedAt
	var count Live
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
