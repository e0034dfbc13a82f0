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

// parcel is one partition's batch on its way. Once it is copied into a frame, batch must not be looked at any more.
type parcel struct {
	topic     string
	partition int
	batch     *wire.Builder
	sequence  int32 // of its first record
	count     int   // records
	size      int   // bytes

	answered bool // the broker's answer, valid when answered
	code     kafka.Error
	base     int64 // offset of its first record, when written
}

// request is one Produce request to one broker: version 8, which is the last that names topics by name and is not
// flexible. The batches are copied into its frame before it is sent; from then on nothing but frame and answer is used,
// so whoever waited for a parcel may go and take the builder along. It must not be used again after an error: the
// connection may still be writing or reading.
type request struct {
	session
	transaction string // transactional id; empty: none
	client      string
	correlation int32
	broker      protocol.Broker
	parcels     []*parcel // sorted by topic and partition
	frame       []byte
	answer      []byte
	progress    atomic.Int32 // idle, begun or called off
}

const (
	idle = iota
	begun
	calledOff
)

const produceVersion = 8

var errCalledOff = errors.New("called off")

// encode copies the batches into the frame. Sequence numbers must be given.
func (r *request) encode(timeout time.Duration) {
	slices.SortFunc(r.parcels, func(a, b *parcel) int {
		return cmp.Or(cmp.Compare(a.topic, b.topic), cmp.Compare(a.partition, b.partition))
	})
	be := binary.BigEndian
	f := wire.AppendRequest(r.frame[:0], int16(protocol.Produce), produceVersion, r.correlation, r.client)
	f = wire.AppendNullable(f, r.transaction)
	f = be.AppendUint16(f, 0xffff) // acks: all replicas in sync
	f = be.AppendUint32(f, uint32(timeout.Milliseconds()))

	topics, count := len(f), uint32(0)
	f = be.AppendUint32(f, 0)
	for rest := r.parcels; len(rest) > 0; count++ {
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

// send sends what was encoded and waits for the answer, until ctx ends and no longer than within. After an error, sent says whether the broker may
// have got it; it did not read the answer then.
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

// read gives every parcel its part of the answer, which comes in any order.
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
			if p := r.parcel(topic, int(partition)); p != nil {
				p.answered, p.code, p.base = true, kafka.Error(code), base
			}
		}
	}
	if err := body.Err(); err != nil {
		return fmt.Errorf("read answer to produce: %w", err)
	}
	return nil
}

func (r *request) parcel(topic []byte, partition int) *parcel {
	i, found := slices.BinarySearchFunc(r.parcels, partition, func(p *parcel, partition int) int {
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
	return r.parcels[i]
}

// after gives the sequence number behind n records: they go on at 0 after the greatest.
func after(sequence int32, n int) int32 { return int32((int64(sequence) + int64(n)) & 0x7fffffff) }
