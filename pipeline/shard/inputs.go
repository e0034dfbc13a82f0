package shard

import (
	"context"
	"sync/atomic"
	"time"

	"kindred/schemas/wire"
)

// The inputs of a shard: indices of inputs.at, of Inputs and of Stats.
const (
	profilesInput = iota
	segmentsInput
	modelsInput
	membershipsInput
	inputCount
)

const (
	longPoll = 250 * time.Millisecond // a fetch waits at most so long for a first record
	atRest   = time.Second            // after this time without a publication memberships is read again
)

// inputs reads the four topics ahead of the owner, one fetch at a time.
//
// Memberships is special. Acknowledgements already say where the owner's own records lie, so the topic is fetched only
// while nothing is being published, or when an acknowledgement left a gap that somebody else must have written.
type inputs struct {
	topics    [inputCount]string
	partition int

	// Next offset to apply; for the owner's loop only.
	// Invariant: all below it has been applied to the mirror, and Kafka has acknowledged the dead letters of what could
	// not be read. It may pass own records of memberships that were acknowledged and not read.
	at [inputCount]int64

	ends  [inputCount]int64 // what must be applied before anything is published
	acked int64             // end of the owner's own records in memberships
	queue chan []wire.Fetched

	memberships atomic.Int64 // copy of at[membershipsInput] for the reading goroutine
	published   atomic.Int64 // unix ms of the last publication
	gap         atomic.Bool  // memberships has records below an acknowledged one that nobody has read
}

// start begins to read where the owner has got to. The returned function ends the reading and waits for it.
func (in *inputs) start(ctx context.Context, fetcher wire.Fetcher) (stop func()) {
	in.memberships.Store(in.at[membershipsInput])
	in.queue = make(chan []wire.Fetched, 1)
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		in.read(ctx, fetcher, in.at)
	}()
	return func() { cancel(); <-done }
}

// read fetches until ctx ends. A fetcher retries what can heal, so its error means that ctx has ended.
func (in *inputs) read(ctx context.Context, fetcher wire.Fetcher, at [inputCount]int64) {
	from := make([]wire.Position, 0, inputCount)
	for ctx.Err() == nil {
		from = from[:0]
		for i, topic := range in.topics {
			if i == membershipsInput {
				at[i] = max(at[i], in.memberships.Load())
				if !in.readsMemberships(at[i]) {
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

// readsMemberships reports whether the next fetch asks for memberships too.
func (in *inputs) readsMemberships(at int64) bool {
	return at < in.ends[membershipsInput] || in.gap.Load() ||
		time.Now().UnixMilli()-in.published.Load() > atRest.Milliseconds()
}

// acknowledged moves memberships past n of the owner's own records that begin at base, unless that leaves a gap.
func (in *inputs) acknowledged(base int64, n int) {
	in.published.Store(time.Now().UnixMilli())
	in.acked = max(in.acked, base+int64(n))
	next := in.at[membershipsInput]
	if base <= next {
		next = base + int64(n)
	}
	in.applied(membershipsInput, next)
}

// applied moves an input to next, never back: a fetch may end before what an acknowledgement has passed meanwhile.
func (in *inputs) applied(input int, next int64) {
	in.at[input] = max(in.at[input], next)
	if input == membershipsInput {
		in.memberships.Store(in.at[input])
		in.gap.Store(in.at[input] < in.acked)
	}
}

// reached reports whether all that was there at the take-over has been applied.
func (in *inputs) reached() bool {
	for i, end := range in.ends {
		if in.at[i] < end {
			return false
		}
	}
	return true
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
	all := make([]wire.Position, inputCount)
	for i, topic := range in.topics {
		all[i] = wire.Position{Topic: topic, Partition: in.partition, Offset: in.at[i]}
	}
	return all
}

// behind returns how many offsets have to be read before the shard has caught up.
func (in *inputs) behind() (offsets int64) {
	for i, end := range in.ends {
		offsets += max(0, end-in.at[i])
	}
	return offsets
}
