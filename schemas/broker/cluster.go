package broker

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/createtopics"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
)

const (
	// Patience is how long an answer is waited for that Kafka need not wait for.
	Patience = 10 * time.Second

	refreshing = 2 * time.Second // to look at the cluster anew; after it the old layout will do
)

// Cluster is a Kafka cluster as one process reaches it. It is for concurrent use.
type Cluster struct {
	// Client sends kafka-go's own requests. One Transport serves a process: each has its own idea of the cluster.
	Client *kafka.Client
	Log    *slog.Logger // nil: silent
}

// Options say how to reach a cluster.
type Options struct {
	Addresses []string // host:port of some brokers
	User      string   // of SASL PLAIN; empty: none
	Password  string
	TLS       *tls.Config   // nil: no encryption
	Dial      time.Duration // how long a connection may take
	Log       *slog.Logger  // nil: silent
}

// Open describes a cluster. It connects when it is first used.
func Open(o Options) *Cluster {
	var login sasl.Mechanism
	if o.User != "" {
		login = plain.Mechanism{Username: o.User, Password: o.Password}
	}
	return &Cluster{Log: o.Log, Client: &kafka.Client{
		Addr:      kafka.TCP(o.Addresses...),
		Transport: &kafka.Transport{ClientID: "kindred", DialTimeout: o.Dial, TLS: o.TLS, SASL: login},
	}}
}

// ErrRefused says that a cluster which asks for a login is not available, or does not take this one: kafka-go reports both
// by the same code.
var ErrRefused = errors.New("not available, or it refuses the password")

// Ping waits until a broker has answered.
func (c *Cluster) Ping(ctx context.Context) error {
	_, err := c.Client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{}})
	if errors.Is(err, kafka.BrokerNotAvailable) && c.login() {
		return ErrRefused
	}
	return err
}

// Logger returns where to log to; it is never nil.
func (c *Cluster) Logger() *slog.Logger {
	if c.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return c.Log
}

func (c *Cluster) login() bool {
	transport, ok := c.Client.Transport.(*kafka.Transport)
	return ok && transport.SASL != nil
}

// RoundTrip sends a message and waits for its answer, but no longer than within. After an error the message, and what it
// holds, must not be used again: a connection may still be reading it.
func (c *Cluster) RoundTrip(ctx context.Context, m protocol.Message, within time.Duration) (protocol.Message, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	transport := c.Client.Transport
	if transport == nil {
		transport = kafka.DefaultTransport
	}
	return transport.RoundTrip(ctx, c.Client.Addr, m)
}

// Layout says where partitions live. Its maps are shared: they are not to be changed.
type Layout struct{ protocol.Cluster }

// Layout returns the cluster as the Transport saw it last; it looks every few seconds. Nothing is sent.
func (c *Cluster) Layout(ctx context.Context) (Layout, error) {
	q := new(layoutQuestion)
	if _, err := c.RoundTrip(ctx, q, Patience); err != nil {
		return Layout{}, err
	}
	return Layout{q.cluster}, nil
}

// layoutQuestion asks the Transport what it knows of the cluster: the Transport splits it into no requests at all.
type layoutQuestion struct{ cluster protocol.Cluster }

func (q *layoutQuestion) ApiKey() protocol.ApiKey { return protocol.Metadata }

func (q *layoutQuestion) Split(c protocol.Cluster) ([]protocol.Message, protocol.Merger, error) {
	q.cluster = c
	return nil, q, nil
}

func (q *layoutQuestion) Merge([]protocol.Message, []any) (protocol.Message, error) { return q, nil }

// Leader returns the broker that leads a partition.
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

// Refresh makes the Transport look at the cluster again, and waits for it. (CloseIdleConnections would do it, too, but takes
// the connections from everybody else and, when no broker answers, the layout.)
func (c *Cluster) Refresh(ctx context.Context) error {
	_, err := c.RoundTrip(ctx, topicsWereCreated{}, refreshing)
	return err
}

// topicsWereCreated makes the Transport look at the cluster, as it does by itself after topics were created only. It puts
// nothing on the wire.
type topicsWereCreated struct{}

func (topicsWereCreated) ApiKey() protocol.ApiKey                 { return protocol.CreateTopics }
func (topicsWereCreated) Required(map[protocol.ApiKey]int16) bool { return true }
func (topicsWereCreated) RawExchange(io.ReadWriter) (protocol.Message, error) {
	return new(createtopics.Response), nil
}
