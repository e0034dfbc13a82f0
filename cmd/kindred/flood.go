package main

import (
	"context"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"kindred/producers"
	"kindred/schemas"
	"kindred/schemas/wire"
)

// flood publishes many records to all partitions of a topic, in large batches: while one is in flight, the next is filled.
// One goroutine adds records, one for each partition publishes.
type flood struct {
	topic       string
	producer    *producers.Producer
	partitioner schemas.Partitioner

	acknowledged atomic.Int64 // records, so far
	queues       []queue      // by partition
	group        *errgroup.Group
	ctx          context.Context // ends when a batch could not be published
}

// queue has the batches of one partition, which go round: they are filled by the goroutine that adds, then emptied by the one
// that publishes.
type queue struct {
	filling *wire.Builder
	full    chan *wire.Builder
	empty   chan *wire.Builder

	// Of the goroutine that publishes, until the flood is finished.
	next   int64  // offset, if nobody else publishes; -1: not known
	others []span // below next, where others have published
}

// large is the size in bytes from which on a batch is sent. Larger ones are hardly faster.
const large = 256 << 10

// flood begins to publish to a topic. It must be finished.
func (p *program) flood(ctx context.Context, c *connection, name string) (*flood, error) {
	partitions, err := c.partitions(ctx, name)
	if err != nil {
		return nil, err
	}
	f := &flood{topic: c.prefix.Topic(name), producer: c.producer, partitioner: p.settings.Partitioner, queues: make([]queue, partitions)}
	f.group, f.ctx = errgroup.WithContext(ctx)
	for partition := range f.queues {
		q := &f.queues[partition]
		*q = newQueue()
		f.group.Go(func() error { return f.publish(partition, q) })
	}
	return f, nil
}

func newQueue() queue {
	q := queue{next: -1, filling: new(wire.Builder), full: make(chan *wire.Builder, 1), empty: make(chan *wire.Builder, 2)}
	q.empty <- new(wire.Builder)
	q.empty <- new(wire.Builder)
	return q
}

// publish publishes the batches of a partition until there will be no more.
func (f *flood) publish(partition int, q *queue) error {
	for batch := range q.full {
		ack, err := f.producer.Publish(f.ctx, f.topic, partition, batch)
		if err != nil {
			return err
		}
		if q.next >= 0 && ack.Base > q.next {
			q.others = append(q.others, span{q.next, ack.Base})
		}
		q.next = ack.Base + int64(batch.Len())
		f.acknowledged.Add(int64(batch.Len()))
		batch.Reset()
		q.empty <- batch
	}
	return nil
}

// from sets where every partition ended before the flood began: what others publish from there on is then known too.
func (f *flood) from(ends []int64) {
	for partition, end := range ends {
		f.queues[partition].next = end
	}
}

// others returns where the flood has ended in every partition, and the parts below where others have published. The flood
// must be finished.
func (f *flood) others() (ends []int64, others [][]span) {
	for i := range f.queues {
		ends, others = append(ends, f.queues[i].next), append(others, f.queues[i].others)
	}
	return ends, others
}

// add puts a record into the batch of its partition, and sends that when it is large. The bytes are copied.
func (f *flood) add(key, value []byte) error { return f.addEvent(key, value, nil) }

// addEvent adds a record with headers.
func (f *flood) addEvent(key, value []byte, headers wire.Headers) error {
	q := &f.queues[f.partitioner.Partition(key, len(f.queues))]
	q.filling.Add(time.Now().UnixMilli(), key, value, headers)
	if q.filling.Size() < large {
		return nil
	}
	return f.send(q)
}

// send hands the filled batch over to be published, and waits for an empty one.
func (f *flood) send(q *queue) error {
	select {
	case q.full <- q.filling:
	case <-f.ctx.Done():
		return context.Cause(f.ctx)
	}
	select {
	case q.filling = <-q.empty:
		return nil
	case <-f.ctx.Done():
		return context.Cause(f.ctx)
	}
}

// finish sends what is left, unless adding has failed, and returns once Kafka has acknowledged everything.
func (f *flood) finish(adding error) error {
	for i := range f.queues {
		q := &f.queues[i]
		if adding == nil && q.filling.Len() > 0 {
			adding = f.send(q)
		}
		close(q.full)
	}
	if err := f.group.Wait(); err != nil {
		return err
	}
	return adding
}
