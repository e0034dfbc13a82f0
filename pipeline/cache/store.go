package cache

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
)

var (
	// ErrLost means that a cache is not as its writer last left it: another owner has claimed it, or Redis has lost it.
	ErrLost = errors.New("the cache is not as it was last written")

	// ErrNotReady means that a cache is not whole now: it is being built, or changes owners. Try again later.
	ErrNotReady = errors.New("the cache is not ready")

	// ErrOtherRows means that a cache has other rows than those of Want.Keep.
	ErrOtherRows = errors.New("the cache has other rows")
)

// Store is where the caches of all shards are. It may be used by several goroutines.
type Store struct {
	Redis  redis.UniversalClient
	Prefix string // before every key
	Whole  bool   // store whole blocks only; for miniredis, which copies a string to change it

	failures atomic.Int64
	known    sync.Map // parts by shard
}

// Options are how to reach Redis.
type Options struct {
	Addresses []string // host:port; several are those of a cluster
	User      string
	Password  string
	TLS       *tls.Config // nil: no encryption
	Prefix    string
	Whole     bool // see Store
}

// Open makes a Store. It connects when it is first used. Redis must not evict keys (maxmemory-policy noeviction).
func Open(o Options) *Store {
	s := &Store{Prefix: o.Prefix, Whole: o.Whole, Redis: redis.NewUniversalClient(&redis.UniversalOptions{
		Addrs:                 o.Addresses,
		Username:              o.User,
		Password:              o.Password,
		TLSConfig:             o.TLS,
		ContextTimeoutEnabled: true, // a context that ends, ends the waiting for a reply
	})}
	s.Redis.AddHook(failureCount{&s.failures})
	return s
}

// Close closes the connections.
func (s *Store) Close() error { return s.Redis.Close() }

func (s *Store) keys(shard int) keys { return keysOf(s.Prefix, shard) }

// ReadMeta reads what a shard's owner last stored of it; nil: nothing. A meta that this build cannot use comes back as
// damaged and not ready.
func (s *Store) ReadMeta(ctx context.Context, shard int) (*Meta, error) {
	meta, err := s.metaIn(shard, s.Redis.HGetAll(ctx, s.keys(shard).meta()))
	if err != nil {
		return nil, fmt.Errorf("read meta of shard %d: %w", shard, err)
	}
	return meta, nil
}

// ReadMetas reads the meta of all shards at once, nil for a shard that has none.
func (s *Store) ReadMetas(ctx context.Context, shards int) ([]*Meta, error) {
	replies := make([]*redis.MapStringStringCmd, shards)
	_, err := s.Redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for shard := range replies {
			replies[shard] = p.HGetAll(ctx, s.keys(shard).meta())
		}
		return nil
	})
	if err != nil && !isWrongType(err) {
		return nil, fmt.Errorf("read the meta of %d shards: %w", shards, err)
	}
	metas := make([]*Meta, shards)
	for shard, reply := range replies {
		if metas[shard], err = s.metaIn(shard, reply); err != nil {
			return nil, fmt.Errorf("read meta of shard %d: %w", shard, err)
		}
	}
	return metas, nil
}

func (s *Store) metaIn(shard int, reply *redis.MapStringStringCmd) (*Meta, error) {
	hash, err := reply.Result()
	switch {
	case isWrongType(err):
		return &Meta{Damaged: "its meta is no hash"}, nil
	case err != nil:
		return nil, err
	}
	return metaOf(hash, s.parts(shard)), nil
}

// isWrongType reports whether err is Redis' answer to a command for strings or hashes when the key holds something else.
func isWrongType(err error) bool { return redis.HasErrorPrefix(err, "WRONGTYPE") }

// integer reads a value that Redis returned, if there is one.
func integer(text any) (int64, bool) {
	s, ok := text.(string)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}
