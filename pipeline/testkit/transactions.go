package testkit

import (
	"context"
	"errors"

	"kindred/consumers"
	"kindred/pipeline/route"
	"kindred/producers"
	"kindred/schemas/wire"
)

// ErrCrash is what a broken transaction ends with.
var ErrCrash = errors.New("crash")

// Transactions are the real ones, with a place to break them. What is broken is left as a killed process would leave it.
type Transactions struct {
	real  *producers.Transactional
	group producers.GroupRef

	Crash  func() bool // is asked before and after every commit whether the process ends here; nil: it never does
	Writes bool        // Crash is asked after every write, too
}

// Transactions returns those under a transactional id, for a place in a group.
func (w *World) Transactions(id string, gen *consumers.Generation) *Transactions {
	return &Transactions{
		real: &producers.Transactional{Cluster: w.Kafka, ID: string(w.Prefix) + id},
		group: producers.GroupRef{GroupID: gen.GroupID, MemberID: gen.MemberID, Instance: gen.Instance, Generation: gen.ID,
			TopicIDs: gen.TopicIDs},
	}
}

// Fence ends an older term for good.
func (t *Transactions) Fence(ctx context.Context) error { return t.real.Init(ctx) }

// Transact commits what fill writes with the group's next offset of a topic.
func (t *Transactions) Transact(ctx context.Context, topic string, next int64, fill func(route.Writer) error) error {
	tx := t.real.Begin()
	err := fill(writer{tx, t})
	if err == nil {
		tx.Offsets(topic, 0, next)
		err = t.crash()
	}
	if err == nil {
		err = tx.Commit(ctx, t.group)
	}
	if err != nil && !errors.Is(err, ErrCrash) {
		return errors.Join(err, tx.Abort(context.WithoutCancel(ctx)))
	}
	if err == nil {
		err = t.crash()
	}
	return err
}

func (t *Transactions) crash() error {
	if t.Crash != nil && t.Crash() {
		return ErrCrash
	}
	return nil
}

type writer struct {
	*producers.Tx
	transactions *Transactions
}

func (w writer) Write(ctx context.Context, topic string, partition int, key, value []byte, h wire.Headers) error {
	err := w.Tx.Write(ctx, topic, partition, key, value, h)
	if err == nil && w.transactions.Writes {
		err = w.transactions.crash()
	}
	return err
}
