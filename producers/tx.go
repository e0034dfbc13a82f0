package producers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"

	"kindred/schemas/broker"
	"kindred/schemas/wire"
)

const (
	maxBatch    = 900_000  // bytes of one batch: below what a topic takes by default
	maxBuffered = 12 << 20 // bytes that a transaction keeps before it sends them
)

// GroupRef names a member of a consumer group in one generation: what fences the offsets of a transaction.
type GroupRef struct {
	GroupID    string
	MemberID   string
	Generation int32
}

// Tx is one transaction. What it is given it keeps until Commit, or until it is much; then it sends it in the middle.
type Tx struct {
	of       *Transactional
	filled   []*lane // with records not sent yet, in the order of their first
	buffered int     // bytes in them
	used     []*lane // enlisted
	offsets  map[string][]kafka.TxnOffsetCommit
	begun    bool  // the coordinator has heard of it
	dirty    bool  // something failed: the session must be renewed to go on
	failed   error // no more writing
	over     bool
}

// Write puts a record at the end of a partition, with the present time. A nil value is a tombstone. All is copied.
// Usually it only keeps the record; every now and then it sends what it has and waits for it.
func (tx *Tx) Write(ctx context.Context, topic string, partition int, key, value []byte, h wire.Headers) error {
	if err := tx.usable(); err != nil {
		return err
	}
	l := tx.of.lane(topic, partition)
	about := len(key) + len(value) + len(h) + 32
	if l.records.Len() > 0 && l.records.Size()+about > maxBatch || tx.buffered+about > maxBuffered {
		if err := tx.send(ctx); err != nil {
			return err
		}
	}
	if l.records.Len() == 0 {
		tx.filled = append(tx.filled, l)
	}
	before := l.records.Size()
	l.records.Add(time.Now().UnixMilli(), key, value, h)
	tx.buffered += l.records.Size() - before
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

// Commit makes everything count, at once. The group is needed when offsets were given, and only then.
//
// After ErrAbandoned it may have been committed or not: call Init, after which it is settled, and read the group's
// offsets. After any other error it was not, and will not be: call Abort to go on, or nothing when it is ErrFenced.
func (tx *Tx) Commit(ctx context.Context, group GroupRef) error {
	if err := tx.usable(); err != nil {
		return err
	}
	if err := tx.send(ctx); err != nil {
		return err
	}
	if err := tx.commitOffsets(ctx, group); err != nil {
		return tx.fail(err)
	}
	if tx.begun {
		if err := tx.end(ctx, true); err != nil {
			return tx.fail(err)
		}
	}
	tx.close()
	return nil
}

// Abort drops everything, if the transaction is not over; to defer it is right. When something had failed it also makes
// the next transaction possible again. Without an error the next Begin needs no Init.
func (tx *Tx) Abort(ctx context.Context) error {
	if tx.over {
		return nil
	}
	t := tx.of
	defer tx.close()
	if !t.fit {
		return nil // Init does it
	}
	if tx.begun {
		// Sent even when much has failed: to a fenced life the broker says so, which a new epoch might not.
		if err := tx.end(ctx, false); err != nil && !errors.Is(err, kafka.InvalidTransactionState) {
			t.fit = false
			return err
		}
	}
	if tx.dirty {
		t.fit = false
		return t.restart(ctx, t.session)
	}
	return nil
}

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
func (tx *Tx) fail(err error) error {
	err = fmt.Errorf("transaction of %s: %w", tx.of.ID, err)
	tx.failed, tx.dirty = err, true
	if errors.Is(err, ErrFenced) || errors.Is(err, ErrAbandoned) {
		tx.of.fit = false
	}
	return err
}

// close empties what the next transaction uses again.
func (tx *Tx) close() {
	tx.over = true
	for _, l := range tx.filled {
		l.records.Reset()
	}
	for _, l := range tx.used {
		l.enlisted = false
	}
	tx.filled, tx.used = nil, nil
}

// commitOffsets hands the offsets to the group's coordinator; they count with the transaction.
func (tx *Tx) commitOffsets(ctx context.Context, group GroupRef) error {
	if len(tx.offsets) == 0 {
		return nil
	}
	if group.GroupID == "" || group.MemberID == "" || group.Generation < 0 {
		return errors.New("offsets need a group, a member and its generation: the broker would not fence without") // and accepts them
	}
	t, asked := tx.of, 0
	for _, partitions := range tx.offsets {
		asked += len(partitions)
	}
	tx.begun = true
	err := t.insist(ctx, "add offsets", func(ctx context.Context) error {
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
	return t.insist(ctx, "commit offsets", func(ctx context.Context) error {
		answer, err := t.Cluster.Client.TxnOffsetCommit(ctx, &kafka.TxnOffsetCommitRequest{
			TransactionalID: t.ID, ProducerID: int(t.session.id), ProducerEpoch: int(t.session.epoch),
			GroupID: group.GroupID, MemberID: group.MemberID, GenerationID: int(group.Generation), Topics: tx.offsets,
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
	err := t.insist(ctx, doing, func(ctx context.Context) error {
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

// answers gathers what a coordinator says of each partition.
type answers struct {
	count int
	worst error // one that no waiting mends before one that it may
}

func (a *answers) add(err error) {
	a.count++
	if a.worst == nil || broker.Permanent(err) {
		a.worst = err
	}
}

// error is nil when as many partitions as were asked for are answered, all of them well.
func (a *answers) error(asked int) error {
	if a.worst == nil && a.count < asked {
		return fmt.Errorf("%d of %d partitions are answered", a.count, asked)
	}
	return a.worst
}
