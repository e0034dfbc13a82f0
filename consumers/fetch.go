package consumers

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"kindred/schemas/broker"
	"kindred/schemas/retry"
	"kindred/schemas/wire"
)

type (
	// Position is the next offset to read of a partition.
	Position = wire.Position
	// Fetched is what one fetch returned of one partition.
	Fetched = wire.Fetched
)

// Fetcher reads committed records. It is safe for concurrent use.
//
// What several readers want of one broker is asked for together, see line. Of several requests one may still wait for records
// when another has been answered: it stays pending, and answers a later Fetch from the same positions. So a reader
// should keep its Fetcher for as long as it reads.
type Fetcher struct {
	Cluster        *broker.Cluster
	MaxBytes       int // of one answer of one broker; default 8 MiB. The first batch comes whatever its size
	PartitionBytes int // of one partition in it; default 1 MiB

	ids     map[string]broker.TopicID // by name, see Pin; those that are missing here are read by their names
	turn    atomic.Uint64             // rotates which partition is first in a request: the last ones get what MaxBytes leaves
	mutex   sync.Mutex
	lines   []*line                      // a few for each leader
	pending []*pendingFetch              // those that no round waits for
	trouble broker.Trouble               // of any reader
	brought map[topicPartition]time.Time // when each partition has brought records last, or was asked for first
	buffers sync.Pool                    // of *[]byte
}

// Buffers hold what a FetchInto returned. The zero value is ready. They are not for concurrent use.
type Buffers struct {
	held    []*body
	fetched []Fetched
}

// Reusing returns a Fetcher for one reader that reads into the same memory again and again: what a Fetch of it returned is good
// until n more are called. A reader that hands batches on needs as many as there may be batches not done with.
func (f *Fetcher) Reusing(n int) wire.Fetcher {
	return &reusing{Fetcher: f, buffers: make([]Buffers, n)}
}

type reusing struct {
	*Fetcher
	buffers []Buffers
	next    int
}

func (r *reusing) Fetch(ctx context.Context, from []Position, wait time.Duration) ([]Fetched, error) {
	b := &r.buffers[r.next]
	r.next = (r.next + 1) % len(r.buffers)
	return r.FetchInto(ctx, b, from, wait)
}

// Fetch reads what comes next at the given positions. It waits for a first record up to wait, and returns one Fetched
// for every partition that a broker answered for, in the order asked, perhaps with no records. At least one has records or
// is out of range, unless wait is over. No partition may be asked for twice.
//
// What can heal (network, elections, a topic that is not there yet) is tried again inside, also beyond wait, until
// there is an answer: an error means that ctx has ended. What is returned is the caller's to keep.
func (f *Fetcher) Fetch(ctx context.Context, from []Position, wait time.Duration) ([]Fetched, error) {
	return f.FetchInto(ctx, new(Buffers), from, wait)
}

// FetchInto is Fetch into b's memory: what an earlier FetchInto with the same b returned must not be used any more, nor
// any record in it. A reader that hands batches on needs as many Buffers as there may be batches not done with.
func (f *Fetcher) FetchInto(ctx context.Context, b *Buffers, from []Position, wait time.Duration) ([]Fetched, error) {
	f.reclaim(b)
	if len(from) == 0 {
		return nil, retry.Sleep(ctx, wait)
	}
	until := time.Now().Add(wait)
	pauses := betweenTries
	for {
		r := f.round(ctx, b, from, max(0, time.Until(until)), pauses.Next())
		if ctx.Err() != nil {
			f.reclaim(b)
			return nil, ctx.Err()
		}
		if r.err != nil {
			f.failed(ctx, r.err)
		}
		// Brokers wait for whole milliseconds: a round of less would be answered early.
		over := time.Until(until) < time.Millisecond
		if r.useful || over && r.answered {
			return b.inOrder(from), nil
		}
		f.reclaim(b)
		if r.err == nil {
			pauses.Reset()
		}
	}
}

// failed notes that a partition could not be read, also when others could: else nobody would hear of one that is missing for
// good, and one that has another leader would be read again only when the Transport happens to look.
func (f *Fetcher) failed(ctx context.Context, err error) {
	f.mutex.Lock()
	f.Cluster.Complain(&f.trouble, "fetch", err)
	f.mutex.Unlock()
	if broker.Moved(err) {
		f.Cluster.Outdated(ctx)
	}
}

// betweenTries are the pauses after something failed that may heal.
var betweenTries = retry.Backoff{First: 20 * time.Millisecond, Last: time.Second}

// outcome is how a round of requests went.
type outcome struct {
	answered bool  // a broker answered for a partition
	useful   bool  // and one has records or is out of range
	err      error // the last failure of any partition
}

// round sends a request to each leader, unless the same is still pending there, and waits for the first useful answer, or
// for all. After a failure it waits no longer than pause.
func (f *Fetcher) round(ctx context.Context, b *Buffers, from []Position, wait, pause time.Duration) (r outcome) {
	layout, err := f.Cluster.Layout(ctx)
	if err != nil {
		r.err = err
		_ = retry.Sleep(ctx, pause) // Fetch sees when ctx has ended
		return r
	}
	shares, err := byLeader(layout, from)
	r.err = err
	shares = f.apart(shares)
	arrivals := make(chan *pendingFetch, len(shares))
	sent := f.send(shares, wait, arrivals)
	defer func() {
		if ctx.Err() != nil {
			f.abandon(sent)
		} else {
			f.keep(ctx, sent, arrivals)
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
	for waiting := len(sent); ; {
		if waiting == 0 && giveUp == nil {
			return r
		}
		select {
		case <-ctx.Done():
			return r
		case <-giveUp:
			return r
		case p := <-arrivals:
			waiting--
			useful, err := f.unpack(ctx, b, p)
			r.answered = r.answered || err == nil
			r.useful = r.useful || useful
			if err != nil {
				r.err = err
				failed()
			} else if !useful && p.took() < wait/2 {
				failed() // answered early, but with nothing: it must not be asked again at once
			}
			if r.useful && len(arrivals) == 0 {
				return r
			}
		}
	}
}

// inOrder returns what was fetched, in the order in which it was asked for.
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

// reclaim takes back the memory of what b holds.
func (f *Fetcher) reclaim(b *Buffers) {
	for i, held := range b.held {
		if held.readers.Add(-1) == 0 {
			f.buffers.Put(&held.bytes)
		}
		b.held[i] = nil
	}
	b.held = b.held[:0]
	clear(b.fetched)
	b.fetched = b.fetched[:0]
}

// buffer returns memory for an answer; nil: there is none to use again.
func (f *Fetcher) buffer() []byte {
	if kept, ok := f.buffers.Get().(*[]byte); ok {
		return *kept
	}
	return nil
}
