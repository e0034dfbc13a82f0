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

// flood publishes many records to all partitions of a topic, each in large batches: while one is on its way, the next
// is filled. One goroutine adds.
type flood struct {
	topic       string
	producer    *producers.Producer
	partitioner schemas.Partitioner

	acknowledged atomic.Int64 // records, so far
	lanes        []lane
	group        *errgroup.Group
	ctx          context.Context // ends when a batch could not be published
}

// lane is one partition's: batches go round between who fills and who publishes.
type lane struct {
	filling *wire.Builder
	full    chan *wire.Builder
	empty   chan *wire.Builder
}

// large is the size, in bytes, from which on a batch is sent. Larger ones are hardly faster.
const large = 256 << 10

// flood begins. It must be finished.
func (p *program) flood(ctx context.Context, c *connection, name string) (*flood, error) {
	partitions, err := c.partitions(ctx, name)
	if err != nil {
		return nil, err
	}
	f := &flood{topic: c.prefix.Topic(name), producer: c.producer, partitioner: p.settings.Partitioner, lanes: make([]lane, partitions)}
	f.group, f.ctx = errgroup.WithContext(ctx)
	for partition := range f.lanes {
		lane := &f.lanes[partition]
		*lane = lane.ready()
		f.group.Go(func() error { return f.publish(partition, lane) })
	}
	return f, nil
}

func (lane) ready() lane {
	l := lane{filling: new(wire.Builder), full: make(chan *wire.Builder, 1), empty: make(chan *wire.Builder, 2)}
	l.empty <- new(wire.Builder)
	l.empty <- new(wire.Builder)
	return l
}

func (f *flood) publish(partition int, lane *lane) error {
	for batch := range lane.full {
		if _, err := f.producer.Publish(f.ctx, f.topic, partition, batch); err != nil {
			return err
		}
		f.acknowledged.Add(int64(batch.Len()))
		batch.Reset()
		lane.empty <- batch
	}
	return nil
}

// add publishes a record in its time. The bytes are copied.
func (f *flood) add(key, value []byte) error {
	lane := &f.lanes[f.partitioner.Partition(key, len(f.lanes))]
	lane.filling.Add(time.Now().UnixMilli(), key, value, nil)
	if lane.filling.Size() < large {
		return nil
	}
	return f.send(lane)
}

// send hands the batch over, and takes an empty one.
func (f *flood) send(lane *lane) error {
	select {
	case lane.full <- lane.filling:
	case <-f.ctx.Done():
		return context.Cause(f.ctx)
	}
	select {
	case lane.filling = <-lane.empty:
		return nil
	case <-f.ctx.Done():
		return context.Cause(f.ctx)
	}
}

// finish sends what is left, when all went well so far, and waits until Kafka has everything.
func (f *flood) finish(soFar error) error {
	for i := range f.lanes {
		lane := &f.lanes[i]
		if soFar == nil && lane.filling.Len() > 0 {
			soFar = f.send(lane)
		}
		close(lane.full)
	}
	if err := f.group.Wait(); err != nil {
		return err
	}
	return soFar
}
