package consumers

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/segmentio/kafka-go/protocol"

	"kindred/schemas/broker"
	"kindred/schemas/wire"
)

const (
	clientID    = "kindred"
	correlation = 1 // a connection has one request at a time, and is closed when one fails
)

// request is a message of our own for kafka-go's Transport: its version is fixed and its bytes are ready.
type request struct {
	key    protocol.ApiKey
	frame  []byte        // with its size
	buffer func() []byte // returns a buffer for the answer; nil: a new one
}

// answer is the body of what came back.
type answer struct {
	key  protocol.ApiKey
	body []byte
}

func (r *request) ApiKey() protocol.ApiKey                 { return r.key }
func (a *answer) ApiKey() protocol.ApiKey                  { return a.key }
func (r *request) Required(map[protocol.ApiKey]int16) bool { return true }

// RawExchange writes the request and reads its answer. When nobody waits for the answer any more, its buffer is left to
// the garbage collector.
func (r *request) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	if _, err := rw.Write(r.frame); err != nil {
		return nil, err
	}
	var buffer []byte
	if r.buffer != nil {
		buffer = r.buffer()
	}
	body, err := wire.ReadResponse(rw, correlation, buffer)
	if err != nil {
		return nil, err
	}
	return &answer{key: r.key, body: body}, nil
}

// toBroker is a request to one broker.
type toBroker struct {
	request
	broker int32
}

func (r *toBroker) Broker(c protocol.Cluster) (protocol.Broker, error) {
	if b, known := c.Brokers[r.broker]; known {
		return b, nil
	}
	return protocol.Broker{}, fmt.Errorf("broker %d has gone", r.broker)
}

// toCoordinator is a request to the broker that coordinates a group.
type toCoordinator struct {
	request
	group string
}

func (r *toCoordinator) Group() string { return r.group }

// exchange sends a request of our own and returns the body of its answer.
func exchange(ctx context.Context, c *broker.Cluster, m protocol.Message, within time.Duration) ([]byte, error) {
	got, err := c.RoundTrip(ctx, m, within)
	if err != nil {
		return nil, err
	}
	return got.(*answer).body, nil
}

// askCoordinator sends what was encoded to the coordinator of a group.
func askCoordinator(ctx context.Context, c *broker.Cluster, group string, e *encoder, key protocol.ApiKey,
	within time.Duration) (*wire.Body, error) {
	body, err := exchange(ctx, c, &toCoordinator{request: request{key: key, frame: e.finish()}, group: group}, within)
	if err != nil {
		return nil, fmt.Errorf("ask the coordinator of %s: %w", group, err)
	}
	return &wire.Body{Rest: body}, nil
}
