package main

import (
	"context"
	"fmt"
	"time"

	"kindred/cmd/internal/config"
	"kindred/pipeline/cache"
)

// openCache opens the cache that the settings describe. It connects when it is first used.
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

// cache opens the cache to read from it, and returns once Redis has answered.
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

// caughtUp waits until every shard has handled its profiles up to an offset. By then it has published what follows from them.
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

// reached reports whether every shard's cache holds its profiles up to an offset.
func reached(metas []*cache.Meta, profiles []int64) bool {
	for shard, offset := range profiles {
		if offset > 0 && (metas[shard] == nil || metas[shard].Offsets.Profiles < offset) {
			return false
		}
	}
	return true
}
