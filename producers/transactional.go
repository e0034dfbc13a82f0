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

// ErrFenced says that a newer life has taken over: of the transactional id, or of the group's generation. Nothing of the
// transaction counts.
var ErrFenced = errors.New("fenced by a newer life")

// Transactional writes records of several partitions and a group's offsets so that all of them count or none. It is not
// for concurrent use: one transaction after the other.
type Transactional struct {
	Cluster *broker.Cluster
	ID      string        // the transactional id: one life of it at a time
	Limit   time.Duration // the broker aborts a transaction that is open for longer; 0: a minute

	session     session
	fit         bool // false: Init has to come first
	lanes       map[place]*lane
	correlation int32
	spare       []*request
}

// lane is one partition as the present session writes it.
type lane struct {
	parcel
	records  wire.Builder
	next     int32 // sequence number of the next batch
	enlisted bool  // the coordinator knows that the open transaction writes here
}

// Init takes over the transactional id: an older life is fenced and its open transaction aborted before it returns. It
// must come first, and again after any error but those that Abort could clear. It waits for as long as ctx lets it.
func (t *Transactional) Init(ctx context.Context) error {
	t.fit = false
	return t.restart(ctx, session{id: -1, epoch: -1})
}

// restart takes a new epoch. With a session of its own it is refused when a newer life has taken over meanwhile.
func (t *Transactional) restart(ctx context.Context, held session) error {
	taken, err := initialize(ctx, t.Cluster, t.ID, t.limit(), held, broker.Asking{Pauses: tries})
	if err != nil {
		return fmt.Errorf("take transactional id %s: %w", t.ID, inWords(err))
	}
	t.session, t.fit = taken, true
	t.lanes = make(map[place]*lane)
	return nil
}

// Begin starts a transaction; the one before must be over. It asks nobody: a transaction in which nothing is written and
// no offset is given costs nothing.
func (t *Transactional) Begin() *Tx {
	tx := &Tx{of: t}
	if !t.fit {
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

// lane finds or opens the lane of a partition.
func (t *Transactional) lane(topic string, partition int) *lane {
	at := place{topic, partition}
	l := t.lanes[at]
	if l == nil {
		l = &lane{parcel: parcel{topic: topic, partition: partition}}
		l.batch = &l.records
		t.lanes[at] = l
	}
	return l
}

// insist repeats the identical request until it is answered for good: network errors, coordinators that move or load,
// and the end of the transaction before (concurrent transactions) pass.
func (t *Transactional) insist(ctx context.Context, doing string, ask func(context.Context) error) error {
	pauses := retry.Backoff{First: time.Millisecond, Last: tries.Last}
	return inWords(t.Cluster.Persist(ctx, doing, broker.Asking{Pauses: pauses, Within: 15 * time.Second}, ask))
}

// inWords marks the codes that mean a newer life.
func inWords(err error) error {
	if broker.IsFenced(err) || errors.Is(err, kafka.RebalanceInProgress) {
		return fmt.Errorf("%w: %w", ErrFenced, err)
	}
	return err
}
