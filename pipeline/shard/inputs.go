package shard

import (
	"context"
	"sync/atomic"
	"time"

	"kindred/schemas/wire"
)

// The inputs of a shard: indices of inputs.at, and up to alwaysRead of Inputs and of Stats.
const (
	profilesInput = iota
	segmentsInput
	modelsInput
	membershipsInput
	changesInput // only when they are written
	inputCount

	alwaysRead = changesInput
	ownInput   = membershipsInput // this and those behind it the owner itself writes
)

const (
	longPoll = 250 * time.Millisecond // a fetch waits at most so long for a first record
	atRest   = time.Second            // after this time without a publication memberships is read again
)

// inputs reads the topics ahead of the owner, one fetch at a time.
//
// What the owner itself writes is special. Acknowledgements already say where its own records lie, so the topic is fetched only
// while nothing is being published, or when an acknowledgement left a gap that somebody else must have written.
type inputs struct {
	topics    [inputCount]string // empty: it is not read
	partition int

	// Next offset to apply; for the owner's loop only.
	// Invariant: all below it has been applied to the mirror, and Kafka has acknowledged the dead letters of what could
	// not be read. It may pass own records that were acknowledged and not read.
	at [inputCount]int64

	queue chan []wire.Fetched

	own       [inputCount]ownTopic // from ownInput on
	published atomic.Int64         // unix ms of the last publication
}

// ownTopic is what there is to know of a topic that the owner writes and reads back.
type ownTopic struct {
	acked int64        // end of the owner's own records
	at    atomic.Int64 // copy of inputs.at for the reading goroutine
	gap   atomic.Bool  // there are records below an acknowledged one that nobody has read
}

// start begins to read where the owner has got to. The returned function ends the reading and waits for it.
func (in *inputs) start(ctx context.Context, fetcher wire.Fetcher) (stop func()) {
	for i := ownInput; i < inputCount; i++ {
		in.own[i].at.Store(in.at[i])
	}
	in.queue = make(chan []wire.Fetched, 1)
	ctx, cancel := context.WithCancel(ctx)
	at, done := in.at, make(chan struct{}) // from here on in.at is the owner's
	go func() {
		defer close(done)
		in.read(ctx, fetcher, at)
	}()
	return func() { cancel(); <-done }
}

// read fetches until ctx ends. A fetcher retries what can heal, so its error means that ctx has ended.
func (in *inputs) read(ctx context.Context, fetcher wire.Fetcher, at [inputCount]int64) {
	from := make([]wire.Position, 0, inputCount)
	for ctx.Err() == nil {
		from = from[:0]
		for i, topic := range in.inUse() {
			if i >= ownInput {
				at[i] = max(at[i], in.own[i].at.Load())
				if !in.readsBack(i) {
					continue
				}
			}
			from = append(from, wire.Position{Topic: topic, Partition: in.partition, Offset: at[i]})
		}
		batch, err := fetcher.Fetch(ctx, from, longPoll)
		if err != nil {
			return
		}
		for i := range batch {
			at[in.index(batch[i].Topic)] = batch[i].Next()
		}
		select {
		case in.queue <- batch:
		case <-ctx.Done():
			return
		}
	}
}

// inUse returns the topics that are read.
func (in *inputs) inUse() []string {
	if in.topics[changesInput] == "" {
		return in.topics[:alwaysRead]
	}
	return in.topics[:]
}

// readsBack reports whether the next fetch asks for a topic that the owner writes.
func (in *inputs) readsBack(input int) bool {
	return in.own[input].gap.Load() || time.Now().UnixMilli()-in.published.Load() > atRest.Milliseconds()
}

// acknowledged moves an input past n of the owner's own records that begin at base, unless that leaves a gap.
func (in *inputs) acknowledged(input int, base int64, n int) {
	if n == 0 {
		return
	}
	in.published.Store(time.Now().UnixMilli())
	own := &in.own[input]
	own.acked = max(own.acked, base+int64(n))
	next := in.at[input]
	if base <= next {
		next = base + int64(n)
	}
	in.applied(input, next)
}

// applied moves an input to next, never back: a fetch may end before what an acknowledgement has passed meanwhile.
func (in *inputs) applied(input int, next int64) {
	in.at[input] = max(in.at[input], next)
	if input >= ownInput {
		own := &in.own[input]
		own.at.Store(in.at[input])
		own.gap.Store(in.at[input] < own.acked)
	}
}

func (in *inputs) index(topic string) int {
	for i, t := range in.topics {
		if t == topic {
			return i
		}
	}
	panic("fetched a topic that was not asked for: " + topic)
}

// positions returns where reading goes on.
func (in *inputs) positions() []wire.Position {
	all := make([]wire.Position, len(in.inUse()))
	for i, topic := range in.inUse() {
		all[i] = wire.Position{Topic: topic, Partition: in.partition, Offset: in.at[i]}
	}
	return all
}
