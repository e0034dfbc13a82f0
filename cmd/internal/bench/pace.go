package bench

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"kindred/schemas/wire"
)

// schedule is when events are due, whatever becomes of them: the loop is open. A publisher that falls behind does not slow it
// down, and every event that waits for the publisher counts for as long as it waits.
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
	queues := make([]*queue, partitions)
	group, ctx := errgroup.WithContext(ctx)
	for partition := range queues {
		q := &queue{more: make(chan struct{}, 1)}
		queues[partition] = q
		group.Go(func() error { return q.run(ctx, partition, send) })
	}
	group.Go(func() error {
		for _, q := range queues {
			defer q.end()
		}
		return s.pace(ctx, queues, next)
	})
	return group.Wait()
}

// pace hands out each event when it is due. When it comes late itself, the events keep their times.
func (s schedule) pace(ctx context.Context, queues []*queue, next compose) error {
	for n := range s.total {
		due := s.due(n)
		for early := time.Until(due); early > 0; early = time.Until(due) {
			s.sleep(early)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		partition, key, value := next(n, due)
		queues[partition].add(due.UnixMilli(), key, value)
	}
	return nil
}

// pause sleeps. In a process at rest time.Sleep ends half a millisecond late, since Go waits for networks and timers in whole
// milliseconds: longer pauses use the kernel's own sleep, which is more exact but keeps a thread.
func pause(d time.Duration) {
	if d < time.Millisecond/2 {
		time.Sleep(d)
		return
	}
	timeout := unix.NsecToTimeval(int64(d))
	unix.Select(0, nil, nil, nil, &timeout) // a signal may end it
}

// queue is what waits to be published to one partition: the next batch is whatever has come while the last one was in flight.
// It is never full, so that it never holds up who keeps to the schedule.
type queue struct {
	mutex sync.Mutex
	wait  []*wire.Builder // filled, the first to be sent first
	spare []*wire.Builder // empty
	more  chan struct{}   // has one when something waits, or when nothing will come any more
	over  bool            // nothing will come any more
}

// run sends what comes, until nothing will come any more.
func (q *queue) run(ctx context.Context, partition int, send send) error {
	for {
		batch, over := q.take()
		switch {
		case batch != nil:
			if err := send(ctx, partition, batch); err != nil {
				return err
			}
			q.giveBack(batch)
		case over:
			return nil
		default:
			select {
			case <-q.more:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
}

// add puts a record behind the others. The bytes are copied.
func (q *queue) add(at int64, key, value []byte) {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	last := len(q.wait) - 1
	if last < 0 || q.wait[last].Size() >= fullBatch {
		next := new(wire.Builder)
		if n := len(q.spare); n > 0 {
			next, q.spare = q.spare[n-1], q.spare[:n-1]
		}
		q.wait, last = append(q.wait, next), last+1
	}
	q.wait[last].Add(at, key, value, nil)
	q.nudge()
}

// nudge wakes run.
func (q *queue) nudge() {
	select {
	case q.more <- struct{}{}:
	default:
	}
}

// end lets run return once everything is sent.
func (q *queue) end() {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	q.over = true
	q.nudge()
}

// take returns the next batch; nil: nothing waits now.
func (q *queue) take() (next *wire.Builder, over bool) {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	if len(q.wait) == 0 {
		return nil, q.over
	}
	next, q.wait = q.wait[0], q.wait[1:]
	return next, false
}

// giveBack returns a batch that was sent, to be filled again.
func (q *queue) giveBack(batch *wire.Builder) {
	batch.Reset()
	q.mutex.Lock()
	defer q.mutex.Unlock()
	q.spare = append(q.spare, batch)
}
