package producers

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"kindred/schemas/broker"
	"kindred/schemas/wire"
)

// partitionBatch is the batch of one partition in a request, and the answer to it. Once the batch is copied into a frame
// it belongs to its builder's owner again: it must not be read any more.
type partitionBatch struct {
	topic     string
	partition int
	batch     *wire.Builder
	sequence  int32 // of its first record
	count     int   // records
	size      int   // bytes

	answered bool // the broker has; code and base hold its answer
	code     kafka.Error
	base     int64 // offset of its first record, when written
}

// request is one Produce request to one broker: version 8, which is the last that names topics by name and is not
// flexible. The batches are copied into its frame before it is sent; from then on only frame and answer are used, so
// whoever waits for a batch may leave and use its builder again. The request must not be used again after an error: the
// connection may still be writing or reading.
type request struct {
	session
	transaction string // transactional id; empty: none
	client      string
	correlation int32
	broker      protocol.Broker
	batches     []*partitionBatch // encode sorts them by topic and partition
	frame       []byte
	answer      []byte
	progress    atomic.Int32
}

// The progress of a request.
const (
	idle      = iota // the connection has not seen it
	begun            // bytes of it may have been sent
	calledOff        // it must not be sent any more
)

const produceVersion = 8

var errCalledOff = errors.New("called off")

// requestPool hands out requests. It reuses the memory of those that are over.
type requestPool struct {
	spare       []*request // at most as many as were ever in flight at once, each with the memory of its largest frame
	correlation int32
}

// take returns an empty request to a broker.
func (p *requestPool) take(to protocol.Broker) *request {
	r := new(request)
	if n := len(p.spare); n > 0 {
		r, p.spare = p.spare[n-1], p.spare[:n-1]
	}
	p.correlation++
	r.broker, r.correlation, r.batches = to, p.correlation, r.batches[:0]
	r.progress.Store(idle)
	return r
}

// put takes back a request that was answered.
func (p *requestPool) put(r *request) { p.spare = append(p.spare, r) }

// encode copies the batches into the frame. Sequence numbers must be given.
func (r *request) encode(timeout time.Duration) {
	slices.SortFunc(r.batches, func(a, b *partitionBatch) int {
		return cmp.Or(cmp.Compare(a.topic, b.topic), cmp.Compare(a.partition, b.partition))
	})
	be := binary.BigEndian
	f := wire.AppendRequest(r.frame[:0], int16(protocol.Produce), produceVersion, r.correlation, r.client)
	f = wire.AppendNullable(f, r.transaction)
	f = be.AppendUint16(f, 0xffff) // acks: all replicas in sync
	f = be.AppendUint32(f, uint32(timeout.Milliseconds()))

	topics, count := len(f), uint32(0)
	f = be.AppendUint32(f, 0)
	for rest := r.batches; len(rest) > 0; count++ {
		topic, n := rest[0].topic, 1
		for n < len(rest) && rest[n].topic == topic {
			n++
		}
		f = wire.AppendString(f, topic)
		f = be.AppendUint32(f, uint32(n))
		for _, p := range rest[:n] {
			f = be.AppendUint32(f, uint32(p.partition))
			f = be.AppendUint32(f, uint32(p.batch.Size()))
			f = p.batch.AppendTo(f, r.id, r.epoch, p.sequence, r.transaction != "")
		}
		rest = rest[n:]
	}
	be.PutUint32(f[topics:], count)
	wire.FinishRequest(f)
	r.frame = f
}

// send sends what was encoded and waits for the answer until ctx ends, but no longer than within. After an error no batch
// is answered, and sent reports whether the broker may have received the request.
func (r *request) send(ctx context.Context, c *broker.Cluster, within time.Duration) (sent bool, err error) {
	if _, err := c.RoundTrip(ctx, r, within); err != nil {
		return !r.progress.CompareAndSwap(idle, calledOff), err
	}
	return true, r.read()
}

func (r *request) ApiKey() protocol.ApiKey { return protocol.Produce }

func (r *request) Broker(protocol.Cluster) (protocol.Broker, error) { return r.broker, nil }

func (r *request) Required(map[protocol.ApiKey]int16) bool { return true }

// RawExchange runs in the connection's goroutine, perhaps after the sender has given up.
func (r *request) RawExchange(rw io.ReadWriter) (_ protocol.Message, err error) {
	if !r.progress.CompareAndSwap(idle, begun) {
		return nil, errCalledOff
	}
	if _, err := rw.Write(r.frame); err != nil {
		return nil, err
	}
	r.answer, err = wire.ReadResponse(rw, r.correlation, r.answer)
	return r, err
}

// read gives every batch its part of the answer, which comes in any order.
func (r *request) read() error {
	body := wire.Body{Rest: r.answer}
	for topics := body.Count(); topics > 0; topics-- {
		topic := body.Text()
		for partitions := body.Count(); partitions > 0; partitions-- {
			partition, code, base := body.Int32(), body.Int16(), body.Int64()
			body.Int64() // time of the append
			body.Int64() // start of the log
			for faults := body.Count(); faults > 0; faults-- {
				body.Int32()
				body.Text()
			}
			body.Text() // message
			if body.Err() != nil {
				break
			}
			if p := r.find(topic, int(partition)); p != nil {
				p.answered, p.code, p.base = true, kafka.Error(code), base
			}
		}
	}
	if err := body.Err(); err != nil {
		return fmt.Errorf("read answer to produce: %w", err)
	}
	return nil
}

// find returns the batch of a partition; nil: there is none.
func (r *request) find(topic []byte, partition int) *partitionBatch {
	i, found := slices.BinarySearchFunc(r.batches, partition, func(p *partitionBatch, partition int) int {
		switch {
		case p.topic < string(topic):
			return -1
		case p.topic > string(topic):
			return 1
		}
		return cmp.Compare(p.partition, partition)
	})
	if !found {
		return nil
	}
	return r.batches[i]
}

// nextSequence returns the sequence number that follows n records: after the greatest int32 comes 0.
func nextSequence(sequence int32, n int) int32 {
	return int32((int64(sequence) + int64(n)) & 0x7fffffff)
}
