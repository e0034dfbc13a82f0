package control

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"kindred/pipeline/cache"
	"kindred/pipeline/learn"
	"kindred/pipeline/route"
	"kindred/schemas"
	"kindred/schemas/retry"
	"kindred/schemas/wire"
)

// Group is the controller's place in its consumer group.
type Group interface {
	Committed(ctx context.Context, topic string, partitions ...int) (map[int]int64, error) // -1: none
}

// Transactions write all or nothing, as for the router, under an id of the controller's own. Every transaction moves an
// offset of the group, if only to where it is: so the group fences, too, a controller that does not know it is over.
type Transactions = route.Transactions

// Shards tell what every shard's cache holds and how far its owner has got.
type Shards interface {
	ReadMetas(ctx context.Context, shards int) ([]*cache.Meta, error) // by shard; nil: there is no cache
}

// Learner finds a model. A *schemas.RunError says that there cannot be one; after any other error it is asked again.
type Learner interface {
	Learn(ctx context.Context, l learn.Lesson, tell func(stage schemas.Stage, progress float64)) (*learn.Result, error)
}

// Controller runs the expansions. Only one may run at a time: its transactions fence an older one.
type Controller struct {
	Prefix       schemas.Prefix
	Number       int // of shards
	Reader       wire.Reader
	Transactions Transactions
	Shards       Shards
	Learner      Learner
	Log          *slog.Logger

	register register
}

const (
	longPoll  = 500 * time.Millisecond
	heartbeat = 1500 * time.Millisecond // a run says so often that it is under way; the contract has 2 s
	calm      = 500 * time.Millisecond  // between two events of a run that differ in progress only
)

// Run takes requests and runs expansions until ctx ends, the group's generation. After any other error it may be called
// again: it goes on from what is committed, and nothing is lost or doubled. A run that was committed is only waited for;
// one that was not begins anew under the next epoch.
func (c *Controller) Run(ctx context.Context, group Group) error {
	c.register.begin(ctx)
	l, err := c.begin(ctx, group)
	if err != nil {
		return retry.Ending(ctx, fmt.Errorf("begin to control: %w", err))
	}
	defer l.background.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	l.background.Go(func() { l.read(ctx) })
	if err := l.resume(ctx); err != nil {
		return retry.Ending(ctx, fmt.Errorf("resume a run: %w", err))
	}
	for {
		if err := l.turn(ctx); err != nil {
			return retry.Ending(ctx, fmt.Errorf("control: %w", err))
		}
	}
}

// now is the time as events tell it.
func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }
