package consumers

import (
	"context"
	"slices"
	"sync/atomic"
	"time"
)

// pendingFetch is a fetch request to one leader. It outlives the Fetch that started it when another leader answers first:
// its answer must not be thrown away, or a busy broker would starve the others.
type pendingFetch struct {
	leader   int32
	from     []Position
	byID     bool // it names topics by their ids
	started  time.Time
	answered time.Time
	body     []byte
	err      error
	cancel   context.CancelFunc
	ended    chan struct{} // closed when its goroutine is about to end

	// Under the Fetcher's mutex.
	waiter chan<- *pendingFetch // of the round that waits for it; nil: none
	done   bool                 // it has an answer, or failed
}

const (
	maxPending   = 64               // fetches that nobody waits for; more are of readers that have gone
	answerMargin = 10 * time.Second // for an answer, beyond the time that the broker may wait for records
)

func (p *pendingFetch) took() time.Duration { return p.answered.Sub(p.started) }

// send sends a request for each share, unless one for just the same is pending. All of them report to arrivals.
func (f *Fetcher) send(ctx context.Context, shares []share, wait time.Duration,
	arrivals chan<- *pendingFetch) []*pendingFetch {
	sent := make([]*pendingFetch, 0, len(shares))
	f.mutex.Lock()
	defer f.mutex.Unlock()
	for _, s := range shares {
		p := f.takePending(s)
		if p == nil {
			p = &pendingFetch{leader: s.leader, from: s.from, byID: f.identified(s.from), started: time.Now(), ended: make(chan struct{})}
			var sending context.Context
			sending, p.cancel = context.WithCancel(ctx)
			go f.await(sending, p, wait)
		}
		p.waiter = arrivals
		if p.done {
			arrivals <- p
		}
		sent = append(sent, p)
	}
	return sent
}

// takePending takes the pending fetch that asks for just the same as a share out of the list; nil: there is none, or it
// failed. Fetches of the same partitions at other offsets are dropped: their reader has moved on.
func (f *Fetcher) takePending(s share) (same *pendingFetch) {
	f.pending = slices.DeleteFunc(f.pending, func(p *pendingFetch) bool {
		switch {
		case same == nil && p.leader == s.leader && slices.Equal(p.from, s.from):
			same = p
			return true
		case overlap(p.from, s.from):
			f.drop(p)
			return true
		}
		return false
	})
	if same != nil && same.done && same.err != nil {
		return nil
	}
	return same
}

// overlap reports whether two lists have a partition in common.
func overlap(a, b []Position) bool {
	for _, p := range a {
		if slices.ContainsFunc(b, func(q Position) bool { return p.Partition == q.Partition && p.Topic == q.Topic }) {
			return true
		}
	}
	return false
}

// await sends the request, waits for its answer and reports it to the round that waits for it by then.
func (f *Fetcher) await(ctx context.Context, p *pendingFetch, wait time.Duration) {
	defer close(p.ended)
	defer p.cancel()
	first := int(atomic.AddUint64(&f.turn, 1) % uint64(len(p.from)))
	asked := &toBroker{Raw: f.request(p.from, first, wait), id: p.leader}
	body, err := f.Cluster.Exchange(ctx, asked, wait+answerMargin)

	f.mutex.Lock()
	defer f.mutex.Unlock()
	p.body, p.err, p.answered, p.done = body, err, time.Now(), true
	if p.waiter != nil {
		p.waiter <- p
	}
}

// keep ends a round. What has not been unpacked is kept for the next Fetch.
func (f *Fetcher) keep(sent []*pendingFetch, arrivals <-chan *pendingFetch) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	for len(arrivals) > 0 { // since the round last looked
		p := <-arrivals
		p.waiter = nil
		f.pending = append(f.pending, p)
	}
	for _, p := range sent {
		if !p.done {
			p.waiter = nil
			f.pending = append(f.pending, p)
		}
	}
	for len(f.pending) > maxPending {
		f.drop(f.pending[0])
		f.pending = f.pending[1:]
	}
}

// abandon ends a round whose reader has gone, and its requests with it: no goroutine of them runs when it returns.
func abandon(sent []*pendingFetch) {
	for _, p := range sent {
		p.cancel()
	}
	for _, p := range sent {
		<-p.ended
	}
}

// drop forgets a pending fetch. When it has no answer yet, its buffer is left to the garbage collector.
func (f *Fetcher) drop(p *pendingFetch) {
	p.cancel()
	if p.done && p.body != nil {
		f.buffers.Put(&p.body)
	}
}
