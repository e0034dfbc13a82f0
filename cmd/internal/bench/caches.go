package bench

import (
	"context"
	"fmt"

	"kindred/pipeline/cache"
)

// Here is what the bench knows of how a shard's cache is stored in Redis: pipeline/DESIGN.md lists the keys.

// key returns a key of a shard's cache by its name within the shard.
func (w *world) key(shard int, name string) string {
	return fmt.Sprintf("%s{%d}:%s", w.Cache.Prefix, shard, name)
}

// stored returns how many bytes the rows and ids of a block have in Redis, where the last block is as long as any other.
func stored(v *cache.View, block int) int {
	return cache.BlockRows*v.Width + len(v.IDs(block))
}

// content returns how many bytes the rows and ids of all customers have, without the unused rows of last blocks.
func (w *world) content(ctx context.Context) (bytes int64, err error) {
	var view *cache.View
	for shard := range w.Shards {
		if view, err = w.Cache.Scan(ctx, shard, cache.Want{Into: view}); err != nil {
			return 0, err
		}
		for b := range view.Blocks() {
			rows := len(view.Rows(b)) / view.Width
			bytes += int64(rows * stored(view, b) / cache.BlockRows)
		}
	}
	return bytes, nil
}

// wipe clears the caches of all shards, as a Redis that has been restarted would have them. No pipeline may be running. A
// fresh claim deletes all keys of its shard but a new meta.
func (w *world) wipe(ctx context.Context) error {
	for shard := range w.Shards {
		if _, err := w.Cache.Claim(ctx, shard, true); err != nil {
			return err
		}
		if err := w.Cache.Redis.Del(ctx, w.key(shard, "meta")).Err(); err != nil {
			return fmt.Errorf("clear the cache of shard %d: %w", shard, err)
		}
	}
	return w.Cache.Anonymize(ctx)
}

// Clear removes from Redis everything that the bench has stored there.
func (b *Bench) Clear(ctx context.Context) error { return (&world{Bench: b}).wipe(ctx) }
