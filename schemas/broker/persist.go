package broker

import (
	"context"
	"fmt"
	"time"

	"kindred/schemas/retry"
)

// Asking says how something is asked again that may be answered better later.
type Asking struct {
	Pauses  retry.Backoff   // default 20 ms to 1 s
	Within  time.Duration   // for one answer; default Patience
	Tries   int             // 0: until ctx ends
	OnError func(err error) // is told of every failure that is asked about again; nil: they are logged when they last
}

// Persist asks until there is an answer that is final: success, a permanent error, or the last try. Then, or when ctx ends,
// the error says what was being done and why it failed last. The layout is refreshed when it may be out of date.
func (c *Cluster) Persist(ctx context.Context, doing string, how Asking, ask func(context.Context) error) error {
	pauses := how.Pauses
	if pauses.Last == 0 {
		pauses = retry.Backoff{First: 20 * time.Millisecond, Last: time.Second}
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
			_ = c.Refresh(ctx) // what is wrong with it shows in the next try as well
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
	return ask(ctx)
}

// Trouble is something that fails again and again. The zero value is ready.
type Trouble struct {
	began, again time.Time // of the row of failures; when it is logged next
}

const (
	hiccup   = 300 * time.Millisecond // is not worth a line
	reminded = 30 * time.Second       // how often a long outage is logged
)

// Complain logs a failure when it has lasted for a while, and then now and again.
func (c *Cluster) Complain(t *Trouble, doing string, err error) {
	now := time.Now()
	if t.began.IsZero() {
		t.began, t.again = now, now.Add(hiccup)
	}
	if now.Before(t.again) {
		return
	}
	t.again = now.Add(reminded)
	c.Logger().Warn("kafka does not do what was asked yet", "doing", doing, "for", now.Sub(t.began), "error", err)
}
