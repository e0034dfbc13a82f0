package broker

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/sasl"
)

// Patience is how long to wait for the answer to a request that Kafka can answer at once.
const Patience = 10 * time.Second

// Cluster is a Kafka cluster as one process reaches it. It is safe for concurrent use.
type Cluster struct {
	// Client sends kafka-go's own requests. One Transport serves a process: each has connections and a layout of its own.
	Client *kafka.Client
	Log    *slog.Logger // nil: silent

	refreshes  refreshes
	withoutIDs atomic.Bool // the brokers give topics no ids
	failures   atomic.Int64
}

// Errors returns how many requests were not answered, or answered with an error and tried again, since the start.
func (c *Cluster) Errors() int64 { return c.failures.Load() }

// Options are how a cluster is reached.
type Options struct {
	Addresses []string       // host:port of some brokers
	Login     sasl.Mechanism // see Login; nil: none
	TLS       *tls.Config    // nil: no encryption
	Dial      time.Duration  // how long connecting may take
	Log       *slog.Logger   // nil: silent
}

// Open returns a cluster. It connects when it is first used.
func Open(o Options) *Cluster {
	return &Cluster{Log: o.Log, Client: &kafka.Client{
		Addr:      kafka.TCP(o.Addresses...),
		Transport: &kafka.Transport{ClientID: "kindred", Dial: dial, DialTimeout: o.Dial, TLS: o.TLS, SASL: o.Login},
	}}
}

// Logger returns where to log to; it is never nil.
func (c *Cluster) Logger() *slog.Logger {
	if c.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return c.Log
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
	answer, err := transport.RoundTrip(ctx, c.Client.Addr, m)
	if err != nil && !errors.Is(ctx.Err(), context.Canceled) {
		c.failures.Add(1)
	}
	return answer, err
}
