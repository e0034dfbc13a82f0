package producers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"

	"kindred/schemas/broker"
	"kindred/schemas/retry"
	"kindred/schemas/wire"
)

// ErrFenced means that the transactional id has a newer session, or the group a newer generation. This session can commit
// nothing any more.
var ErrFenced = errors.New("fenced by a newer session")

// Transactional writes records of several partitions and a group's offsets so that all of them count or none. It is not
// for concurrent use: one transaction after the other.
type Transactional struct {
	Cluster     *broker.Cluster
	ID          string           // the transactional id; the newest session of an id fences the others
	Compression wire.Compression // of batches that become smaller by it
	Limit       time.Duration    // the broker aborts a transaction that is open for longer; 0: a minute

	session    session
	taken      bool                            // session is one that the broker gave out; it is asked for a new epoch of it
	ready      bool                            // false: Init must be called first
	partitions map[topicPartition]*txPartition // those written to in this session: at most all of the caller's topics
	requests   requestPool
}

// txPartition is a partition that the present session has written to, with the batch that is being filled for it.
type txPartition struct {
	partitionBatch                 // what is sent next: all of records, or a piece of them
	rest           []*wire.Builder // pieces behind it, of records that were too large for one batch
	records        wire.Builder    // at most maxBatch bytes, unless one record is larger
	next           int32           // sequence number of the next batch
	enlisted       bool            // the coordinator knows that the open transaction writes here
}

// empty makes the partition ready for other records.
func (p *txPartition) empty() {
	p.records.Reset()
	p.batch, p.rest = &p.records, nil
}

// Init takes over the transactional id: an older session is fenced and its open transaction aborted before Init returns.
// It must be called first, and again after any error that Abort did not clear. It tries again until ctx ends.
//
// Only the first Init of a Transactional fences others. A later one asks for a new epoch of the session that it holds: when
// somebody newer has taken over meanwhile, it is refused with ErrFenced.
func (t *Transactional) Init(ctx context.Context) error {
	t.ready = false
	held := session{id: -1, epoch: -1}
	if t.taken {
		held = t.session
	}
	how := broker.Asking{Pauses: betweenTries}
	taken, err := initialize(ctx, t.Cluster, t.ID, t.limit(), held, how)
	if t.taken && errors.Is(err, kafka.InvalidProducerIDMapping) { // it has expired, so nobody holds it
		taken, err = initialize(ctx, t.Cluster, t.ID, t.limit(), session{id: -1, epoch: -1}, how)
	}
	if broker.PastEpoch(err) {
		err = fmt.Errorf("%w: %w", ErrFenced, err)
	}
	if err != nil {
		return fmt.Errorf("take transactional id %s: %w", t.ID, err)
	}
	t.session, t.taken, t.ready = taken, true, true
	t.partitions = make(map[topicPartition]*txPartition)
	return nil
}

// outOfEpoch goes on after the broker has refused the session's epoch. Is there a newer session, the error is ErrFenced. Else
// the broker itself has aborted the transaction, which was open for too long: the session has a new epoch when outOfEpoch
// returns, and the error is an ordinary one.
func (t *Transactional) outOfEpoch(ctx context.Context, why error) error {
	if err := t.Init(ctx); err != nil {
		return err
	}
	return fmt.Errorf("the broker has aborted it, since it was open for longer than %v (%v)", t.limit(), why)
}

// Begin starts a transaction; the one before must be over. It sends nothing: a transaction in which nothing is written and
// no offset is given costs no request.
func (t *Transactional) Begin() *Tx {
	tx := &Tx{of: t}
	if !t.ready {
		tx.failed = fmt.Errorf("transactional id %s: call Init first", t.ID)
	}
	return tx
}

func (t *Transactional) limit() time.Duration {
	if t.Limit > 0 {
		return t.Limit
	}
	return time.Minute
}

// partition returns what the session keeps of a partition.
func (t *Transactional) partition(topic string, partition int) *txPartition {
	at := topicPartition{topic, partition}
	p := t.partitions[at]
	if p == nil {
		p = &txPartition{partitionBatch: partitionBatch{topic: topic, partition: partition}}
		p.batch = &p.records
		t.partitions[at] = p
	}
	return p
}

// askCoordinator repeats the identical request until the answer is final: network errors, coordinators that move or load,
// and the end of the transaction before (concurrent transactions) pass. It begins with a short pause, since the latter
// takes a few milliseconds.
func (t *Transactional) askCoordinator(ctx context.Context, doing string, ask func(context.Context) error) error {
	pauses := retry.Backoff{First: time.Millisecond, Last: betweenTries.Last}
	return markFenced(t.Cluster.Persist(ctx, doing, broker.Asking{Pauses: pauses, Within: 15 * time.Second}, ask))
}

// markFenced adds ErrFenced to an error whose code means that the group has a newer generation. What an epoch's refusal means
// is not known yet, see outOfEpoch.
func markFenced(err error) error {
	if broker.IsFenced(err) && !broker.PastEpoch(err) || errors.Is(err, kafka.RebalanceInProgress) {
		return fmt.Errorf("%w: %w", ErrFenced, err)
	}
	return err
}
