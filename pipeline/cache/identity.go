package cache

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// Identity returns the id by which processes know that they use the same Redis under the same prefix; empty: it has none, as it
// is new or was emptied.
func (s *Store) Identity(ctx context.Context) (string, error) {
	id, err := s.Redis.Get(ctx, s.identity()).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return "", fmt.Errorf("read the id of redis: %w", err)
	}
	return id, nil
}

// Identify gives Redis an id, unless it has one, and returns the one it has then.
func (s *Store) Identify(ctx context.Context, id string) (string, error) {
	if err := s.Redis.SetNX(ctx, s.identity(), id, 0).Err(); err != nil {
		return "", fmt.Errorf("give redis an id: %w", err)
	}
	return s.Identity(ctx)
}

func (s *Store) identity() string { return s.Prefix + "identity" }

// Anonymize takes its id from Redis, as if it had been emptied.
func (s *Store) Anonymize(ctx context.Context) error {
	if err := s.Redis.Del(ctx, s.identity()).Err(); err != nil {
		return fmt.Errorf("take the id of redis: %w", err)
	}
	return nil
}
