package consumers

import (
	"context"
	"sync"
	"time"

	"kindred/schemas/broker"
	"kindred/schemas/retry"
	"kindred/schemas/wire"
)

type (
	// Position is a place in a partition: the next offset to read.
	Position = wire.Position
	// Fetched is what one fetch brought of one partition.
	Fetched = wire.Fetched
)

// Fetcher reads committed records. It is safe for concurrent use.
//
// With several brokers the request to one may still wait for records when another has answered: it is kept, and
// answers a later Fetch from the same positions. So a Fetcher is best kept for as long as its reader reads.
type Fetcher struct {
	Cluster        *broker.Cluster
	MaxBytes       int // of one answer of one broker; default 8 MiB. One batch comes whatever its size
	PartitionBytes int // of one partition in it; default 1 MiB

	turn    uint64 // rotates who is first in a request, and so who gets what MaxBytes leaves
	mutex   sync.Mutex
	flying  []*flight
	buffers sync.Pool // of *[]byte
}

// Buffers hold what a FetchInto brought. The zero value is ready. One reader at a time.
type Buffers struct {
	held    [][]byte
	fetched []Fetched
}

// Fetch reads what comes next at the given positions. It waits for a first record up to wait, and returns one Fetched
// for every partition that was answered for, in the order asked, perhaps with no records; at least one brings records
// or is out of range, unless wait is over. No partition may be asked for twice.
//
// What can heal (network, elections, a topic that is not there yet) is tried again inside, also beyond wait, until
// there is an answer: an error means that ctx has ended. What was returned is the caller's for ever.
func (f *Fetcher) Fetch(ctx context.Context, from []Position, wait time.Duration) ([]Fetched, error) {
	return f.FetchInto(ctx, new(Buffers), from, wait)
}

// FetchInto is Fetch into b's memory: it ends the life of what an earlier FetchInto with the same b returned, and of
// every record in it. A reader that hands batches on needs as many Buffers as may be under way.
func (f *Fetcher) FetchInto(ctx context.Context, b *Buffers, from []Position, wait time.Duration) ([]Fetched, error) {
	f.reclaim(b)
	if len(from) == 0 {
		return nil, retry.Sleep(ctx, wait)
	}
	until := time.Now().Add(wait)
	pauses := tries
	var trouble broker.Trouble
	for {
		r := f.round(ctx, b, from, max(0, time.Until(until)), pauses.Next())
		if ctx.Err() != nil {
			f.reclaim(b)
			return nil, ctx.Err()
		}
		// Brokers wait for whole milliseconds: a round of less would be answered early.
		over := time.Until(until) < time.Millisecond
		if r.useful || over && r.answered {
			return b.inOrder(from), nil
		}
		f.reclaim(b)
		if r.err == nil {
			pauses.Reset()
			trouble = broker.Trouble{}
			continue
		}
		f.Cluster.Complain(&trouble, "fetch", r.err)
		if broker.Moved(r.err) {
			_ = f.Cluster.Refresh(ctx) // what is wrong with it shows in the next try as well
		}
	}
}

// tries are the pauses between rounds that failed.
var tries = retry.Backoff{First: 20 * time.Millisecond, Last: time.Second}

// outcome is how a round of requests went.
type outcome struct {
	answered bool  // a partition was answered for
	useful   bool  // and has records or is out of range
	err      error // the last failure of any partition
}

// round sends a request to each leader, unless one from there is still under way, and waits for the first answer that
// is of use, or for all. After a failure it waits no longer than pause.
func (f *Fetcher) round(ctx context.Context, b *Buffers, from []Position, wait, pause time.Duration) (r outcome) {
	layout, err := f.Cluster.Layout(ctx)
	if err != nil {
		r.err = err
		_ = retry.Sleep(ctx, pause) // Fetch sees when ctx has ended
		return r
	}
	shares, err := byLeader(layout, from)
	r.err = err
	arrivals := make(chan *flight, len(shares))
	flights := f.launch(ctx, shares, wait, arrivals)
	defer func() {
		if ctx.Err() != nil {
			abandon(flights)
		} else {
			f.land(flights, arrivals)
		}
	}()

	var giveUp <-chan time.Time // nil: nothing has failed
	failed := func() {
		if giveUp == nil {
			giveUp = time.After(pause)
		}
	}
	if err != nil {
		failed()
	}
	for waiting := len(flights); ; {
		if waiting == 0 && giveUp == nil {
			return r
		}
		select {
		case <-ctx.Done():
			return r
		case <-giveUp:
			return r
		case x := <-arrivals:
			waiting--
			useful, err := f.unpack(ctx, b, x)
			r.answered = r.answered || err == nil
			r.useful = r.useful || useful
			if err != nil {
				r.err = err
				failed()
			} else if !useful && x.took() < wait/2 {
				failed() // answered early, but with nothing: do not ask in a frenzy
			}
			if r.useful && len(arrivals) == 0 {
				return r
			}
		}
	}
}

// inOrder gives what was fetched in the order of the question.
func (b *Buffers) inOrder(from []Position) []Fetched {
	at := 0
	for _, p := range from {
		for i := at; i < len(b.fetched); i++ {
			if b.fetched[i].Position == p {
				b.fetched[at], b.fetched[i] = b.fetched[i], b.fetched[at]
				at++
				break
			}
		}
	}
	return b.fetched
}

// reclaim takes back the memory of what b brought before.
func (f *Fetcher) reclaim(b *Buffers) {
	for i, held := range b.held {
		f.buffers.Put(&held)
		b.held[i] = nil
	}
	b.held = b.held[:0]
	clear(b.fetched)
	b.fetched = b.fetched[:0]
}

func (f *Fetcher) buffer() []byte {
	if kept, ok := f.buffers.Get().(*[]byte); ok {
		return *kept
	}
	return nil
}
