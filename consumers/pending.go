package consumers

import (
	"context"
	"slices"
	"time"
)

// pendingFetch is what one reader asks of one leader. It outlives the Fetch that started it when another leader answers first:
// its answer must not be thrown away, or a busy broker would starve the others.
type pendingFetch struct {
	line    *line
	from    []Position
	started time.Time

	// Under the Fetcher's mutex.
	until    time.Time            // the reader wants an answer by then, also one without records
	waiter   chan<- *pendingFetch // of the round that waits for it; nil: none
	in       *request             // that it is in flight with; nil: it is not
	done     bool                 // it has an answer, or failed
	orphaned func() bool          // ends to watch whether its reader has gone; nil: a round waits for it
	answered time.Time
	err      error
	failed   error     // of some partition in the last answer
	fetched  []Fetched // its part of the last answer
	useful   bool      // of which some has records or is out of range
	body     *body     // the memory of it
}

const (
	maxPending   = 1024             // fetches that nobody waits for: of each reader one to each broker, or two
	answerMargin = 10 * time.Second // for an answer, beyond the time that the broker may wait for records
)

func (p *pendingFetch) took() time.Duration { return p.answered.Sub(p.started) }

// send asks for each share, unless just the same is pending. All of them report to arrivals.
func (f *Fetcher) send(shares []share, wait time.Duration, arrivals chan<- *pendingFetch) []*pendingFetch {
	sent := make([]*pendingFetch, 0, len(shares))
	f.mutex.Lock()
	defer f.mutex.Unlock()
	now := time.Now()
	for _, s := range shares {
		p := f.takePending(s)
		isNew := p == nil
		if isNew {
			p = &pendingFetch{line: f.line(s), from: s.from, started: now}
		}
		p.until, p.waiter = now.Add(wait), arrivals
		switch {
		case p.done:
			arrivals <- p
		case isNew:
			p.line.waiting = append(p.line.waiting, p)
			f.advance(p.line, now)
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
		case same == nil && p.line.leader == s.leader && slices.Equal(p.from, s.from):
			same = p
			return true
		case overlap(p.from, s.from):
			f.drop(p)
			return true
		}
		return false
	})
	if same == nil {
		return nil
	}
	same.orphaned()
	if same.done && same.err != nil {
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

// finish ends a pending fetch, and reports it to the round that waits for it by now.
func (p *pendingFetch) finish(now time.Time, err error) {
	p.err, p.answered, p.done = err, now, true
	if p.waiter != nil {
		p.waiter <- p
	}
}

// keep ends a round. What has not been unpacked is kept for the next Fetch, until ctx ends.
func (f *Fetcher) keep(ctx context.Context, sent []*pendingFetch, arrivals <-chan *pendingFetch) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	keep := func(p *pendingFetch) {
		p.waiter = nil
		p.orphaned = context.AfterFunc(ctx, func() {
			f.mutex.Lock()
			defer f.mutex.Unlock()
			f.pending = slices.DeleteFunc(f.pending, func(q *pendingFetch) bool { return q == p })
			f.drop(p)
		})
		f.pending = append(f.pending, p)
	}
	for len(arrivals) > 0 { // since the round last looked
		keep(<-arrivals)
	}
	for _, p := range sent {
		if !p.done {
			keep(p)
		}
	}
	for len(f.pending) > maxPending {
		f.drop(f.pending[0])
		f.pending = f.pending[1:]
	}
}

// abandon ends a round whose reader has gone. No goroutine of a request that was for it alone runs when it returns.
func (f *Fetcher) abandon(sent []*pendingFetch) {
	f.mutex.Lock()
	var alone []*request
	for _, p := range sent {
		if r := f.drop(p); r != nil {
			alone = append(alone, r)
		}
	}
	f.mutex.Unlock()
	for _, r := range alone {
		<-r.ended
	}
}

// drop forgets a pending fetch. It returns the request that it was the last one in, which is called off. The memory of an answer
// is left to the garbage collector.
func (f *Fetcher) drop(p *pendingFetch) (calledOff *request) {
	if p.orphaned != nil {
		p.orphaned()
	}
	p.waiter = nil
	p.line.waiting = slices.DeleteFunc(p.line.waiting, func(q *pendingFetch) bool { return q == p })
	r := p.in
	if r == nil {
		return nil
	}
	p.in = nil
	r.pending = slices.DeleteFunc(r.pending, func(q *pendingFetch) bool { return q == p })
	if len(r.pending) > 0 {
		return nil
	}
	r.callOff()
	return r
}
