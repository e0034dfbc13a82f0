package producers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"kindred/schemas/broker"
	"kindred/schemas/retry"

	"github.com/segmentio/kafka-go/protocol"
)

const (
	maxRequest  = 16 << 20 // bytes of batches in one request; a broker takes 100 MB
	maxFlying   = 2        // requests on their way to one broker: while it works on one, the next is written
	maxRestarts = 3        // new producer ids for one batch whose sequence number is refused
)

// tries are the pauses before something is sent or asked again.
var tries = retry.Backoff{First: 10 * time.Millisecond, Last: 500 * time.Millisecond}

// delivery is one request on its way, with those who wait for it.
type delivery struct {
	*request
	publications []*publication
	size         int           // bytes of batches
	copied       chan struct{} // closed when the batches are in the frame: the builders are not needed any more
	sent         bool          // the broker may have got it
	err          error
}

// Run sends what is published until ctx ends. Whatever is then unanswered ends as ErrAbandoned when it may have been
// written, else as ErrStopped. The only errors are those that no waiting mends: the broker does not let us in.
func (p *Producer) Run(ctx context.Context) error {
	p.open()
	err := p.loop(ctx)
	p.background.Wait() // what was on its way has been called off by ctx
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
		case d := <-p.settled:
			p.settle(ctx, d)
		case <-timer.C:
		}
		timer.Stop()
	}
}

// renewable says whether a new producer id is due and nothing stands in its way: nothing is on its way or pinned to
// the old one.
func (p *Producer) renewable() bool {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if !p.stale || len(p.aloft) > 0 || len(p.queue) == 0 && len(p.renewals) == 0 {
		return false
	}
	for _, pub := range p.queue {
		if pub.pinned {
			return false
		}
	}
	return true
}

// takeID asks for a new producer id until there is one. All sequence numbers begin anew.
func (p *Producer) takeID(ctx context.Context) error {
	next, err := initialize(ctx, p.Cluster, "", 0, session{id: -1, epoch: -1}, broker.Asking{Pauses: tries, OnError: p.trouble})
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

// dispatch sends to every broker that is free all that is queued for it, one batch a partition. It returns how long
// there is nothing to do unless something happens.
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
		return tries.Last
	}
	now, stray := time.Now(), false
	p.turn++
	loads := make(map[int32]*delivery, 1)

	p.mutex.Lock()
	rest := p.queue[:0]
	for _, pub := range p.queue {
		leader, lost := layout.Leader(pub.topic, pub.partition)
		if lost != nil && pub.to.turn != p.turn && !now.Before(pub.notYet) {
			pub.tries++
			pub.last, stray = lost, true
			pub.wait(now)
		}
		if wait := pub.notYet.Sub(now); wait > 0 {
			pause = min(pause, wait)
		}
		if !p.mayGo(pub, now) || lost != nil || !p.load(loads, leader, pub) {
			pub.to.turn = p.turn // later ones must not overtake it
			rest = append(rest, pub)
		}
	}
	clear(p.queue[len(rest):])
	p.queue = rest
	current := p.session
	p.mutex.Unlock()

	if stray {
		p.refresh(ctx)
	}
	for _, d := range loads {
		p.fly(ctx, d, current)
	}
	return pause
}

// mayGo says whether nothing but the broker may hold a publication up.
func (p *Producer) mayGo(pub *publication, now time.Time) bool {
	return pub.to.turn != p.turn && !pub.to.busy && !now.Before(pub.notYet) && (pub.pinned || !p.stale)
}

// load puts a publication into the request to its broker; false when that is full or another is on its way.
func (p *Producer) load(loads map[int32]*delivery, leader protocol.Broker, pub *publication) bool {
	d := loads[leader.ID]
	if d == nil {
		if p.flying(leader) >= maxFlying {
			return false
		}
		d = &delivery{request: p.blank(leader), copied: make(chan struct{})}
		loads[leader.ID] = d
	}
	pub.count, pub.size = pub.batch.Len(), pub.batch.Size()
	if d.size > 0 && d.size+pub.size > maxRequest {
		return false
	}
	if !pub.pinned {
		pub.sequence = pub.to.sequence
	}
	pub.answered, pub.to.busy, pub.flight = false, true, d
	pub.tries++
	d.publications = append(d.publications, pub)
	d.parcels = append(d.parcels, &pub.parcel)
	d.size += pub.size
	return true
}

// flying counts the requests on their way to a broker.
func (p *Producer) flying(broker protocol.Broker) (n int) {
	for _, d := range p.aloft {
		if d.broker.ID == broker.ID {
			n++
		}
	}
	return n
}

// blank gives an empty request, with the memory of one that is over if there is any.
func (p *Producer) blank(leader protocol.Broker) *request {
	r := new(request)
	if n := len(p.spare); n > 0 {
		r, p.spare = p.spare[n-1], p.spare[:n-1]
	}
	p.correlation++
	r.broker, r.correlation, r.parcels = leader, p.correlation, r.parcels[:0]
	r.progress.Store(idle)
	return r
}

// fly sends a request in a goroutine of its own, which hands it back to the loop.
func (p *Producer) fly(ctx context.Context, d *delivery, current session) {
	p.aloft = append(p.aloft, d)
	d.session = current
	p.background.Go(func() {
		d.encode(p.timeout())
		close(d.copied)
		// The broker is told to give up after timeout; its answer needs some time, too.
		d.sent, d.err = d.send(ctx, p.Cluster, p.timeout()+p.timeout()/2)
		select {
		case p.settled <- d:
		case <-ctx.Done(): // nobody reads it any more, see stop
		}
	})
}

// settle deals out a request's answers.
func (p *Producer) settle(ctx context.Context, d *delivery) {
	p.aloft = slices.DeleteFunc(p.aloft, func(a *delivery) bool { return a == d })
	now, moved := time.Now(), false
	p.mutex.Lock()
	var back []*publication
	for _, pub := range d.publications {
		pub.flight, pub.to.busy = nil, false
		moved = moved || pub.answered && pub.code != 0 && broker.Moved(pub.code)
		if p.judge(d, pub, now) && !pub.gone {
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

	if d.err == nil {
		p.spare = append(p.spare, d.request)
	}
	p.report(cmp.Or(d.err, last))
	if moved || d.err != nil {
		p.refresh(ctx)
	}
}

// judge says whether a publication has to be sent again, and ends it when not.
func (p *Producer) judge(d *delivery, pub *publication, now time.Time) (retry bool) {
	end := func(err error) bool {
		pub.result <- outcome{err: fmt.Errorf("publish to %s/%d: %w", pub.topic, pub.partition, err)}
		return false
	}
	if !pub.answered {
		pub.pinned = pub.pinned || d.sent
		pub.last = d.err
		if d.err == nil {
			pub.last = errors.New("the broker left it out of its answer")
		}
		pub.wait(now)
		return true
	}
	pub.last = pub.code
	switch verdict := broker.Judge(pub.code); verdict {
	case broker.Done:
		pub.to.sequence = after(pub.sequence, pub.count)
		pub.result <- outcome{ack: Ack{Base: pub.base, ProducerID: d.id}}
		return false
	case broker.Uncertain, broker.Unexpected:
		pub.pinned = true
	case broker.OutOfStep, broker.Fenced:
		p.stale = true
		if pub.pinned {
			return end(fmt.Errorf("%w: %w", ErrAbandoned, pub.code))
		}
		if pub.restarts++; pub.restarts > maxRestarts {
			return end(pub.code)
		}
	case broker.TooLarge, broker.Refused:
		p.stale = p.stale || pub.pinned
		switch {
		case pub.pinned:
			return end(fmt.Errorf("%w: %w", ErrAbandoned, pub.code))
		case verdict == broker.TooLarge:
			return end(fmt.Errorf("%w: %w: %d bytes", ErrTooLarge, pub.code, pub.size))
		}
		return end(pub.code)
	}
	pub.wait(now)
	return true
}

// wait sets the time of the next try.
func (pub *publication) wait(now time.Time) { pub.notYet = now.Add(pub.pauses.Next()) }

// refresh asks for the layout in the background, once at a time.
func (p *Producer) refresh(ctx context.Context) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.refreshing {
		return
	}
	p.refreshing = true
	p.background.Go(func() {
		_ = p.Cluster.Refresh(ctx) // an error here shows in the next request as well
		p.mutex.Lock()
		defer p.mutex.Unlock()
		p.refreshing = false
		p.nudge()
	})
}

// report logs once what begins and once that it is over: while anything waits for another try, it is not.
func (p *Producer) report(err error) {
	if err != nil {
		p.trouble(err)
	} else if p.troubled {
		p.troubled = false
		p.Cluster.Logger().Info("kafka takes records again")
	}
}

func (p *Producer) trouble(err error) {
	if !p.troubled {
		p.troubled = true
		p.Cluster.Logger().Warn("kafka does not take records, trying again", "error", err)
	}
}

// stop ends all who still wait. What was on its way has come back, with or without an answer.
func (p *Producer) stop(cause error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.stopped = true
	why := ErrStopped
	if cause != nil {
		why = fmt.Errorf("%w: %w", ErrStopped, cause)
	}
	for _, d := range p.aloft {
		for _, pub := range d.publications {
			pub.flight = nil
			if p.judge(d, pub, time.Now()) {
				p.queue = append(p.queue, pub)
			}
		}
	}
	for _, pub := range p.queue {
		pub.result <- outcome{err: pub.explain(why, pub.pinned)}
	}
	for _, done := range p.renewals {
		close(done)
	}
	p.aloft, p.queue, p.renewals = nil, nil, nil
}
