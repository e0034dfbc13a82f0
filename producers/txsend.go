package producers

import (
	"context"
	"fmt"
	"sync"
	"time"

	"kindred/schemas/broker"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// txTimeout is what a broker has for one produce request of a transaction, before it is tried again.
const txTimeout = 10 * time.Second

// send writes all that the transaction keeps: one request to the coordinator for the partitions that are new to it, one
// to every broker. It waits through trouble until ctx ends.
func (tx *Tx) send(ctx context.Context) error {
	if len(tx.filled) == 0 {
		return nil
	}
	if err := tx.enlist(ctx); err != nil {
		return tx.fail(err)
	}
	left := tx.filled
	for _, l := range left {
		l.sequence = l.next
	}
	pauses := tries
	for {
		var err error
		if left, err = tx.try(ctx, left); err != nil {
			return tx.fail(err)
		}
		if len(left) == 0 {
			break
		}
		if err := pauses.Wait(ctx); err != nil {
			return tx.fail(fmt.Errorf("write to %s/%d: %w (last: %v)", left[0].topic, left[0].partition, err, left[0].code))
		}
	}
	for _, l := range tx.filled {
		l.records.Reset()
	}
	tx.filled, tx.buffered = tx.filled[:0], 0
	return nil
}

// enlist tells the coordinator which partitions the transaction is going to write: markers will be put there.
func (tx *Tx) enlist(ctx context.Context) error {
	t := tx.of
	topics := make(map[string][]kafka.AddPartitionToTxn)
	var fresh []*lane
	for _, l := range tx.filled {
		if !l.enlisted {
			topics[l.topic] = append(topics[l.topic], kafka.AddPartitionToTxn{Partition: l.partition})
			fresh = append(fresh, l)
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	tx.begun = true
	err := t.insist(ctx, "add partitions", func(ctx context.Context) error {
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
	for _, l := range fresh {
		l.enlisted = true
	}
	tx.used = append(tx.used, fresh...)
	return nil
}

// try sends every lane's batch once and returns those that have to be sent again.
func (tx *Tx) try(ctx context.Context, lanes []*lane) (left []*lane, err error) {
	t := tx.of
	layout, err := t.Cluster.Layout(ctx)
	if err != nil {
		return lanes, ctx.Err()
	}
	loads := make(map[int32]*request, 1)
	stale := false
	for _, l := range lanes {
		l.answered = false
		leader, lost := layout.Leader(l.topic, l.partition)
		if lost != nil {
			l.code, stale = kafka.LeaderNotAvailable, true
			continue
		}
		r := loads[leader.ID]
		if r == nil {
			r = t.blank(leader)
			loads[leader.ID] = r
		}
		r.parcels = append(r.parcels, &l.parcel)
	}
	t.exchange(ctx, loads)

	for _, l := range lanes {
		retry, err := l.judge()
		if err != nil {
			return nil, err
		}
		if retry {
			stale = stale || !l.answered || broker.Moved(l.code)
			left = append(left, l)
		}
	}
	if stale {
		_ = t.Cluster.Refresh(ctx) // an error here shows in the next try as well
	}
	return left, nil
}

// exchange sends the requests side by side.
func (t *Transactional) exchange(ctx context.Context, loads map[int32]*request) {
	var mutex sync.Mutex
	var all sync.WaitGroup
	for _, r := range loads {
		all.Go(func() {
			r.encode(txTimeout)
			_, err := r.send(ctx, t.Cluster, txTimeout+txTimeout/2)

			mutex.Lock()
			defer mutex.Unlock()
			if err == nil {
				t.spare = append(t.spare, r)
				return
			}
			for _, p := range r.parcels {
				if !p.answered {
					p.code = kafka.NetworkException
				}
			}
		})
	}
	all.Wait()
}

// judge says whether the batch has to be sent again: the same bytes, whatever became of the last try.
func (l *lane) judge() (retry bool, err error) {
	if !l.answered {
		return true, nil
	}
	switch broker.Judge(l.code) {
	case broker.Done:
		l.next = after(l.sequence, l.records.Len())
		return false, nil
	case broker.Again, broker.Uncertain, broker.Unexpected:
		return true, nil
	case broker.TooLarge:
		err = fmt.Errorf("%w: %w: %d bytes", ErrTooLarge, l.code, l.records.Size())
	default:
		err = inWords(l.code)
	}
	return false, fmt.Errorf("write to %s/%d: %w", l.topic, l.partition, err)
}

// blank gives an empty request, with the memory of one that is over if there is any.
func (t *Transactional) blank(leader protocol.Broker) *request {
	r := new(request)
	if n := len(t.spare); n > 0 {
		r, t.spare = t.spare[n-1], t.spare[:n-1]
	}
	t.correlation++
	r.session, r.transaction = t.session, t.ID
	r.broker, r.correlation, r.parcels = leader, t.correlation, r.parcels[:0]
	r.progress.Store(idle)
	return r
}
