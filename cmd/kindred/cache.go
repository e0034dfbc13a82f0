package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"kindred/cmd/internal/config"
	"kindred/pipeline/cache"
	"kindred/schemas"
)

// openCache gives the cache that the settings describe. It connects when it is first used.
func openCache(settings *config.Settings, embedded bool) (*cache.Store, error) {
	encryption, err := settings.RedisTLS.Config()
	if err != nil {
		return nil, &failure{code: misused, err: fmt.Errorf("tls for redis: %w", err)}
	}
	return cache.Open(cache.Options{
		Addresses: settings.Redis,
		User:      settings.RedisLogin.User,
		Password:  settings.RedisLogin.Password,
		TLS:       encryption,
		Prefix:    settings.Prefix,
		Whole:     embedded,
	}), nil
}

// cache opens a cache that answers, to read from.
func (p *program) cache(ctx context.Context) (*cache.Store, error) {
	if err := p.settings.ReachRedis(ctx); err != nil {
		return nil, err
	}
	store, err := openCache(&p.settings, false)
	if err != nil {
		return nil, err
	}
	limited, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	if err := store.Ping(limited); err != nil {
		store.Close()
		return nil, &config.Unreachable{Server: "Redis", Tried: p.settings.Redis, Err: err}
	}
	return store, nil
}

// caughtUp waits until every shard has handled its profiles up to an offset: what follows from them is then published.
func (p *program) caughtUp(ctx context.Context, profiles []int64) error {
	store, err := p.cache(ctx)
	if err != nil {
		return err
	}
	defer store.Close()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		metas, err := store.ReadMetas(ctx, len(profiles))
		if err != nil {
			return err
		}
		if reached(metas, profiles) {
			return nil
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func reached(metas []*cache.Meta, profiles []int64) bool {
	for shard, offset := range profiles {
		if offset > 0 && (metas[shard] == nil || metas[shard].Offsets.Profiles < offset) {
			return false
		}
	}
	return true
}

// best reads the best members of an expansion from the cache of every shard.
func (p *program) best(ctx context.Context, shards int, expansion string, most int) ([]schemas.Membership, error) {
	store, err := p.cache(ctx)
	if err != nil {
		return nil, err
	}
	defer store.Close()
	r := ranking{expansion: expansion, most: most}
	var view *cache.View
	for shard := range shards {
		view, err = store.Scan(ctx, shard, cache.Want{Expansions: []string{expansion}, Into: view})
		if errors.Is(err, cache.ErrNotReady) {
			return nil, hint(err, "again in a moment; is kindred serve running?")
		}
		if err != nil {
			return nil, err
		}
		r.seeShard(view)
	}
	return r.members(), nil
}

// seeShard takes in the members of a shard.
func (r *ranking) seeShard(view *cache.View) {
	published := view.Published(r.expansion)
	for row := range view.NumRows {
		if state := published.Get(row); state.Member() {
			r.see(view.ID(row), state.Score(), state.Band())
		}
	}
}
