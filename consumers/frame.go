package consumers

import (
	"context"
	"encoding/binary"
	"errors"
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
	buffer func() []byte // gives a buffer for the answer; nil: a new one
}

// answer is the body of what came back.
type answer struct {
	key  protocol.ApiKey
	body []byte
}

func (r *request) ApiKey() protocol.ApiKey                 { return r.key }
func (a *answer) ApiKey() protocol.ApiKey                  { return a.key }
func (r *request) Required(map[protocol.ApiKey]int16) bool { return true }

// RawExchange writes the request and reads its answer. When the caller has gone by then, the buffer goes with it:
// nobody else has seen it.
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

// toBroker is a request for one broker.
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

// toCoordinator is a request for the broker that looks after a group.
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

// encoder writes a request: its methods append in the order of the protocol.
type encoder struct{ b []byte }

// begin starts a request; finish must follow.
func begin(key protocol.ApiKey, version int16) *encoder {
	return &encoder{b: wire.AppendRequest(make([]byte, 0, 512), int16(key), version, correlation, clientID)}
}

func (e *encoder) finish() []byte {
	wire.FinishRequest(e.b)
	return e.b
}

func (e *encoder) i8(v int8)      { e.b = append(e.b, byte(v)) }
func (e *encoder) i16(v int16)    { e.b = binary.BigEndian.AppendUint16(e.b, uint16(v)) }
func (e *encoder) i32(v int32)    { e.b = binary.BigEndian.AppendUint32(e.b, uint32(v)) }
func (e *encoder) i64(v int64)    { e.b = binary.BigEndian.AppendUint64(e.b, uint64(v)) }
func (e *encoder) str(s string)   { e.b = wire.AppendString(e.b, s) }
func (e *encoder) null()          { e.b = wire.AppendNullable(e.b, "") }
func (e *encoder) bytes(b []byte) { e.i32(int32(len(b))); e.b = append(e.b, b...) }

// What follows is for flexible versions: lengths are varints one above what they say, and every structure may end with
// fields that only some know (we send none).
func (e *encoder) length(n int)        { e.b = binary.AppendUvarint(e.b, uint64(n)+1) }
func (e *encoder) compactStr(s string) { e.length(len(s)); e.b = append(e.b, s...) }
func (e *encoder) noTags()             { e.b = append(e.b, 0) }

// compact reads the answer to a flexible version. After something that is not there the rest is zero, and err says so.
type compact struct {
	wire.Body
	bad bool
}

func (c *compact) uvarint() int {
	v, n := binary.Uvarint(c.Rest)
	if n <= 0 || v > uint64(len(c.Rest)) { // everything counted here takes at least a byte
		c.bad, c.Rest = true, nil
		return 0
	}
	c.Rest = c.Rest[n:]
	return int(v)
}

func (c *compact) skip(n int) []byte {
	if n > len(c.Rest) {
		c.bad, c.Rest = true, nil
		return nil
	}
	skipped := c.Rest[:n]
	c.Rest = c.Rest[n:]
	return skipped
}

func (c *compact) count() int   { return max(0, c.uvarint()-1) }
func (c *compact) text() []byte { return c.skip(c.count()) }

func (c *compact) tags() {
	for n := c.uvarint(); n > 0 && !c.bad; n-- {
		c.uvarint()
		c.skip(c.uvarint())
	}
}

func (c *compact) err() error {
	if c.bad {
		return errors.New("response: a length that leads outside")
	}
	return c.Err()
}
