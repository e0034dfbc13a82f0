package consumers

import (
	"context"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"kindred/schemas/broker"
	"kindred/schemas/retry"
	"kindred/schemas/wire"
)

const (
	defaultMaxBytes       = 8 << 20
	defaultPartitionBytes = 1 << 20

	fetchByName = 11 // the last version that names topics
	fetchByID   = 13 // the first one that has their ids
)

// Pin makes f read these very topics, by their ids: one that is deleted and created anew under the same name is an error, and
// nothing of it is taken for what was meant. Topics without an id, and all when the brokers are older than Kafka 3.1, are
// read by their names as before. It must not be called while f reads.
func (f *Fetcher) Pin(ctx context.Context, topics map[string]broker.Identity) error {
	var newest map[int16]int16
	err := f.Cluster.Persist(ctx, "look how topics can be read", pinning, func(ctx context.Context) (err error) {
		newest, err = f.Cluster.Versions(ctx)
		return err
	})
	if err != nil || newest[int16(protocol.Fetch)] < fetchByID {
		return err
	}
	f.ids = make(map[string]broker.TopicID, len(topics))
	for name, is := range topics {
		f.ids[name] = is.ID
	}
	return nil
}

var pinning = broker.Asking{Tries: 10, Pauses: retry.Backoff{First: 50 * time.Millisecond, Last: time.Second}}

// identified reports whether the ids of all topics are known, so that a topic which was created anew under its name is not
// taken for the one that was meant.
func (f *Fetcher) identified(of []Position) bool {
	for len(of) > 0 {
		if f.ids[of[0].Topic] == (broker.TopicID{}) {
			return false
		}
		of = of[sameTopic(of):]
	}
	return true
}

// request returns the bytes of a request.
func (f *Fetcher) request(r *request) broker.Raw {
	version, byID := int16(fetchByName), r.line.byID
	if byID {
		version = fetchByID
	}
	e := begin(protocol.Fetch, version)
	if byID {
		e.noTags()
	}
	e.i32(-1) // not a replica
	e.i32(int32(r.wait.Milliseconds()))
	e.i32(1) // the broker answers when it has this many bytes
	e.i32(int32(orDefault(f.MaxBytes, defaultMaxBytes)))
	e.i8(committed)
	e.i32(0)  // no session
	e.i32(-1) // and none is wanted
	partition := func(p Position) {
		e.i32(int32(p.Partition))
		e.i32(-1) // whatever the leader's epoch
		e.i64(p.Offset)
		if byID {
			e.i32(-1) // the epoch of the last record, which replicas know
		}
		e.i64(-1) // the log's start, which replicas know
		e.i32(int32(orDefault(f.PartitionBytes, defaultPartitionBytes)))
	}
	if byID {
		e.eachTopicByID(r.from, f.ids, partition)
		e.length(0)      // nothing to forget
		e.compactStr("") // no rack
		e.noTags()
	} else {
		e.eachTopic(r.from, partition)
		e.i32(0)  // nothing to forget
		e.str("") // no rack
	}
	return broker.Raw{Key: protocol.Fetch, Frame: e.finish(), Buffer: f.buffer}
}

func orDefault[T int | time.Duration](v, otherwise T) T {
	if v > 0 {
		return v
	}
	return otherwise
}

// rotated returns positions in an order that begins with number first, so that what one answer has no room for comes first in a
// later one. The partitions of a topic stay together.
func rotated(from []Position, first int) []Position {
	var s share
	for i := range from {
		s.add(from[(first+i)%len(from)])
	}
	return s.from
}

// unpack puts what a reader was answered into b, which keeps the memory. It is useful when it has records, or says that an
// offset is out of range.
func (f *Fetcher) unpack(ctx context.Context, b *Buffers, p *pendingFetch) (useful bool, err error) {
	if p.err != nil {
		return false, p.err
	}
	if p.body != nil {
		b.held = append(b.held, p.body)
	}
	for i := range p.fetched {
		if p.fetched[i].OutOfRange && p.fetched[i].HighWatermark < 0 { // a real broker does not say where the partition lies
			if err := f.locate(ctx, &p.fetched[i]); err != nil {
				return false, err
			}
		}
	}
	if p.useful {
		f.noteBrought(p.fetched)
	}
	b.fetched = append(b.fetched, p.fetched...)
	return p.useful, nil
}

// fetchAnswer is the body of an answer in either version.
type fetchAnswer struct {
	wire.FlexibleBody
	byID bool
}

func (a *fetchAnswer) count() int {
	if a.byID {
		return a.Count()
	}
	return a.Body.Count()
}

func (a *fetchAnswer) bytes() []byte {
	if a.byID {
		return a.Text() // has its length in the same form
	}
	return a.Bytes()
}

// end skips what ends a structure.
func (a *fetchAnswer) end() {
	if a.byID {
		a.Tags()
	}
}

// topic reads the name of a topic, or finds the one that was asked for by the id that stands there; empty: none was.
func (a *fetchAnswer) topic(from []Position, ids map[string]broker.TopicID) string {
	if !a.byID {
		return string(a.Body.Text())
	}
	id := broker.TopicID(a.UUID())
	for ; len(from) > 0; from = from[sameTopic(from):] {
		if ids[from[0].Topic] == id {
			return from[0].Topic
		}
	}
	return ""
}

// read reads an answer, and gives each reader its part of it. The error of a partition is that of its reader, who gets the other
// partitions all the same when they are useful.
func (r *request) read(answer []byte, ids map[string]broker.TopicID) error {
	body := fetchAnswer{wire.FlexibleBody{Body: wire.Body{Rest: answer}}, r.line.byID}
	body.end()   // of its header
	body.Int32() // throttled for
	if code := body.Int16(); code != 0 {
		return kafka.Error(code)
	}
	body.Int32() // session
	for topics := body.count(); topics > 0; topics-- {
		topic := body.topic(r.from, ids)
		for partitions := body.count(); partitions > 0; partitions-- {
			got := Fetched{}
			partition, code := int(body.Int32()), body.Int16()
			got.HighWatermark, got.Stable, got.Start = body.Int64(), body.Int64(), body.Int64()
			got.Aborted = body.aborted()
			body.Int32() // preferred replica
			if data := body.bytes(); len(data) > 0 {
				got.Data = data
			}
			body.end()
			p, from := r.reader(topic, partition)
			if p == nil {
				continue
			}
			got.Position, got.From = from, from.Offset
			switch code {
			case 0:
			case int16(kafka.OffsetOutOfRange):
				got.OutOfRange, got.Data = true, nil
			default:
				p.failed = fmt.Errorf("fetch %s partition %d: %w", topic, partition, kafka.Error(code))
				continue
			}
			p.fetched = append(p.fetched, got)
			p.useful = p.useful || got.OutOfRange || got.Next() > got.Offset
		}
		body.end()
	}
	return body.Err()
}

func (a *fetchAnswer) aborted() []wire.Aborted {
	n := a.count()
	if n == 0 {
		return nil
	}
	aborted := make([]wire.Aborted, 0, n)
	for ; n > 0; n-- {
		aborted = append(aborted, wire.Aborted{ProducerID: a.Int64(), FirstOffset: a.Int64()})
		a.end()
	}
	return aborted
}
