package shard

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"kindred/schemas"
	"kindred/schemas/retry"
	"kindred/schemas/wire"
)

// Worker owns the shards that the group gives to this process. It keeps the owner of a shard, with all that is in its
// memory, over a rebalance that gives the shard back.
type Worker struct {
	New   func(shard int) *Owner      // a new owner, its exported fields filled
	Renew func(context.Context) error // takes a new producer id, once nothing is in flight
	Log   *slog.Logger

	mu     sync.Mutex
	owners map[int]*Owner
	joined bool
	turns  turns
}

const (
	pause           = time.Second // before a shard that stopped with an error is taken over again
	triesWithMirror = 3           // after so many, it is taken over from the cache
)

// Run owns the shards until ctx, the group's generation, ends. A shard that cannot go on stops alone.
func (w *Worker) Run(ctx context.Context, shards []int, fence Fence) error {
	if err := w.Renew(ctx); err != nil { // from here on, what was published before shows another producer id
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
	failures := 0
	for {
		err := o.Run(ctx, fence)
		if err == nil {
			return
		}
		o.status.stopped(err)
		switch {
		case errors.Is(err, wire.ErrRecreated):
			w.Log.Error("a shard stops: an input was deleted and made anew", "shard", o.Shard, "error", err,
				"try", fmt.Sprintf("delete the keys %s{%d}:* in Redis and start again, or start with another prefix", o.Prefix, o.Shard))
			<-ctx.Done()
			return
		case errors.Is(err, schemas.ErrFormat):
			w.Log.Error("a shard stops: an input was written by another version of this program", "shard", o.Shard, "error", err,
				"try", "run the version that wrote it, or a later one")
			o.forget() // it may have applied a part of a batch, which is read again from the offset that was saved
			<-ctx.Done()
			return
		}
		o.Stats.Restarts.Add(1)
		w.Log.Warn("a shard has stopped; it is taken over again", "shard", o.Shard, "error", err)
		if failures++; failures%triesWithMirror == 0 {
			o.forget() // perhaps the mirror is what it stops at
		}
		if retry.Sleep(ctx, pause) != nil {
			return
		}
	}
}

// take returns the owners of the shards: those that stay are kept, those of other shards are let go, new ones are made.
func (w *Worker) take(shards []int) []*Owner {
	w.mu.Lock()
	defer w.mu.Unlock()
	kept := make(map[int]*Owner, len(shards))
	owners := make([]*Owner, 0, len(shards))
	for _, shard := range shards {
		o := w.owners[shard]
		if o == nil {
			o = w.New(shard)
			o.turns = &w.turns
		}
		kept[shard] = o
		owners = append(owners, o)
	}
	w.owners, w.joined = kept, true
	return owners
}

// Ready reports whether every shard of this process has caught up. Before the first generation it is false.
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
