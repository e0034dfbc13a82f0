package shard_test

import (
	"context"
	"encoding/binary"
	"errors"
	"sync"
	"time"

	"kindred/schemas/wire"
)

// kafka is the part of Kafka that an owner sees: partitions as logs of batches, a producer id, a fence. Faults are
// switched on by the test.
type kafka struct {
	at time.Time // timestamp of the records that are written; zero: some day in 2023

	mu     sync.Mutex
	logs   map[wire.Position]*log // by topic and partition, offset 0
	more   chan struct{}          // closed and replaced at every append
	pid    int64
	fenced bool

	// When set, they are called before each fetch and each publication. To be set before run.
	fetching   func(from []wire.Position)
	publishing func(context.Context)

	// abandon, when set, decides before each publication whether its records reach the log, and whether the publisher gets
	// the acknowledgement.
	abandon func() (stored, acknowledged bool)

	lost string // topic: what is published to it is on its way, and does not arrive before the publisher ends
}

type log struct {
	batches [][]byte
	bases   []int64
	end     int64
}

func newKafka() *kafka {
	return &kafka{logs: map[wire.Position]*log{}, more: make(chan struct{}), pid: 1000}
}

func (k *kafka) log(topic string, partition int) *log {
	at := wire.Position{Topic: topic, Partition: partition}
	if k.logs[at] == nil {
		k.logs[at] = &log{}
	}
	return k.logs[at]
}

// write appends one record of a plain producer.
func (k *kafka) write(topic string, partition int, key string, value []byte, headers ...wire.Header) int64 {
	var b wire.Builder
	at := int64(1_700_000_000_000)
	if !k.at.IsZero() {
		at = k.at.UnixMilli()
	}
	b.Add(at, []byte(key), value, wire.AppendHeaders(nil, headers...))
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.append(topic, partition, &b, -1)
}

func (k *kafka) append(topic string, partition int, b *wire.Builder, pid int64) int64 {
	l := k.log(topic, partition)
	bytes := append([]byte(nil), b.Finish(pid, 0, 0, false)...)
	binary.BigEndian.PutUint64(bytes, uint64(l.end)) // the broker numbers it; the checksum leaves that out
	l.batches, l.bases = append(l.batches, bytes), append(l.bases, l.end)
	base := l.end
	l.end += int64(b.Len())
	close(k.more)
	k.more = make(chan struct{})
	return base
}

func (k *kafka) Fetch(ctx context.Context, from []wire.Position, wait time.Duration) ([]wire.Fetched, error) {
	if k.fetching != nil {
		k.fetching(from)
	}
	timeout := time.After(wait)
	for {
		k.mu.Lock()
		fetched, found := make([]wire.Fetched, 0, len(from)), false
		for _, p := range from {
			l := k.log(p.Topic, p.Partition)
			f := wire.Fetched{Position: p, Set: wire.Set{From: p.Offset}, HighWatermark: l.end, Stable: l.end}
			for i, base := range l.bases {
				if i+1 < len(l.bases) && l.bases[i+1] <= p.Offset || p.Offset >= l.end {
					continue
				}
				_ = base
				f.Data = append(f.Data, l.batches[i]...)
			}
			f.OutOfRange = p.Offset > l.end
			found = found || len(f.Data) > 0 || f.OutOfRange
			fetched = append(fetched, f)
		}
		more := k.more
		k.mu.Unlock()
		if found {
			return fetched, nil
		}
		select {
		case <-more:
		case <-timeout:
			return fetched, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Reusing returns a Fetcher that spoils what it returned n fetches ago: whoever still reads that finds no records.
func (k *kafka) Reusing(n int) wire.Fetcher {
	return &reusing{kafka: k, returned: make([][]wire.Fetched, n)}
}

type reusing struct {
	*kafka
	returned [][]wire.Fetched // the last n
}

func (r *reusing) Fetch(ctx context.Context, from []wire.Position, wait time.Duration) ([]wire.Fetched, error) {
	for _, f := range r.returned[0] {
		clear(f.Data)
	}
	fetched, err := r.kafka.Fetch(ctx, from, wait)
	r.returned = append(r.returned[1:], fetched)
	return fetched, err
}

func (k *kafka) Starts(_ context.Context, of []wire.Position) ([]int64, error) {
	return make([]int64, len(of)), nil
}

func (k *kafka) Ends(_ context.Context, of []wire.Position) ([]int64, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	ends := make([]int64, len(of))
	for i, p := range of {
		ends[i] = k.log(p.Topic, p.Partition).end
	}
	return ends, nil
}

func (k *kafka) Publish(ctx context.Context, topic string, partition int, b *wire.Builder) (wire.Ack, error) {
	if k.publishing != nil {
		k.publishing(ctx)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.lost != "" && ctx.Err() != nil {
		return wire.Ack{}, ctx.Err()
	}
	if k.lost == topic {
		k.mu.Unlock()
		<-ctx.Done()
		k.mu.Lock()
		return wire.Ack{}, wire.ErrAbandoned
	}
	stored, acknowledged := true, true
	if k.abandon != nil {
		stored, acknowledged = k.abandon()
	}
	ack := wire.Ack{ProducerID: k.pid}
	if stored {
		ack.Base = k.append(topic, partition, b, k.pid)
	}
	if !acknowledged {
		k.pid++ // the next publication is under a new id
		return ack, wire.ErrAbandoned
	}
	return ack, ctx.Err()
}

func (k *kafka) ProducerID() int64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.pid
}

func (k *kafka) Renew(context.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.pid++
	return nil
}

func (k *kafka) Commit(context.Context, string, map[int]int64) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fenced {
		return errors.New("fenced")
	}
	return nil
}

// compacted returns what a compacted topic's partition holds: the last value of each key, tombstones left out.
func (k *kafka) compacted(topic string, partition int) map[string][]byte {
	k.mu.Lock()
	defer k.mu.Unlock()
	last := map[string][]byte{}
	for _, batch := range k.log(topic, partition).batches {
		wire.Set{Data: batch, From: 0}.Each(func(r *wire.Record) error {
			if r.Value == nil {
				delete(last, string(r.Key))
			} else {
				last[string(r.Key)] = append([]byte(nil), r.Value...)
			}
			return nil
		})
	}
	return last
}

func (k *kafka) end(topic string, partition int) int64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.log(topic, partition).end
}
