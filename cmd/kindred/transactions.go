package main

import (
	"context"

	"kindred/consumers"
	"kindred/pipeline/route"
	"kindred/producers"
)

// transactions are those of the router or the controller in one generation of their group. Whoever is no longer in the
// group, or is an older life under the same transactional id, commits nothing.
type transactions struct {
	producer *producers.Transactional
	group    *consumers.Generation
}

func (t transactions) Fence(ctx context.Context) error { return t.producer.Init(ctx) }

func (t transactions) Transact(ctx context.Context, topic string, next int64, fill func(route.Writer) error) error {
	tx := t.producer.Begin()
	defer tx.Abort(context.WithoutCancel(ctx)) // nothing, once it is committed
	if err := fill(tx); err != nil {
		return err
	}
	tx.Offsets(topic, 0, next)
	return tx.Commit(ctx, producers.GroupRef{
		GroupID: t.group.GroupID, MemberID: t.group.MemberID, Generation: t.group.ID,
	})
}
