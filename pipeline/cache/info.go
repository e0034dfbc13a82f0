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
	ask := func(ctx context.Context, server interface {
		Info(context.Context, ...string) *redis.StringCmd
	}) error {
		text, err := server.Info(ctx).Result()
		if err != nil {
			return err
		}
		mutex.Lock()
		defer mutex.Unlock()
		all = append(all, parseInfo(text))
		return nil
	}
	var err error
	if cluster, is := s.Redis.(*redis.ClusterClient); is {
		err = cluster.ForEachMaster(ctx, func(ctx context.Context, master *redis.Client) error { return ask(ctx, master) })
	} else {
		err = ask(ctx, s.Redis)
	}
	if err != nil {
		return nil, fmt.Errorf("ask redis about itself: %w", err)
	}
	return all, nil
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
