package producers

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"kindred/schemas/broker"
)

// txTimeout is what a broker has for one produce request of a transaction, before it is tried again.
const txTimeout = 10 * time.Second

// send writes all that the transaction keeps: one request to the coordinator for the partitions that are new to it, one
// to every broker. It tries again until ctx ends, unless an error is permanent.
func (tx *Tx) send(ctx context.Context) error {
	err := tx.enlist(ctx)
	if err == nil {
		err = tx.deliver(ctx)
	}
	if err != nil {
		return tx.fail(ctx, err)
	}
	return nil
}

// deliver writes it to partitions that the coordinator knows of.
func (tx *Tx) deliver(ctx context.Context) error {
	left := tx.filled
	for _, p := range left {
		p.sequence = p.next
		p.batch.Compress(tx.of.Compression)
	}
	pauses := betweenTries
	for len(left) > 0 {
		split, err := false, error(nil)
		if left, split, err = tx.sendOnce(ctx, left); err != nil {
			return err
		}
		if len(left) == 0 || split && ctx.Err() == nil {
			continue
		}
		if err := pauses.Wait(ctx); err != nil {
			return fmt.Errorf("write to %s/%d: %w (last: %v)", left[0].topic, left[0].partition, err, left[0].code)
		}
	}
	for _, p := range tx.filled {
		p.empty()
	}
	tx.filled, tx.buffered = tx.filled[:0], 0
	return nil
}

// enlist tells the coordinator which partitions the transaction is going to write: it puts the markers there.
func (tx *Tx) enlist(ctx context.Context) error {
	t := tx.of
	topics := make(map[string][]kafka.AddPartitionToTxn)
	var fresh []*txPartition
	for _, p := range tx.filled {
		if !p.enlisted {
			topics[p.topic] = append(topics[p.topic], kafka.AddPartitionToTxn{Partition: p.partition})
			fresh = append(fresh, p)
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	tx.begun = true
	err := t.askCoordinator(ctx, "add partitions", func(ctx context.Context) error {
		answer, err := t.Cluster.Client.AddPartitionsToTxn(ctx, &kafka.AddPartitionsToTxnRequest{
			TransactionalID: t.ID, ProducerID: int(t.session.id), ProducerEpoch: int(t.session.epoch), Topics: topics,
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
		return all.error(len(fresh))
	})
	if err != nil {
		return err
	}
	for _, p := range fresh {
		p.enlisted = true
	}
	tx.used = append(tx.used, fresh...)
	return nil
}

// sendOnce sends the batch of each partition once and returns the partitions that have something left to send: the same batch
// again, or pieces of one that was split. There is no need to wait when one of them has got on with its pieces.
func (tx *Tx) sendOnce(ctx context.Context, partitions []*txPartition) (left []*txPartition, split bool, err error) {
	t := tx.of
	layout, err := t.Cluster.Layout(ctx)
	if err != nil {
		return partitions, false, ctx.Err()
	}
	requests := make(map[int32]*request, 1)
	stale := false
	for _, p := range partitions {
		p.answered = false
		leader, lost := layout.Leader(p.topic, p.partition)
		if lost != nil {
			p.code, stale = kafka.LeaderNotAvailable, true
			continue
		}
		r := requests[leader.ID]
		if r == nil {
			r = t.requests.take(leader)
			r.session, r.transaction = t.session, t.ID
			requests[leader.ID] = r
		}
		r.batches = append(r.batches, &p.partitionBatch)
	}
	t.exchange(ctx, requests)

	for _, p := range partitions {
		before := p.batch
		retry, err := p.judge()
		if err != nil {
			return nil, false, err
		}
		if retry {
			stale = stale || !p.answered || broker.Moved(p.code)
			split = split || p.batch != before
			left = append(left, p)
		}
	}
	if stale {
		t.Cluster.Outdated(ctx)
	}
	return left, split, nil
}

// exchange sends the requests side by side.
func (t *Transactional) exchange(ctx context.Context, requests map[int32]*request) {
	var mutex sync.Mutex
	var all sync.WaitGroup
	for _, r := range requests {
		all.Go(func() {
			r.encode(txTimeout)
			_, err := r.send(ctx, t.Cluster, txTimeout+txTimeout/2)

			mutex.Lock()
			defer mutex.Unlock()
			if err == nil {
				t.requests.put(r)
				return
			}
			for _, b := range r.batches {
				if !b.answered {
					b.code = kafka.NetworkException
				}
			}
		})
	}
	all.Wait()
}

// judge reports whether there is something left to send: the same bytes again, whatever became of the last try, or the next
// piece. A batch that is too large is sent in halves, down to single records.
func (p *txPartition) judge() (more bool, err error) {
	if !p.answered {
		return true, nil
	}
	switch broker.Judge(p.code) {
	case broker.Done:
		p.next = nextSequence(p.sequence, p.batch.Len())
		n := len(p.rest)
		if n == 0 {
			return false, nil
		}
		p.batch, p.rest, p.sequence = p.rest[n-1], p.rest[:n-1], p.next
		return true, nil
	case broker.Again, broker.Uncertain, broker.Unexpected:
		return true, nil
	case broker.TooLarge:
		if p.batch.Len() > 1 {
			first, second := p.batch.Halves()
			p.batch, p.rest = first, append(p.rest, second) // the next piece is the last one of these
			return true, nil
		}
		err = fmt.Errorf("%w: %w: %d bytes", ErrTooLarge, p.code, p.batch.Size())
	default:
		err = markFenced(p.code)
	}
	return false, fmt.Errorf("write to %s/%d: %w", p.topic, p.partition, err)
}
