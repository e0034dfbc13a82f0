package shard

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"kindred/schemas/retry"
	"kindred/schemas/wire"
)

// Worker owns the shards that the group gives to this process. What it knows of a shard outlives a rebalance that
// gives the shard back to it.
type Worker struct {
	New   func(shard int) *Owner      // a new owner, its exported fields filled
	Renew func(context.Context) error // takes a new producer id, once nothing is in flight
	Log   *slog.Logger

	mu     sync.Mutex
	owners map[int]*Owner
	joined bool
}

const pause = time.Second // before a shard that has stopped is taken over again

// Run owns the shards until ctx, the group's generation, ends. A shard that cannot go on stops alone.
func (w *Worker) Run(ctx context.Context, shards []int, fence Fence) error {
	if err := w.Renew(ctx); err != nil { // records of before are an earlier life's from here on
		return retry.Ending(ctx, err)
	}
	var group sync.WaitGroup
	for _, o := range w.take(shards) {
		group.Go(func() { w.own(ctx, o, fence) })
	}
	group.Wait()
	return nil
}

// own runs an owner until ctx ends. What stops one shard (its cache cannot be reached, say) stops no other.
func (w *Worker) own(ctx context.Context, o *Owner, fence Fence) {
	for {
		err := o.Run(ctx, fence)
		switch {
		case err == nil:
			return
		case errors.Is(err, wire.ErrRecreated):
			w.Log.Error("a shard stops: an input was deleted and made anew", "shard", o.Shard, "error", err,
				"try", "start with a new prefix, or clear the cache of the shard")
			<-ctx.Done()
			return
		}
		w.Log.Warn("a shard has stopped; it is taken over again", "shard", o.Shard, "error", err)
		o.forget()
		if retry.Sleep(ctx, pause) != nil {
			return
		}
	}
}

// take keeps the owners of the shards that stay, forgets those that went, and makes those that are new.
func (w *Worker) take(shards []int) []*Owner {
	w.mu.Lock()
	defer w.mu.Unlock()
	kept := make(map[int]*Owner, len(shards))
	owners := make([]*Owner, 0, len(shards))
	for _, shard := range shards {
		o := w.owners[shard]
		if o == nil {
			o = w.New(shard)
		}
		kept[shard] = o
		owners = append(owners, o)
	}
	w.owners, w.joined = kept, true
	return owners
}

// Ready says whether every shard of this process has caught up. Without a place in the group it is false.
func (w *Worker) Ready() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, o := range w.owners {
		if !o.CaughtUp() {
			return false
		}
	}
	return w.joined
}
