package shard

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"kindred/pipeline/cache"
	"kindred/schemas"
	"kindred/schemas/retry"
	"kindred/schemas/wire"
)

// Reader reads the inputs.
type Reader interface {
	wire.Reader

	// Reusing returns a Fetcher that uses its memory again: what a Fetch returned is good until n more are called.
	Reusing(n int) wire.Fetcher
}

// Publisher writes a batch to a partition and waits until Kafka has acknowledged it.
type Publisher interface {
	Publish(ctx context.Context, topic string, partition int, b *wire.Builder) (wire.Ack, error)
	ProducerID() int64
}

// Fence commits offsets as the present member of the group; Kafka refuses it when the shard has another owner by now.
type Fence interface {
	Commit(ctx context.Context, topic string, offsets map[int]int64) error
}

// Owner is the only writer of one shard's cache and of one partition of memberships. Run may be called again with the
// next generation of the group: what it has in memory is used again if it is still true.
type Owner struct {
	Shard       int
	Shards      int
	Prefix      schemas.Prefix
	Partitioner schemas.Partitioner
	Flat        bool // profiles are rows, see schemas.Profile
	Reader      Reader
	Publisher   Publisher
	Cache       *cache.Store
	Log         *slog.Logger
	Stats       *Stats

	// StaleAfter is the smallest delete.retention.ms of the inputs: a mirror or a cache that had caught up longer ago may have
	// missed the tombstone of an erasure. Default 24 h, as Kafka's.
	StaleAfter time.Duration

	// Topics are the ids of the inputs, by input; empty: not known. Offsets that were saved of a topic with another id mean
	// nothing: it was deleted and made anew.
	Topics [alwaysRead]string

	// Changes, when not empty, makes the owner write membership-changes, too. It names the topic since when everybody who writes
	// memberships writes there as well: when a cache has another name, what is there may lack something.
	Changes string

	mirror *cache.Mirror
	meta   cache.Meta
	writer *cache.Writer
	fresh  time.Time // when the mirror had last caught up; zero: never

	distrusted bool // what is cached does not do: the next Run reads everything from the start

	turns      *turns   // of the process's shards; nil: there are no others
	backlog    *backlog // what a take-over has not read yet; nil: it has caught up
	stretch    int64    // offsets of a stretch of it; default stretchOffsets
	inputs     inputs
	expansions expansions
	inOrder    []*expansion // the same, each after those whose members it uses
	passes     []*pass      // the first one is at work
	forms      uint64       // of the mirror, as far as passes have been started for what they changed

	// By segment: the offset of the first record of a snapshot whose mark has not been applied.
	// Invariant: the offset of segment-members that is saved is never past any of them. What a snapshot collects is in
	// memory only, and must be read again after a crash.
	collecting map[string]int64

	touched    []touchedRow // rows to reconcile
	spare      []touchedRow // memory of the touched rows before, used again
	releasable []int32      // rows without a profile, to be freed unless a segment or a published state needs them
	out        outbox
	told       *told        // what was read of the log of changes, until it is compared; nil: it says what is published
	letters    wire.Builder // dead letters of the present batch
	saving     saving
	caughtUp   atomic.Bool // has read all that was there when it took over
	status     status

	memberHeaders memberHeaders
	headersSeen   headersSeen
	decoded       schemas.Profile        // scratch
	scores        [cache.BlockRows]int16 // scratch
}

// CaughtUp reports whether the owner has read all that was there when it took over.
func (o *Owner) CaughtUp() bool { return o.caughtUp.Load() }

// Run owns the shard until ctx ends. It publishes nothing before it has read all that was there.
func (o *Owner) Run(ctx context.Context, fence Fence) error {
	defer o.caughtUp.Store(false)
	defer o.awaitSave()
	o.decoded.Flat = o.Flat
	if err := o.takeOver(ctx, fence); err != nil {
		return retry.Ending(ctx, fmt.Errorf("take over shard %d: %w", o.Shard, err))
	}
	if err := o.catchUp(ctx, fence); err != nil {
		return retry.Ending(ctx, o.stopped(fmt.Errorf("shard %d: %w", o.Shard, err)))
	}
	stop := o.inputs.start(ctx, o.Reader)
	defer stop()
	for {
		batch, err := o.next(ctx) // whatever queued while the last batch was in flight
		if err != nil {
			return retry.Ending(ctx, err)
		}
		if err := o.turn(ctx, batch); err != nil {
			return retry.Ending(ctx, o.stopped(fmt.Errorf("shard %d: %w", o.Shard, err)))
		}
		if err := o.save(ctx, fence); err != nil { // only what Kafka has acknowledged gets here
			return retry.Ending(ctx, fmt.Errorf("save shard %d: %w", o.Shard, err))
		}
	}
}

// turn applies a batch, works out what it and the next slice of a pass change, and publishes that.
func (o *Owner) turn(ctx context.Context, batch []wire.Fetched) error {
	if err := o.apply(ctx, batch); err != nil {
		return err
	}
	if o.stale(o.fresh) { // the process was frozen
		o.forget()
		return fmt.Errorf("the shard stood still since %s, for longer than tombstones are kept: it is rebuilt", o.fresh.Format(time.RFC3339))
	}
	o.fresh = time.Now()
	if forms := o.mirror.Forms(); forms != o.forms { // a field has other values in rows that nobody has touched
		o.forms = forms
		o.repairPass()
	}
	if err := o.reconcileTouched(ctx); err != nil {
		return err
	}
	return o.continuePass(ctx)
}

// stopped returns the error that has stopped the owner, and drops a mirror with which the next Run would meet it again.
func (o *Owner) stopped(err error) error {
	if errors.Is(err, errFreed) {
		o.forget()
		o.distrusted = true
	}
	return err
}

// next waits for a batch. It returns none when a pass has more to do or a save is due.
func (o *Owner) next(ctx context.Context) ([]wire.Fetched, error) {
	if len(o.passes) > 0 || len(o.touched) > 0 {
		select {
		case batch := <-o.inputs.queue:
			return batch, nil
		default:
			return nil, ctx.Err()
		}
	}
	select {
	case batch := <-o.inputs.queue:
		return batch, nil
	case <-o.saving.timer.C:
		return nil, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
