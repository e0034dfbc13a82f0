package consumers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/createtopics"
)

const (
	patience   = 10 * time.Second      // for an answer that Kafka need not wait for
	firstPause = 20 * time.Millisecond // before the second try; doubles
	lastPause  = time.Second
	patient    = 5 // tries, about 300 ms, before a word is said
)

// roundTrip sends a message and waits for its answer, never for ever.
func roundTrip(ctx context.Context, c *kafka.Client, m protocol.Message, within time.Duration) (protocol.Message, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	transport := c.Transport
	if transport == nil {
		transport = kafka.DefaultTransport
	}
	return transport.RoundTrip(ctx, c.Addr, m)
}

// exchange sends a request of our own and gives the body of its answer.
func exchange(ctx context.Context, c *kafka.Client, m protocol.Message, within time.Duration) ([]byte, error) {
	got, err := roundTrip(ctx, c, m, within)
	if err != nil {
		return nil, err
	}
	return got.(*answer).body, nil
}

// layoutQuestion asks the Transport what it knows of the cluster. It is split into no requests at all, so nothing is sent.
type layoutQuestion struct{ cluster protocol.Cluster }

func (q *layoutQuestion) ApiKey() protocol.ApiKey { return protocol.Metadata }

func (q *layoutQuestion) Split(c protocol.Cluster) ([]protocol.Message, protocol.Merger, error) {
	q.cluster = c
	return nil, q, nil
}

func (q *layoutQuestion) Merge([]protocol.Message, []any) (protocol.Message, error) { return q, nil }

// layout says where partitions live, as the Transport saw it last (it looks every few seconds). Not to be changed.
func layout(ctx context.Context, c *kafka.Client) (protocol.Cluster, error) {
	q := new(layoutQuestion)
	if _, err := roundTrip(ctx, c, q, patience); err != nil {
		return protocol.Cluster{}, err
	}
	return q.cluster, nil
}

// leader finds the broker that a partition is read from.
func leader(c protocol.Cluster, topic string, partition int) (int32, error) {
	t, known := c.Topics[topic]
	p, there := t.Partitions[int32(partition)]
	switch {
	case !known, !there:
		return 0, fmt.Errorf("%s partition %d: %w", topic, partition, kafka.UnknownTopicOrPartition)
	case t.Error != 0:
		return 0, fmt.Errorf("%s: %w", topic, kafka.Error(t.Error))
	}
	if _, alive := c.Brokers[p.Leader]; !alive {
		return 0, fmt.Errorf("%s partition %d: %w", topic, partition, kafka.LeaderNotAvailable)
	}
	return p.Leader, nil
}

// stale says whether an error may come of an old layout.
func stale(err error) bool {
	for _, code := range []kafka.Error{kafka.UnknownTopicOrPartition, kafka.LeaderNotAvailable,
		kafka.NotLeaderForPartition, kafka.ReplicaNotAvailable, kafka.FencedLeaderEpoch} {
		if errors.Is(err, code) {
			return true
		}
	}
	return false
}

// refresh makes the Transport look at the cluster again. It creates no topics: that request is what makes kafka-go look,
// and unlike CloseIdleConnections it keeps what is known when no broker answers.
func refresh(ctx context.Context, c *kafka.Client) {
	_, _ = roundTrip(ctx, c, &createtopics.Request{TimeoutMs: int32(patience.Milliseconds())}, patience)
}

// hopeless wraps an error that no trying again can heal.
type hopeless struct{ error }

func (h hopeless) Unwrap() error { return h.error }

// persist calls do until it succeeds, finds it hopeless, or ctx ends; then the error names the last reason too.
func persist(ctx context.Context, c *kafka.Client, log *slog.Logger, what string, do func() error) error {
	pause := firstPause
	for try := 1; ; try++ {
		err := do()
		if err == nil {
			return nil
		}
		var h hopeless
		if errors.As(err, &h) {
			return fmt.Errorf("%s: %w", what, h.error)
		}
		if try == patient || try%30 == 0 { // a hiccup is not worth a word, a long outage not many
			logger(log).Warn("kafka does not do what was asked yet", "what", what, "try", try, "error", err)
		}
		if stale(err) {
			refresh(ctx, c)
		}
		if !sleep(ctx, pause) {
			return fmt.Errorf("%s: %w (last: %w)", what, ctx.Err(), err)
		}
		pause = min(2*pause, lastPause)
	}
}

// sleep says false when ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func logger(l *slog.Logger) *slog.Logger {
	if l == nil {
		return slog.New(slog.DiscardHandler)
	}
	return l
}
