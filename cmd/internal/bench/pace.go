package bench

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"kindred/schemas/wire"
)

// schedule says when events are due, whatever comes of them: the loop is open. Whoever falls behind it, does not slow it
// down, and every event that waits for him counts for as long as it waits.
type schedule struct {
	began time.Time
	rate  int // events a second
	total int
	sleep func(time.Duration) // may end early
}

// due is when the n-th event is to be published, from 0 on.
func (s schedule) due(n int) time.Time {
	return s.began.Add(time.Duration(float64(n) / float64(s.rate) * float64(time.Second)))
}

type (
	// compose makes the n-th event. The bytes may be made anew for the next.
	compose func(n int, due time.Time) (partition int, key, value []byte)
	// send publishes a batch, and returns when it is acknowledged.
	send func(ctx context.Context, partition int, batch *wire.Builder) error
)

// keep publishes every event when it is due, and returns when all are acknowledged.
func (s schedule) keep(ctx context.Context, partitions int, next compose, send send) error {
	lanes := make([]*lane, partitions)
	group, ctx := errgroup.WithContext(ctx)
	for partition := range lanes {
		l := &lane{more: make(chan struct{}, 1)}
		lanes[partition] = l
		group.Go(func() error { return l.run(ctx, partition, send) })
	}
	group.Go(func() error {
		for _, l := range lanes {
			defer l.end()
		}
		return s.pace(ctx, lanes, next)
	})
	return group.Wait()
}

// pace hands out each event when it is due. When it comes late itself, the events keep their times.
func (s schedule) pace(ctx context.Context, lanes []*lane, next compose) error {
	for n := range s.total {
		due := s.due(n)
		for early := time.Until(due); early > 0; early = time.Until(due) {
			s.sleep(early)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		partition, key, value := next(n, due)
		lanes[partition].add(due.UnixMilli(), key, value)
	}
	return nil
}

// pause sleeps. In a process that is at rest time.Sleep comes half a millisecond late, since Go waits for networks and
// timers in whole milliseconds: the kernel's own sleep is nearer. In a busy one it keeps a thread, and time.Sleep comes
// in time.
func pause(d time.Duration) {
	if d < time.Millisecond/2 {
		time.Sleep(d)
		return
	}
	timeout := unix.NsecToTimeval(int64(d))
	unix.Select(0, nil, nil, nil, &timeout) // a signal may end it
}

// lane is what waits to be published to one partition: the next batch is whatever has come while the last was on its
// way. It is never full, so that whoever publishes in time is never held up.
type lane struct {
	mutex sync.Mutex
	wait  []*wire.Builder
	spare []*wire.Builder
	more  chan struct{} // something waits, or nothing will come any more
	over  bool
}

// run sends what comes, until nothing will come any more.
func (l *lane) run(ctx context.Context, partition int, send send) error {
	for {
		batch, over := l.take()
		switch {
		case batch != nil:
			if err := send(ctx, partition, batch); err != nil {
				return err
			}
			l.giveBack(batch)
		case over:
			return nil
		default:
			select {
			case <-l.more:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
}

// add puts a record behind the others.
func (l *lane) add(at int64, key, value []byte) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	last := len(l.wait) - 1
	if last < 0 || l.wait[last].Size() >= fullBatch {
		next := new(wire.Builder)
		if n := len(l.spare); n > 0 {
			next, l.spare = l.spare[n-1], l.spare[:n-1]
		}
		l.wait, last = append(l.wait, next), last+1
	}
	l.wait[last].Add(at, key, value, nil)
	l.nudge()
}

func (l *lane) nudge() {
	select {
	case l.more <- struct{}{}:
	default:
	}
}

func (l *lane) end() {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.over = true
	l.nudge()
}

// take gives the next batch; nil: there is none now.
func (l *lane) take() (next *wire.Builder, over bool) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if len(l.wait) == 0 {
		return nil, l.over
	}
	next, l.wait = l.wait[0], l.wait[1:]
	return next, false
}

func (l *lane) giveBack(batch *wire.Builder) {
	batch.Reset()
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.spare = append(l.spare, batch)
}
