package main

import (
	"context"
	"sync/atomic"
	"time"

	"kindred/consumers"
	"kindred/pipeline/route"
	"kindred/producers"
)

// abortPatience is how long a transaction that failed is aborted for. What is then still open is ended by the next Fence, or by
// the broker, so that a broker that does not answer holds up neither the next try nor the end of the process.
const abortPatience = 5 * time.Second

// transactions are those of the router or the controller in one generation of their group. A process that is no longer in
// the group, or whose transactional id has been taken by another, commits nothing.
type transactions struct {
	producer *producers.Transactional
	group    *consumers.Generation
	counts   *counts
	inside   *atomic.Bool // true while one is being filled
}

// Fence takes the transactional id: transactions that a predecessor has open are aborted, and it can begin no others. When it
// is called again it does not fence a successor, but returns producers.ErrFenced if there is one.
func (t transactions) Fence(ctx context.Context) error { return t.producer.Init(ctx) }

// Transact commits the records that fill writes together with the next offset of an input topic of one partition.
func (t transactions) Transact(ctx context.Context, topic string, next int64, fill func(route.Writer) error) error {
	tx := t.producer.Begin()
	defer func() { // does nothing once it is committed
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortPatience)
		defer cancel()
		_ = tx.Abort(ctx)
	}()
	seen := &seeing{Writer: tx, counts: t.counts}
	t.inside.Store(true)
	err := fill(seen)
	t.inside.Store(false)
	if err != nil {
		return err
	}
	tx.Offsets(topic, 0, next)
	err = tx.Commit(ctx, producers.GroupRef{
		GroupID: t.group.GroupID, MemberID: t.group.MemberID, Instance: t.group.Instance, Generation: t.group.ID,
		TopicIDs: t.group.TopicIDs,
	})
	if err == nil {
		seen.committed()
	}
	return err
}
