package consumers

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"kindred/schemas/broker"
	"kindred/schemas/wire"
)

const (
	defaultMaxBytes       = 8 << 20
	defaultPartitionBytes = 1 << 20

	fetchVersion = 11 // later ones need topic ids
)

// request returns the request for some positions. It begins with the topic of position number first, so that what one
// answer has no room for comes first in a later one.
func (f *Fetcher) request(from []Position, first int, wait time.Duration) broker.Raw {
	e := begin(protocol.Fetch, fetchVersion)
	e.i32(-1) // not a replica
	e.i32(int32(wait.Milliseconds()))
	e.i32(1) // the broker answers when it has this many bytes
	e.i32(int32(orDefault(f.MaxBytes, defaultMaxBytes)))
	e.i8(committed)
	e.i32(0)  // no session
	e.i32(-1) // and none is wanted
	e.eachTopic(rotated(from, first), func(p Position) {
		e.i32(int32(p.Partition))
		e.i32(-1) // whatever the leader's epoch
		e.i64(p.Offset)
		e.i64(-1) // the log's start, which replicas know
		e.i32(int32(orDefault(f.PartitionBytes, defaultPartitionBytes)))
	})
	e.i32(0)  // nothing to forget
	e.str("") // no rack
	return broker.Raw{Key: protocol.Fetch, Frame: e.finish(), Buffer: f.buffer}
}

func orDefault[T int | time.Duration](v, otherwise T) T {
	if v > 0 {
		return v
	}
	return otherwise
}

// rotated returns positions in an order that begins with number first; the partitions of a topic stay together.
func rotated(from []Position, first int) []Position {
	var s share
	for i := range from {
		s.add(from[(first+i)%len(from)])
	}
	return s.from
}

// unpack reads an answer and puts what it holds into b, which keeps the memory. It is useful when it has records, or says
// that an offset is out of range.
func (f *Fetcher) unpack(ctx context.Context, b *Buffers, p *pendingFetch) (useful bool, err error) {
	if p.err != nil {
		return false, p.err
	}
	b.held = append(b.held, p.body)
	before := len(b.fetched)
	failed, err := b.read(p)
	if err != nil {
		return false, err
	}
	got := b.fetched[before:]
	for i := range got {
		if got[i].OutOfRange && got[i].HighWatermark < 0 { // a real broker does not say where the partition lies
			if err := f.locate(ctx, &got[i]); err != nil {
				return false, err
			}
		}
		useful = useful || got[i].OutOfRange || got[i].Next() > got[i].Offset
	}
	if len(got) == 0 && failed == nil {
		failed = fmt.Errorf("broker %d answered for no partition", p.leader) // as it does when a quota is used up
	}
	if failed != nil && !useful {
		return false, failed
	}
	return useful, nil
}

// read reads the answer. failed is the error of some partition; such partitions are left out.
func (b *Buffers) read(p *pendingFetch) (failed, err error) {
	body := wire.Body{Rest: p.body}
	body.Int32() // throttled for
	if code := body.Int16(); code != 0 {
		return nil, kafka.Error(code)
	}
	body.Int32() // session
	at := 0      // number of the position that is probably next: brokers answer in the order asked, as a rule
	for topics := body.Count(); topics > 0; topics-- {
		topic := body.Text()
		for partitions := body.Count(); partitions > 0; partitions-- {
			got := Fetched{}
			partition, code := int(body.Int32()), body.Int16()
			got.HighWatermark, got.Stable, got.Start = body.Int64(), body.Int64(), body.Int64()
			got.Aborted = readAborted(&body)
			body.Int32() // preferred replica
			got.Data = body.Bytes()
			i := find(p.from, at, topic, partition)
			if i < 0 {
				continue
			}
			at = i + 1
			got.Position, got.From = p.from[i], p.from[i].Offset
			switch code {
			case 0:
			case int16(kafka.OffsetOutOfRange):
				got.OutOfRange, got.Data = true, nil
			default:
				failed = fmt.Errorf("fetch %s partition %d: %w", topic, partition, kafka.Error(code))
				continue
			}
			b.fetched = append(b.fetched, got)
		}
	}
	return failed, body.Err()
}

func readAborted(body *wire.Body) []wire.Aborted {
	n := body.Count()
	if n == 0 {
		return nil
	}
	aborted := make([]wire.Aborted, 0, n)
	for ; n > 0; n-- {
		aborted = append(aborted, wire.Aborted{ProducerID: body.Int64(), FirstOffset: body.Int64()})
	}
	return aborted
}

// find returns the number of a partition's position, looking from number at on and then from the beginning; -1: none.
func find(from []Position, at int, topic []byte, partition int) int {
	is := func(p Position) bool { return p.Partition == partition && p.Topic == string(topic) }
	if i := slices.IndexFunc(from[min(at, len(from)):], is); i >= 0 {
		return at + i
	}
	return slices.IndexFunc(from, is)
}
