package producers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
	"golang.org/x/sync/errgroup"

	"kindred/schemas/broker"
	"kindred/schemas/wire"
)

const (
	maxBatch    = 900_000  // bytes of one batch: below what a topic takes by default
	maxBuffered = 12 << 20 // bytes that a transaction keeps before it sends them
)

// GroupRef names a member of a consumer group in one generation, by which the broker fences the offsets of a transaction.
type GroupRef struct {
	GroupID    string
	MemberID   string
	Instance   string // name of a static member; empty: it is none
	Generation int32

	TopicIDs map[string]string // written beside the offsets of topics, by full name, as consumers.Group does
}

// Tx is one transaction. It keeps what is written until Commit, and sends it earlier only when it is much.
type Tx struct {
	of       *Transactional
	filled   []*txPartition                     // with records not sent yet, in the order of their first
	buffered int                                // bytes in them; at most maxBuffered, unless one record is larger
	used     []*txPartition                     // enlisted
	offsets  map[string][]kafka.TxnOffsetCommit // one for each partition that the caller names
	begun    bool                               // the coordinator may know of it
	dirty    bool                               // something failed: the next transaction needs a new epoch
	failed   error                              // why nothing more can be written
	over     bool
}

// Write puts a record at the end of a partition, with the present time. A nil value is a tombstone. All is copied.
// Usually it only keeps the record; when there are many it sends them and waits for the acknowledgement.
func (tx *Tx) Write(ctx context.Context, topic string, partition int, key, value []byte, h wire.Headers) error {
	if err := tx.usable(); err != nil {
		return err
	}
	p := tx.of.partition(topic, partition)
	about := len(key) + len(value) + len(h) + 32
	if p.records.Len() > 0 && p.records.Size()+about > maxBatch || tx.buffered+about > maxBuffered {
		if err := tx.send(ctx); err != nil {
			return err
		}
	}
	if p.records.Len() == 0 {
		tx.filled = append(tx.filled, p)
	}
	before := p.records.Size()
	p.records.Add(time.Now().UnixMilli(), key, value, h)
	tx.buffered += p.records.Size() - before
	return nil
}

// Offsets commits, with the transaction, the next offset that a group will read in a partition.
func (tx *Tx) Offsets(topic string, partition int, next int64) {
	if tx.offsets == nil {
		tx.offsets = make(map[string][]kafka.TxnOffsetCommit)
	}
	for i, o := range tx.offsets[topic] {
		if o.Partition == partition {
			tx.offsets[topic][i].Offset = next
			return
		}
	}
	tx.offsets[topic] = append(tx.offsets[topic], kafka.TxnOffsetCommit{Partition: partition, Offset: next})
}

// Commit makes all records and offsets count, atomically. The group is needed when offsets were given, and only then.
//
// After ErrAbandoned the transaction may have been committed or not: call Init, after which that is decided, and read the
// group's offsets. After any other error it was not committed and will not be: call Abort to go on, or nothing when the
// error is ErrFenced. A transaction that the broker has aborted because it took too long fails with an ordinary error.
func (tx *Tx) Commit(ctx context.Context, group GroupRef) error {
	if err := tx.usable(); err != nil {
		return err
	}
	if err := tx.enlist(ctx); err != nil {
		return tx.fail(ctx, err)
	}
	tx.begun = tx.begun || len(tx.offsets) > 0
	var parts errgroup.Group // the records go to their leaders while the offsets go to the group's coordinator
	parts.Go(func() error { return tx.deliver(ctx) })
	parts.Go(func() error { return tx.commitOffsets(ctx, group) })
	if err := parts.Wait(); err != nil {
		return tx.fail(ctx, err)
	}
	if tx.begun {
		if err := tx.end(ctx, true); err != nil {
			return tx.fail(ctx, err)
		}
	}
	tx.close()
	return nil
}

// Abort drops everything, unless the transaction is over: it may be deferred. When something had failed it also makes the
// next transaction possible again. After Abort without an error the next Begin needs no Init.
func (tx *Tx) Abort(ctx context.Context) error {
	if tx.over {
		return nil
	}
	t := tx.of
	defer tx.close()
	if !t.ready {
		return nil // Init aborts the transaction
	}
	if tx.begun {
		// Sent whatever has failed: the broker tells a fenced session so, which asking for a new epoch might not.
		switch err := tx.end(ctx, false); {
		case broker.PastEpoch(err):
			return t.Init(ctx) // without an error the broker had aborted it already
		case err != nil && !errors.Is(err, kafka.InvalidTransactionState):
			t.ready = false
			return err
		}
	}
	if tx.dirty {
		return t.Init(ctx)
	}
	return nil
}

// usable returns why nothing more can be written; nil: it can.
func (tx *Tx) usable() error {
	switch {
	case tx.failed != nil:
		return tx.failed
	case tx.over:
		return fmt.Errorf("transaction of %s: it is over", tx.of.ID)
	}
	return nil
}

// fail remembers what went wrong: the transaction can only be aborted.
func (tx *Tx) fail(ctx context.Context, err error) error {
	t := tx.of
	if tx.dirty = true; broker.PastEpoch(err) && !errors.Is(err, ErrAbandoned) {
		err = t.outOfEpoch(ctx, err)
		tx.begun, tx.dirty = false, false // it is over for the broker, and the next one has an epoch of its own
	}
	tx.failed = fmt.Errorf("transaction of %s: %w", t.ID, err)
	if errors.Is(err, ErrFenced) || errors.Is(err, ErrAbandoned) {
		t.ready = false
	}
	return tx.failed
}

// close empties what the next transaction uses again.
func (tx *Tx) close() {
	tx.over = true
	for _, p := range tx.filled {
		p.empty()
	}
	for _, p := range tx.used {
		p.enlisted = false
	}
	tx.filled, tx.used = nil, nil
}

// commitOffsets hands the offsets to the group's coordinator; they count with the transaction.
func (tx *Tx) commitOffsets(ctx context.Context, group GroupRef) error {
	if len(tx.offsets) == 0 {
		return nil
	}
	if group.GroupID == "" || group.MemberID == "" || group.Generation < 0 {
		// The broker accepts offsets without these.
		return errors.New("offsets need a group, a member and its generation: the broker would not fence without")
	}
	t, asked := tx.of, 0
	for _, partitions := range tx.offsets {
		asked += len(partitions)
	}
	err := t.askCoordinator(ctx, "add offsets", func(ctx context.Context) error {
		answer, err := t.Cluster.Client.AddOffsetsToTxn(ctx, &kafka.AddOffsetsToTxnRequest{
			TransactionalID: t.ID, ProducerID: int(t.session.id), ProducerEpoch: int(t.session.epoch), GroupID: group.GroupID,
		})
		if err != nil {
			return err
		}
		return answer.Error
	})
	if err != nil {
		return err
	}
	for topic, offsets := range tx.offsets {
		for i := range offsets {
			offsets[i].Metadata = group.TopicIDs[topic]
		}
	}
	return t.askCoordinator(ctx, "commit offsets", func(ctx context.Context) error {
		answer, err := t.Cluster.Client.TxnOffsetCommit(ctx, &kafka.TxnOffsetCommitRequest{
			TransactionalID: t.ID, ProducerID: int(t.session.id), ProducerEpoch: int(t.session.epoch),
			GroupID: group.GroupID, MemberID: group.MemberID, GroupInstanceID: group.Instance, GenerationID: int(group.Generation),
			Topics: tx.offsets,
		})
		if err != nil {
			return err
		}
		var all answers
		for _, partitions := range answer.Topics {
			for _, p := range partitions {
				all.add(p.Error)
			}
		}
		return all.error(asked)
	})
}

// end asks the coordinator to commit or to abort. A resend of the same end is answered like the first.
func (tx *Tx) end(ctx context.Context, commit bool) error {
	t, doing := tx.of, "abort"
	if commit {
		doing = "commit"
	}
	err := t.askCoordinator(ctx, doing, func(ctx context.Context) error {
		answer, err := t.Cluster.Client.EndTxn(ctx, &kafka.EndTxnRequest{
			TransactionalID: t.ID, ProducerID: int(t.session.id), ProducerEpoch: int(t.session.epoch), Committed: commit,
		})
		if err != nil {
			return err
		}
		return answer.Error
	})
	if commit && err != nil && ctx.Err() != nil {
		return fmt.Errorf("%w: %w", ErrAbandoned, err)
	}
	return err
}

// answers sums up what a coordinator answers for each partition.
type answers struct {
	count int
	worst error // a permanent one, if there is any
}

func (a *answers) add(err error) {
	a.count++
	if a.worst == nil || broker.Permanent(err) {
		a.worst = err
	}
}

// error returns nil when as many partitions as were asked for are answered, all without an error.
func (a *answers) error(asked int) error {
	if a.worst == nil && a.count < asked {
		return fmt.Errorf("%d of %d partitions are answered", a.count, asked)
	}
	return a.worst
}
