package producers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/segmentio/kafka-go/protocol"

	"kindred/schemas/broker"
	"kindred/schemas/retry"
	"kindred/schemas/wire"
)

const (
	maxRequest  = 16 << 20 // bytes of batches in one request; a broker takes 100 MB
	maxInFlight = 2        // requests in flight to one broker: while it works on one, the next is written
	maxRestarts = 3        // new producer ids for one batch whose sequence number is refused
)

// betweenTries are the pauses before something is sent or asked again.
var betweenTries = retry.Backoff{First: 10 * time.Millisecond, Last: 500 * time.Millisecond}

// outgoing is a request that is being filled or in flight, with the publications that wait for its answer.
type outgoing struct {
	*request
	publications []*publication
	size         int           // bytes of batches
	copied       chan struct{} // closed when the batches are in the frame: the builders are not read any more
	sent         bool          // the broker may have received it
	err          error         // nil: it was answered
}

// Run sends what is published until ctx ends. Whatever is then unanswered ends as ErrAbandoned when it may have been
// written, else as ErrStopped. The only errors are permanent ones: the broker does not let us in.
func (p *Producer) Run(ctx context.Context) error {
	p.open()
	err := p.loop(ctx)
	p.background.Wait() // what was in flight has been called off by ctx
	if ctx.Err() != nil {
		err = nil
	}
	p.stop(err)
	return err
}

func (p *Producer) loop(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for {
		if p.renewable() {
			if err := p.takeID(ctx); err != nil {
				return err
			}
		}
		pause := p.dispatch(ctx)
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			return nil
		case <-p.wake:
			runtime.Gosched() // others who are about to publish, as after a fetch for all of them, come first: one request takes all
		case out := <-p.finished:
			p.finish(ctx, out)
		case <-timer.C:
		}
		timer.Stop()
	}
}

// renewable reports whether a new producer id is due and can be taken: nothing is in flight. What is pinned to the old one
// keeps it: it may wait for a leader, and nobody else should wait with it.
func (p *Producer) renewable() bool {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.stale && len(p.inFlight) == 0 && (len(p.queue) > 0 || len(p.renewals) > 0)
}

// takeID asks for a new producer id until there is one. All sequence numbers begin anew.
func (p *Producer) takeID(ctx context.Context) error {
	next, err := initialize(ctx, p.Cluster, "", 0, session{id: -1, epoch: -1}, broker.Asking{Pauses: betweenTries, OnError: p.trouble})
	if err != nil {
		return err
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.session, p.stale = next, false
	for _, to := range p.partitions {
		to.sequence = 0
	}
	for _, done := range p.renewals {
		close(done)
	}
	p.renewals = nil
	return nil
}

// dispatch sends to every broker that may be sent a request all that is queued for it, one batch a partition. It returns
// how long there is nothing to do unless something happens.
func (p *Producer) dispatch(ctx context.Context) (pause time.Duration) {
	pause = time.Hour
	p.mutex.Lock()
	idle := len(p.queue) == 0
	p.mutex.Unlock()
	if idle {
		return pause
	}
	layout, err := p.Cluster.Layout(ctx)
	if err != nil {
		p.trouble(err)
		return betweenTries.Last
	}
	now, leaderless := time.Now(), false
	p.dispatches++
	requests := make(map[destination]*outgoing, 1)

	p.mutex.Lock()
	rest := p.queue[:0]
	for _, pub := range p.queue {
		leader, lost := layout.Leader(pub.topic, pub.partition)
		if lost != nil && pub.to.blockedIn != p.dispatches && !now.Before(pub.notBefore) {
			pub.tries++
			pub.last, leaderless = lost, true
			pub.postpone(now)
		}
		if wait := pub.notBefore.Sub(now); wait > 0 {
			pause = min(pause, wait)
		}
		if !p.sendable(pub, now) || lost != nil || !p.include(requests, leader, pub) {
			pub.to.blockedIn = p.dispatches // later ones must not overtake it
			rest = append(rest, pub)
		}
	}
	clear(p.queue[len(rest):])
	p.queue = rest
	p.mutex.Unlock()

	if leaderless {
		p.refresh(ctx)
	}
	for _, out := range requests {
		p.start(ctx, out)
	}
	return pause
}

// sendable reports whether a publication may be sent as soon as its broker takes a request.
func (p *Producer) sendable(pub *publication, now time.Time) bool {
	return pub.to.blockedIn != p.dispatches && !pub.to.inFlight && !now.Before(pub.notBefore) && !p.stale
}

// destination is where a request goes: all of its batches have the same producer id.
type destination struct {
	broker int32
	session
}

// include puts a publication into the request to its broker. It reports false when that request is full, or too many are
// in flight already.
func (p *Producer) include(requests map[destination]*outgoing, leader protocol.Broker, pub *publication) bool {
	if !pub.pinned {
		pub.session = p.session
	}
	to := destination{leader.ID, pub.session}
	out := requests[to]
	if out == nil {
		if p.inFlightTo(leader) >= maxInFlight {
			return false
		}
		out = &outgoing{request: p.requests.take(leader), copied: make(chan struct{})}
		out.session = pub.session
		requests[to] = out
	}
	pub.count, pub.size = pub.batch.Len(), pub.batch.Size()
	if out.size > 0 && out.size+pub.size > maxRequest {
		return false
	}
	if !pub.pinned {
		pub.sequence = pub.to.sequence
	}
	pub.answered, pub.to.inFlight, pub.sentIn = false, true, out
	pub.tries++
	out.publications = append(out.publications, pub)
	out.batches = append(out.batches, &pub.partitionBatch)
	out.size += pub.size
	return true
}

// inFlightTo counts the requests in flight to a broker.
func (p *Producer) inFlightTo(broker protocol.Broker) (n int) {
	for _, out := range p.inFlight {
		if out.broker.ID == broker.ID {
			n++
		}
	}
	return n
}

// start sends a request in a goroutine of its own, which hands it back to the loop.
func (p *Producer) start(ctx context.Context, out *outgoing) {
	p.inFlight = append(p.inFlight, out)
	p.background.Go(func() {
		out.encode(p.timeout())
		close(out.copied)
		// The broker is told to give up after timeout; its answer needs some time, too.
		out.sent, out.err = out.send(ctx, p.Cluster, p.timeout()+p.timeout()/2)
		select {
		case p.finished <- out:
		case <-ctx.Done(): // the loop has ended; stop looks at what is in flight
		}
	})
}

// finish deals out the answers of a request, and queues again what has to be sent again.
func (p *Producer) finish(ctx context.Context, out *outgoing) {
	p.inFlight = slices.DeleteFunc(p.inFlight, func(a *outgoing) bool { return a == out })
	now, moved := time.Now(), false
	p.mutex.Lock()
	var back []*publication
	for _, pub := range out.publications {
		pub.sentIn, pub.to.inFlight = nil, false
		moved = moved || pub.answered && pub.code != 0 && broker.Moved(pub.code)
		if p.judge(out, pub, now) && !pub.callerLeft {
			back = append(back, pub)
		}
	}
	if len(back) > 0 {
		p.queue = append(back, p.queue...)
	}
	failing := slices.IndexFunc(p.queue, func(pub *publication) bool { return pub.last != nil })
	var last error
	if failing >= 0 {
		last = p.queue[failing].last
	}
	p.mutex.Unlock()

	if out.err == nil {
		p.requests.put(out.request)
	}
	p.report(cmp.Or(out.err, last))
	if moved || out.err != nil {
		p.refresh(ctx)
	}
}

// judge reports whether a publication has to be sent again, or the rest of it, and ends it when not.
func (p *Producer) judge(out *outgoing, pub *publication, now time.Time) (retry bool) {
	end := func(err error) bool {
		if pub.uncertain() && !errors.Is(err, ErrTooLarge) {
			p.stale = p.stale || pub.session == p.session // else there is a newer id already
			err = fmt.Errorf("%w: %w", ErrAbandoned, err)
		}
		pub.result <- outcome{err: fmt.Errorf("publish to %s/%d: %w", pub.topic, pub.partition, err)}
		return false
	}
	if !pub.answered {
		pub.pinned = pub.pinned || out.sent
		pub.last = out.err
		if out.err == nil {
			pub.last = errors.New("the broker left it out of its answer")
		}
		pub.postpone(now)
		return true
	}
	pub.last = pub.code
	switch broker.Judge(pub.code) {
	case broker.Done:
		if pub.session == p.session {
			pub.to.sequence = nextSequence(pub.sequence, pub.count)
		}
		pub.appended += pub.count
		if pub.nextPiece() {
			return true
		}
		if pub.refused > 0 {
			return end(pub.refusal())
		}
		pub.result <- outcome{ack: Ack{Base: pub.base + int64(pub.count-pub.appended), ProducerID: out.id}}
		return false
	case broker.Uncertain, broker.Unexpected:
		pub.pinned = true
	case broker.OutOfStep, broker.Fenced:
		p.stale = p.stale || pub.session == p.session
		if pub.pinned {
			return end(pub.code)
		}
		if pub.restarts++; pub.restarts > maxRestarts {
			return end(pub.code)
		}
	case broker.TooLarge:
		switch {
		case pub.pinned:
			return end(pub.code)
		case pub.callerLeft:
			return false // the builder is the caller's again
		case pub.count > 1:
			pub.split()
			return true
		}
		pub.refused++
		if pub.nextPiece() {
			return true
		}
		return end(pub.refusal())
	case broker.Refused:
		return end(pub.code)
	}
	pub.postpone(now)
	return true
}

// refusal is the end of a batch of which everything is appended but what is too large.
func (pub *publication) refusal() error {
	return &wire.RefusedError{Refused: pub.refused, Of: pub.refused + pub.appended}
}

// split puts the two halves of a batch in the place of it, of which nothing was appended. They are copies.
func (pub *publication) split() {
	first, second := pub.batch.Halves()
	pub.batch, pub.rest = first, append(pub.rest, second) // the next piece is the last one of these
	pub.last = nil
}

// nextPiece goes on with what is left of a batch that was split. It reports false when there is nothing.
func (pub *publication) nextPiece() bool {
	n := len(pub.rest)
	if n == 0 {
		return false
	}
	pub.batch, pub.rest = pub.rest[n-1], pub.rest[:n-1]
	pub.pinned, pub.restarts, pub.last, pub.pauses = false, 0, nil, betweenTries
	return true
}

// postpone sets the time of the next try.
func (pub *publication) postpone(now time.Time) { pub.notBefore = now.Add(pub.pauses.Next()) }

// refresh asks for the layout in the background, once at a time.
func (p *Producer) refresh(ctx context.Context) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.refreshing {
		return
	}
	p.refreshing = true
	p.background.Go(func() {
		p.Cluster.Outdated(ctx)
		p.mutex.Lock()
		defer p.mutex.Unlock()
		p.refreshing = false
		p.nudge()
	})
}

// report logs once that trouble begins, and once that it is over: not while anything waits for another try.
func (p *Producer) report(err error) {
	if err != nil {
		p.trouble(err)
	} else if p.troubled {
		p.troubled = false
		p.Cluster.Logger().Info("kafka takes records again")
	}
}

// trouble logs an error, unless the log says already that Kafka takes no records.
func (p *Producer) trouble(err error) {
	if !p.troubled {
		p.troubled = true
		p.Cluster.Logger().Warn("kafka does not take records, trying again", "error", err)
	}
}

// stop ends every call that still waits. No request is in flight any more: each was answered, or called off.
func (p *Producer) stop(cause error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.stopped = true
	why := ErrStopped
	if cause != nil {
		why = fmt.Errorf("%w: %w", ErrStopped, cause)
	}
	for _, out := range p.inFlight {
		for _, pub := range out.publications {
			pub.sentIn = nil
			if p.judge(out, pub, time.Now()) {
				p.queue = append(p.queue, pub)
			}
		}
	}
	for _, pub := range p.queue {
		pub.result <- outcome{err: pub.explain(why, pub.uncertain())}
	}
	for _, done := range p.renewals {
		close(done)
	}
	p.inFlight, p.queue, p.renewals = nil, nil, nil
}
