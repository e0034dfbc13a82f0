package broker

import (
	"context"
	"io"
	"time"

	"github.com/segmentio/kafka-go/protocol"

	"kindred/schemas/wire"
)

// Raw is a request whose bytes are ready: its version is fixed. kafka-go's Transport sends it over its connections (and so
// over their TLS and SASL), to any broker unless a type around it names one.
type Raw struct {
	Key    protocol.ApiKey
	Frame  []byte        // see BeginRaw
	Buffer func() []byte // returns a buffer for the answer; nil: a new one
}

const correlation = 1 // a connection has one request at a time, and is closed when one fails

// BeginRaw returns the beginning of a request's frame: put the body behind it, then call wire.FinishRequest.
func BeginRaw(key protocol.ApiKey, version int16) []byte {
	return wire.AppendRequest(make([]byte, 0, 512), int16(key), version, correlation, "kindred")
}

// answer is the body of what came back.
type answer struct {
	key  protocol.ApiKey
	body []byte
}

func (r *Raw) ApiKey() protocol.ApiKey                 { return r.Key }
func (a *answer) ApiKey() protocol.ApiKey              { return a.key }
func (r *Raw) Required(map[protocol.ApiKey]int16) bool { return true }

// RawExchange writes the request and reads its answer. When nobody waits for the answer any more, its buffer is left to
// the garbage collector.
func (r *Raw) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	if _, err := rw.Write(r.Frame); err != nil {
		return nil, err
	}
	var buffer []byte
	if r.Buffer != nil {
		buffer = r.Buffer()
	}
	body, err := wire.ReadResponse(rw, correlation, buffer)
	if err != nil {
		return nil, err
	}
	return &answer{key: r.Key, body: body}, nil
}

// Exchange sends a Raw, or a message that embeds one, and returns the body of its answer.
func (c *Cluster) Exchange(ctx context.Context, m protocol.Message, within time.Duration) ([]byte, error) {
	got, err := c.RoundTrip(ctx, m, within)
	if err != nil {
		return nil, err
	}
	return got.(*answer).body, nil
}
