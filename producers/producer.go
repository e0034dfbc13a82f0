package producers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"kindred/schemas/broker"
	"kindred/schemas/retry"
	"kindred/schemas/wire"
)

// ErrAbandoned means that a batch may or may not have been appended, or may yet be, up to seconds later. The producer
// takes a new producer id before it sends anything that it has not sent yet, so such a batch is recognized by its id.
var ErrAbandoned = wire.ErrAbandoned

// ErrTooLarge means that one or several records of a batch are larger than their topic allows. They were not appended and never
// will be; all others of the batch were.
var ErrTooLarge = wire.ErrTooLarge

// ErrStopped means that Run has ended. Nothing was appended.
var ErrStopped = errors.New("producer stopped")

// Producer appends batches, each exactly once as far as the broker can tell. One serves a whole process: whatever is
// published while two requests to a broker are in flight goes into the next one. Publish, Renew and ProducerID are for
// concurrent use. What is wrong with one batch is told to its publisher, and is no matter to the others.
//
// It keeps no records of its own: what it holds is bounded by how many call Publish at once, and by what is in flight, two
// requests of at most maxRequest bytes to each broker.
type Producer struct {
	Cluster     *broker.Cluster
	Compression wire.Compression // of batches that become smaller by it
	Timeout     time.Duration    // of one request, which is then tried again; 0: 10 s

	once     sync.Once
	wake     chan struct{}  // something has changed that the loop should look at
	finished chan *outgoing // requests that are in flight no longer: answered, or failed

	mutex      sync.Mutex
	stopped    bool
	session    session
	stale      bool                               // a new producer id is due
	renewals   []chan struct{}                    // closed when the new producer id is there
	queue      []*publication                     // what is not in flight, one for each Publish; those of a partition in order
	partitions map[topicPartition]*partitionState // all that were ever published to: those of the caller's topics
	refreshing bool                               // a refresh of the layout is under way

	// The loop's alone.
	inFlight   []*outgoing
	requests   requestPool
	dispatches int  // number of the present call of dispatch
	troubled   bool // the log says that Kafka takes no records
	background sync.WaitGroup
}

// Ack is where a batch went; its records follow its base without gaps.
type Ack = wire.Ack

type topicPartition struct {
	topic     string
	partition int
}

// partitionState is what the producer knows of one partition. Its sequence numbers begin anew with each producer id.
type partitionState struct {
	sequence  int32 // of the next batch under the present producer id
	inFlight  bool  // a batch of it is
	blockedIn int   // the last dispatch in which a publication of it stayed in the queue: later ones must not overtake it
}

// publication is one call of Publish.
type publication struct {
	partitionBatch                 // what is sent next: all of the caller's batch, or a piece of it
	rest           []*wire.Builder // pieces behind it, of a batch that was too large; at most 32: each halves the one before
	appended       int             // records in pieces before it
	refused        int             // records before it that are too large by themselves

	to         *partitionState
	result     chan outcome // has room for one
	sentIn     *outgoing    // the request that it is in flight with; nil: it is in the queue, or over
	callerLeft bool         // nobody reads its result
	pinned     bool         // perhaps written: bound to the session and sequence number it was sent with
	session    session      // that of the last try
	tries      int
	pauses     retry.Backoff // between tries
	restarts   int           // new producer ids taken for its sake
	notBefore  time.Time     // earliest time of the next try
	last       error         // why the last try failed
}

type outcome struct {
	ack Ack
	err error
}

func (p *Producer) open() {
	p.once.Do(func() {
		p.wake = make(chan struct{}, 1)
		p.finished = make(chan *outgoing)
		p.session.id = -1
		p.stale = true
		p.partitions = make(map[topicPartition]*partitionState)
	})
}

// Publish appends what the builder holds, as one batch, and returns when every replica in sync has it. It tries again for
// as long as the error may pass, until ctx ends. The batch is only read; it is the caller's again when Publish returns,
// whatever it returns. Batches of one partition that are published one after the other keep their order; an empty one is
// not published (Base is -1).
//
// A batch that is larger than the topic allows is sent in halves, down to single records. Only these can be too large: the
// others are appended, and then the error is ErrTooLarge.
//
// When ctx ends while the batch is in flight or after a try whose outcome is unknown, the error is ErrAbandoned; when a part
// of a batch that was split has been appended, too. With ErrStopped, and the error of ctx alone, nothing was and nothing will
// be appended.
func (p *Producer) Publish(ctx context.Context, topic string, partition int, batch *wire.Builder) (Ack, error) {
	if batch.Len() == 0 {
		return Ack{Base: -1, ProducerID: p.ProducerID()}, nil
	}
	p.open()
	batch.Compress(p.Compression) // here: every publisher compresses in a goroutine of its own
	pub := &publication{
		partitionBatch: partitionBatch{topic: topic, partition: partition, batch: batch},
		result:         make(chan outcome, 1),
		pauses:         betweenTries,
	}
	if err := p.enqueue(ctx, pub); err != nil {
		return Ack{}, fmt.Errorf("publish to %s/%d: %w", topic, partition, err)
	}
	select {
	case o := <-pub.result:
		return o.ack, o.err
	case <-ctx.Done():
		return p.leave(ctx, pub)
	}
}

func (p *Producer) enqueue(ctx context.Context, pub *publication) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.stopped {
		return ErrStopped
	}
	to := topicPartition{pub.topic, pub.partition}
	if p.partitions[to] == nil {
		p.partitions[to] = new(partitionState)
	}
	pub.to = p.partitions[to]
	p.queue = append(p.queue, pub)
	p.nudge()
	return nil
}

// leave ends a Publish whose caller does not want to wait any longer.
func (p *Producer) leave(ctx context.Context, pub *publication) (Ack, error) {
	p.mutex.Lock()
	select {
	case o := <-pub.result: // just in time
		p.mutex.Unlock()
		return o.ack, o.err
	default:
	}
	pub.callerLeft = true
	sent := pub.sentIn
	uncertain := sent != nil || pub.uncertain()
	p.queue = slices.DeleteFunc(p.queue, func(q *publication) bool { return q == pub })
	p.stale = p.stale || uncertain
	p.nudge()
	err := pub.explain(ctx.Err(), uncertain)
	p.mutex.Unlock()

	if sent != nil {
		<-sent.copied // a few milliseconds at most: the builder is about to be the caller's again
	}
	return Ack{}, err
}

// uncertain reports whether some of the publication may have been appended.
func (pub *publication) uncertain() bool { return pub.pinned || pub.appended > 0 }

// explain returns the error of a publication that ended before it was answered.
func (pub *publication) explain(why error, uncertain bool) error {
	if uncertain {
		why = fmt.Errorf("%w: %w", ErrAbandoned, why)
	}
	if pub.last != nil {
		return fmt.Errorf("publish to %s/%d: %w (tried %d times, last: %v)", pub.topic, pub.partition, why, pub.tries, pub.last)
	}
	return fmt.Errorf("publish to %s/%d: %w", pub.topic, pub.partition, why)
}

// ProducerID returns the producer id that the next batch will have unless a new one is taken; -1 before the first.
func (p *Producer) ProducerID() int64 {
	p.open()
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.session.id
}

// Renew waits until nothing is in flight, then takes a new producer id; what is published meanwhile waits for
// it. Batches that were perhaps written are sent again under their old id, for as long as that takes. When ctx ends first the
// new id is still taken before the next batch. Calls at the same time share one id.
func (p *Producer) Renew(ctx context.Context) error {
	p.open()
	done := make(chan struct{})
	p.mutex.Lock()
	if p.stopped {
		p.mutex.Unlock()
		return fmt.Errorf("renew producer id: %w", ErrStopped)
	}
	p.stale = true
	p.renewals = append(p.renewals, done)
	p.nudge()
	p.mutex.Unlock()
	select {
	case <-done:
	case <-ctx.Done():
		return fmt.Errorf("renew producer id: %w", ctx.Err())
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.stopped {
		return fmt.Errorf("renew producer id: %w", ErrStopped)
	}
	return nil
}

// nudge makes the loop look at what has changed.
func (p *Producer) nudge() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *Producer) timeout() time.Duration {
	if p.Timeout > 0 {
		return p.Timeout
	}
	return 10 * time.Second
}
