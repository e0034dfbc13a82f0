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

// openCache opens the cache that the settings describe. It connects when it is first used.
func openCache(settings *config.Settings, embedded bool) (*cache.Store, error) {
	encryption, err := settings.RedisTLS.Config()
	if err != nil {
		return nil, &failure{code: misused, err: fmt.Errorf("tls for redis: %w", err)}
	}
	password, err := settings.RedisPassword()
	if err != nil {
		return nil, &failure{code: misused, err: err}
	}
	return cache.Open(cache.Options{
		Addresses: settings.Redis,
		User:      settings.RedisLogin.User,
		Password:  password,
		TLS:       encryption,
		Prefix:    settings.Prefix,
		Whole:     embedded,
	}), nil
}

// cache opens the cache to read from it, and returns once Redis has answered.
func (p *program) cache(ctx context.Context) (*cache.Store, error) {
	store, err := openCache(&p.settings, false)
	if err != nil {
		return nil, err
	}
	if err := checkCache(ctx, &p.settings, store, cache.Reading); err != nil {
		store.Close()
		return nil, err
	}
	return store, nil
}

// caches is cache that also returns how many shards there are.
func (p *program) caches(ctx context.Context, c *connection) (store *cache.Store, shards int, err error) {
	if shards, err = c.partitions(ctx, schemas.Profiles); err != nil {
		return nil, 0, err
	}
	store, err = p.cache(ctx)
	return store, shards, err
}

// checkCache returns an error unless Redis answers and can be used so. It tells a server that does not answer from one that
// does not let itself be used.
func checkCache(ctx context.Context, settings *config.Settings, store *cache.Store, use cache.Use) error {
	if err := settings.ReachRedis(ctx); err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	err := store.Check(limited, use)
	var refusal *cache.Refusal
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refusal) && refusal.Login:
		return &failure{code: unreachable, err: err, try: refusal.Try}
	case errors.As(err, &refusal):
		return &failure{code: misused, err: err, try: refusal.Try}
	}
	return &config.Unreachable{Server: "Redis", Tried: settings.Redis, Err: err}
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
