package consumers

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"time"
)

// line is how the readers of a process ask one leader: whoever waits when a request is sent is in it. So a process that owns many
// shards asks once for all of them when much comes in, as brokers want it: a request that brings twelve records costs a broker
// hardly more than one that brings one.
//
// A reader that comes back while a request is waiting for records is not held up by it: it is asked for at once, by another
// request. Both are one again when they are answered at about the same time. So there are never more requests than readers.
type line struct {
	leader int32
	byID   bool // its requests name topics by their ids
	rests  bool // it asks for what has brought nothing for long

	// Under the Fetcher's mutex.
	waiting   []*pendingFetch // in no request
	gathering bool            // somebody has taken it on to send what waits, soon
	pace      pace
}

// request is a fetch request in flight, for one reader or several.
type request struct {
	line    *line
	wait    time.Duration
	from    []Position // those of a topic next to each other
	sent    time.Time
	ctx     context.Context // ends when nobody wants its answer any more
	callOff context.CancelFunc
	ended   chan struct{}   // closed when its goroutine is done with it
	pending []*pendingFetch // whom it is for; under the Fetcher's mutex
}

// body is the memory of an answer.
type body struct {
	bytes   []byte
	readers atomic.Int32 // who still use it
}

// line returns the line for a share.
func (f *Fetcher) line(s share) *line {
	byID := f.identified(s.from)
	for _, l := range f.lines {
		if l.leader == s.leader && l.byID == byID && l.rests == s.rests {
			return l
		}
	}
	l := &line{leader: s.leader, byID: byID, rests: s.rests}
	f.lines = append(f.lines, l)
	return l
}

// advance sends a request for what waits, unless somebody is about to.
func (f *Fetcher) advance(l *line, now time.Time) {
	if l.gathering || len(l.waiting) == 0 {
		return
	}
	if pause := l.pace.next.Sub(now); pause > 0 {
		l.gathering = true
		time.AfterFunc(pause, func() { f.exchange(f.gathered(l)) })
		return
	}
	go f.exchange(l.request(now, f.turn.Add(1)))
}

// request makes the next request of what waits. Of two readers who ask for the same partition one goes on waiting.
func (l *line) request(now time.Time, turn uint64) *request {
	r := &request{line: l, sent: now, wait: time.Hour, ended: make(chan struct{})}
	r.ctx, r.callOff = context.WithCancel(context.Background())
	rest := l.waiting[:0]
	for _, p := range l.waiting {
		if overlap(p.from, r.from) {
			rest = append(rest, p)
			continue
		}
		p.in = r
		r.pending = append(r.pending, p)
		r.from = append(r.from, p.from...)
		r.wait = min(r.wait, max(0, p.until.Sub(now)))
	}
	clear(l.waiting[len(rest):])
	l.waiting = rest
	r.from = rotated(r.from, int(turn%uint64(len(r.from))))
	return r
}

// exchange sends a request, deals out its answer, and goes on with what waits by then.
func (f *Fetcher) exchange(r *request) {
	for r != nil {
		asked := &toBroker{Raw: f.request(r), id: r.line.leader}
		answer, err := f.Cluster.Exchange(r.ctx, asked, r.wait+answerMargin)
		r.callOff()
		gathers := f.deal(r, answer, err)
		close(r.ended)
		if !gathers {
			return
		}
		runtime.Gosched() // readers that have something now come back, where they can at once
		r = f.gathered(r.line)
	}
}

// gathered returns a request for what has gathered in a line; nil: there is none to send now.
func (f *Fetcher) gathered(l *line) *request {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	l.gathering = false
	now := time.Now()
	if len(l.waiting) == 0 || l.pace.next.After(now) {
		f.advance(l, now)
		return nil
	}
	return l.request(now, f.turn.Add(1))
}

// deal gives each reader of a request its part of the answer. Whoever gets nothing goes on waiting, until its time is over. It
// reports whether the caller has to send what gathers in the line.
func (f *Fetcher) deal(r *request, bytes []byte, err error) (gathers bool) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	l, now := r.line, time.Now()
	shared := &body{bytes: bytes}
	if err == nil {
		err = r.read(bytes, f.ids)
	}
	records, early := int64(0), now.Sub(r.sent) < r.wait/2 // early, with nothing: it must not be asked again at once
	for _, p := range r.pending {
		p.in = nil
		early = early && !p.useful && p.failed == nil
		if !p.useful {
			continue
		}
		for i := range p.fetched {
			records += p.fetched[i].Next() - p.fetched[i].Offset
		}
		p.body = shared
		shared.readers.Add(1)
	}
	for _, p := range r.pending {
		switch {
		case err != nil, p.useful:
			p.finish(now, err)
		case p.failed != nil:
			p.finish(now, p.failed)
		case len(p.fetched) == 0:
			p.finish(now, errNothing) // as when a quota is used up
		case early, p.until.Sub(now) < time.Millisecond: // brokers wait for whole milliseconds
			p.finish(now, nil)
		default:
			p.fetched = p.fetched[:0]
			l.waiting = append(l.waiting, p)
		}
	}
	if shared.readers.Load() == 0 && bytes != nil {
		f.buffers.Put(&shared.bytes)
	}
	l.pace.answered(now, records, len(bytes))
	gathers = !l.gathering
	l.gathering = true
	return gathers
}

var errNothing = errors.New("a broker answered for no partition")

// reader returns whom a partition is read for; nil: for nobody any more.
func (r *request) reader(topic string, partition int) (p *pendingFetch, from Position) {
	for _, p := range r.pending {
		for _, from := range p.from {
			if from.Partition == partition && from.Topic == topic {
				return p, from
			}
		}
	}
	return nil, Position{}
}
