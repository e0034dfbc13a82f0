package broker

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/createtopics"

	"kindred/schemas/retry"
)

// refreshTimeout is how long Refresh waits; after that the old layout has to do.
const refreshTimeout = 2 * time.Second

// Layout is which brokers there are and which of them leads which partition. Its maps are shared: they must not be changed.
type Layout struct{ protocol.Cluster }

// Layout returns the layout as the Transport knows it, which asks for it every few seconds by itself. It sends nothing, but
// waits for the first answer that the Transport gets.
func (c *Cluster) Layout(ctx context.Context) (Layout, error) {
	q := new(layoutQuestion)
	if _, err := c.RoundTrip(ctx, q, Patience); err != nil {
		return Layout{}, err
	}
	return Layout{q.cluster}, nil
}

// layoutQuestion is a message that the Transport splits into no requests: splitting it, it hands over what it knows of the
// cluster.
type layoutQuestion struct{ cluster protocol.Cluster }

func (q *layoutQuestion) ApiKey() protocol.ApiKey { return protocol.Metadata }

func (q *layoutQuestion) Split(c protocol.Cluster) ([]protocol.Message, protocol.Merger, error) {
	q.cluster = c
	return nil, q, nil
}

func (q *layoutQuestion) Merge([]protocol.Message, []any) (protocol.Message, error) { return q, nil }

// Leader returns the broker that leads a partition, or why there is none.
func (l Layout) Leader(topic string, partition int) (protocol.Broker, error) {
	t, known := l.Topics[topic]
	p, there := t.Partitions[int32(partition)]
	switch {
	case !known, !there:
		return protocol.Broker{}, fmt.Errorf("%s partition %d: %w", topic, partition, kafka.UnknownTopicOrPartition)
	case t.Error != 0:
		return protocol.Broker{}, fmt.Errorf("%s: %w", topic, kafka.Error(t.Error))
	}
	leader, alive := l.Brokers[p.Leader]
	if !alive {
		return protocol.Broker{}, fmt.Errorf("%s partition %d: %w", topic, partition, kafka.LeaderNotAvailable)
	}
	return leader, nil
}

// Outdated is called when something failed because the layout may be out of date. It makes the Transport ask for it again,
// unless it has done so a moment ago: however many wait for a topic or a leader, and however often each of them tries, the
// brokers are asked at once, then after pauses that grow to a second. What is wrong with the answer shows in the next try.
func (c *Cluster) Outdated(ctx context.Context) {
	if c.refreshes.due(time.Now()) {
		_ = c.Refresh(ctx)
	}
}

// refreshes limits how often the layout is asked for. The zero value is ready.
type refreshes struct {
	mu     sync.Mutex
	pauses retry.Backoff
	next   time.Time // not before
}

// quiet is how long nothing must have failed until a failure counts as the first one.
const quiet = 5 * time.Second

// due reports whether the layout is to be asked for now, in which case it counts as asked for.
func (r *refreshes) due(now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now.Before(r.next) {
		return false
	}
	if now.Sub(r.next) > quiet {
		r.pauses = betweenTries
	}
	r.next = now.Add(r.pauses.Next())
	return true
}

// Refresh makes the Transport ask for the layout again, and waits for the answer for two seconds at most.
// (CloseIdleConnections would do it too, but closes everybody else's connections and, when no broker answers, loses the
// layout.)
func (c *Cluster) Refresh(ctx context.Context) error {
	_, err := c.RoundTrip(ctx, topicsWereCreated{}, refreshTimeout)
	return err
}

// topicsWereCreated is a message that sends nothing. The Transport takes it for a request that has created topics, and the
// answer to such a request is the only one after which it asks for the layout at once.
type topicsWereCreated struct{}

func (topicsWereCreated) ApiKey() protocol.ApiKey                 { return protocol.CreateTopics }
func (topicsWereCreated) Required(map[protocol.ApiKey]int16) bool { return true }
func (topicsWereCreated) RawExchange(io.ReadWriter) (protocol.Message, error) {
	return new(createtopics.Response), nil
}
