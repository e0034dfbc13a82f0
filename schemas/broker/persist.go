package broker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"

	"kindred/schemas/retry"
)

// Asking is how Persist tries again.
type Asking struct {
	Pauses  retry.Backoff   // between tries; default 20 ms to 1 s
	Within  time.Duration   // how long one try may take; default Patience
	Tries   int             // 0: until ctx ends
	OnError func(err error) // called after every failure that is tried again; nil: see Complain
}

// betweenTries are the pauses after something failed that may heal.
var betweenTries = retry.Backoff{First: 20 * time.Millisecond, Last: time.Second}

// Persist calls ask until it succeeds, its error is permanent, the tries are used up, or ctx ends. The error names what was
// being done and contains the last error of ask. The layout is refreshed when that error may come from an old one.
func (c *Cluster) Persist(ctx context.Context, doing string, how Asking, ask func(context.Context) error) error {
	pauses := how.Pauses
	if pauses.Last == 0 {
		pauses = betweenTries
	}
	var trouble Trouble
	for try := 1; ; try++ {
		err := c.once(ctx, how.Within, ask)
		if err == nil {
			return nil
		}
		if Permanent(err) || try == how.Tries {
			return fmt.Errorf("%s: %w", doing, err)
		}
		if how.OnError != nil {
			how.OnError(err)
		} else {
			c.Complain(&trouble, doing, err)
		}
		if Moved(err) {
			c.Outdated(ctx)
		}
		if ended := pauses.Wait(ctx); ended != nil {
			return fmt.Errorf("%s: %w (last: %w)", doing, ended, err)
		}
	}
}

func (c *Cluster) once(ctx context.Context, within time.Duration, ask func(context.Context) error) error {
	if within == 0 {
		within = Patience
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	err := ask(ctx)
	if _, answered := errors.AsType[kafka.Error](err); answered {
		c.failures.Add(1)
	}
	return err
}

// Trouble is a row of failures without a success, or a while without a failure, between them. The zero value is ready.
type Trouble struct {
	began time.Time // when the first failure was
	last  time.Time // when the last one was
	next  time.Time // when a failure is logged next
}

const (
	complainAfter = 300 * time.Millisecond // shorter trouble is not logged
	complainEvery = 30 * time.Second       // how often longer trouble is
	troubleEnds   = time.Minute            // after the last failure: it can be that long between two tries
)

// Complain logs a failure when the trouble has lasted for a while, and then every now and again.
func (c *Cluster) Complain(t *Trouble, doing string, err error) {
	now := time.Now()
	if t.began.IsZero() || now.Sub(t.last) > troubleEnds {
		t.began, t.next = now, now.Add(complainAfter)
	}
	t.last = now
	if now.Before(t.next) {
		return
	}
	t.next = now.Add(complainEvery)
	c.Logger().Warn("kafka does not do what was asked yet", "doing", doing, "for", now.Sub(t.began), "error", err)
}
