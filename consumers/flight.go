package consumers

import (
	"context"
	"slices"
	"sync/atomic"
	"time"
)

// flight is a fetch request on its way to one leader. It outlives the Fetch that started it when another leader
// answers first: what it brings must not be thrown away, or a busy broker would starve the others.
type flight struct {
	leader  int32
	from    []Position
	started time.Time
	ended   time.Time
	body    []byte
	err     error
	cancel  context.CancelFunc
	landed  chan struct{} // closed when nothing of it runs any more

	listener chan<- *flight // who waits for it; nil: nobody. Under the Fetcher's mutex, like done
	done     bool
}

const (
	most   = 64               // flights that nobody waits for; more are of readers that have gone
	margin = 10 * time.Second // for an answer, beyond the time that the broker may wait for records
)

func (x *flight) took() time.Duration { return x.ended.Sub(x.started) }

// launch sends a request for each share whose like is not under way. All of them report to arrivals.
func (f *Fetcher) launch(ctx context.Context, shares []share, wait time.Duration, arrivals chan<- *flight) []*flight {
	flights := make([]*flight, 0, len(shares))
	f.mutex.Lock()
	defer f.mutex.Unlock()
	for _, s := range shares {
		x := f.underWay(s)
		if x == nil {
			x = &flight{leader: s.leader, from: s.from, started: time.Now(), landed: make(chan struct{})}
			var flying context.Context
			flying, x.cancel = context.WithCancel(ctx)
			go f.fly(flying, x, wait)
		}
		x.listener = arrivals
		if x.done {
			arrivals <- x
		}
		flights = append(flights, x)
	}
	return flights
}

// underWay takes a waiting flight out of the list that asks for just the same. Flights that ask for the same partitions
// at other offsets are dropped: their reader has moved on.
func (f *Fetcher) underWay(s share) (same *flight) {
	f.flying = slices.DeleteFunc(f.flying, func(x *flight) bool {
		switch {
		case same == nil && x.leader == s.leader && slices.Equal(x.from, s.from):
			same = x
			return true
		case overlap(x.from, s.from):
			f.drop(x)
			return true
		}
		return false
	})
	if same != nil && same.done && same.err != nil {
		return nil
	}
	return same
}

func overlap(a, b []Position) bool {
	for _, p := range a {
		if slices.ContainsFunc(b, func(q Position) bool { return p.Partition == q.Partition && p.Topic == q.Topic }) {
			return true
		}
	}
	return false
}

// fly makes the request and tells whoever listens by then.
func (f *Fetcher) fly(ctx context.Context, x *flight, wait time.Duration) {
	defer close(x.landed)
	defer x.cancel()
	first := int(atomic.AddUint64(&f.turn, 1) % uint64(len(x.from)))
	asked := &toBroker{request: f.request(x.from, first, wait), broker: x.leader}
	body, err := exchange(ctx, f.Cluster, asked, wait+margin)

	f.mutex.Lock()
	defer f.mutex.Unlock()
	x.body, x.err, x.ended, x.done = body, err, time.Now(), true
	if x.listener != nil {
		x.listener <- x
	}
}

// land ends a round. What did not arrive is kept for the next Fetch.
func (f *Fetcher) land(flights []*flight, arrivals <-chan *flight) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	for len(arrivals) > 0 { // arrived since the last look
		x := <-arrivals
		x.listener = nil
		f.flying = append(f.flying, x)
	}
	for _, x := range flights {
		if !x.done {
			x.listener = nil
			f.flying = append(f.flying, x)
		}
	}
	for len(f.flying) > most {
		f.drop(f.flying[0])
		f.flying = f.flying[1:]
	}
}

// abandon ends a round whose reader has gone, and its flights with it: none is in the air when it returns.
func abandon(flights []*flight) {
	for _, x := range flights {
		x.cancel()
	}
	for _, x := range flights {
		<-x.landed
	}
}

// drop forgets a flight. When it is still in the air, its buffer goes with it.
func (f *Fetcher) drop(x *flight) {
	x.cancel()
	if x.done && x.body != nil {
		f.buffers.Put(&x.body)
	}
}
