package control

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"kindred/pipeline/cache"
	"kindred/pipeline/learn"
	"kindred/pipeline/route"
	"kindred/pipeline/selection"
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

// Shards knows what every shard's cache holds and how far its owner has got.
type Shards interface {
	ReadMetas(ctx context.Context, shards int) ([]*cache.Meta, error) // by shard; nil: there is no cache
}

// Learner finds a model, and reports how far it is, 0 to 1 within each stage, from any goroutine. A *schemas.RunError means
// that there cannot be a model; after any other error it is asked again.
type Learner interface {
	Learn(ctx context.Context, l learn.Lesson, report func(stage schemas.Stage, progress float64)) (*learn.Result, error)
}

// Controller runs the expansions. Only one may run at a time: its transactions fence an older one.
type Controller struct {
	Prefix       schemas.Prefix
	Number       int // of shards
	Reader       wire.Reader
	Transactions Transactions
	Shards       Shards
	Learner      Learner
	Presets      selection.Presets // of one's own
	Learners     int               // how many runs learn at a time; default one
	Log          *slog.Logger

	taken takenIDs
}

// Run takes requests and runs expansions until ctx ends, the group's generation. After any other error it may be called
// again: it goes on from what is committed, and nothing is lost or doubled. A run that was committed is only waited for;
// one that was not begins anew under the next epoch.
//
// A record that another version of kindred has written in a format unknown to this one is such an error, and wraps
// schemas.ErrFormat: nothing is decided that depends on it.
func (c *Controller) Run(ctx context.Context, group Group) error {
	c.taken.begin(ctx)
	t, err := c.begin(ctx, group)
	if err != nil {
		return retry.Ending(ctx, fmt.Errorf("begin to control: %w", err))
	}
	defer t.background.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	from := t.at
	t.background.Go(func() { t.fetch(ctx, from) })
	if err := t.resume(ctx); err != nil {
		return retry.Ending(ctx, fmt.Errorf("resume a run: %w", err))
	}
	for {
		if err := t.turn(ctx); err != nil {
			return retry.Ending(ctx, fmt.Errorf("control: %w", err))
		}
	}
}

// now returns the time as events carry it: UTC, in milliseconds.
func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }
