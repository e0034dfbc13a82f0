package cache

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// Info returns what each server that holds caches says of itself, by the names of Redis' INFO. Of a cluster these are its
// masters. A server that is not Redis may say less.
func (s *Store) Info(ctx context.Context) ([]map[string]string, error) {
	var all []map[string]string
	var mutex sync.Mutex
	err := s.eachServer(ctx, func(ctx context.Context, server redis.Cmdable) error {
		text, err := server.Info(ctx).Result()
		if err != nil {
			return err
		}
		mutex.Lock()
		defer mutex.Unlock()
		all = append(all, parseInfo(text))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("ask redis about itself: %w", err)
	}
	return all, nil
}

// eachServer visits each server that holds caches, those of a cluster at the same time.
func (s *Store) eachServer(ctx context.Context, visit func(context.Context, redis.Cmdable) error) error {
	if cluster, is := s.Redis.(*redis.ClusterClient); is {
		return cluster.ForEachMaster(ctx, func(ctx context.Context, master *redis.Client) error { return visit(ctx, master) })
	}
	return visit(ctx, s.Redis)
}

// parseInfo reads lines of name:value.
func parseInfo(text string) map[string]string {
	info := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, found := strings.Cut(strings.TrimSpace(line), ":"); found {
			info[name] = value
		}
	}
	return info
}
