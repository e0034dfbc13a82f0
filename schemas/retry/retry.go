// Package retry waits between the tries of what may heal: with pauses that grow up to a bound, and only as long as a context
// lasts.
package retry

import (
	"context"
	"time"
)

// Backoff counts out the pauses between the tries of one thing. Each is longer than the one before, up to Last.
type Backoff struct {
	First  time.Duration // before the second try
	Last   time.Duration // the longest pause
	Factor float64       // by how much pauses grow; 0: they double

	next time.Duration
}

// Next returns how long to pause now, and makes the next pause longer.
func (b *Backoff) Next() time.Duration {
	pause := max(b.next, b.First)
	factor := b.Factor
	if factor == 0 {
		factor = 2
	}
	b.next = min(time.Duration(float64(pause)*factor), b.Last)
	return pause
}

// Wait pauses. It returns ctx's error when that ends first.
func (b *Backoff) Wait(ctx context.Context) error { return Sleep(ctx, b.Next()) }

// Reset begins again with the first pause, after what was tried has succeeded.
func (b *Backoff) Reset() { b.next = 0 }

// Sleep waits for d. It returns ctx's error when that ends first.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Ending returns nil when ctx has ended, since err is then what that caused. Else it returns err.
func Ending(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}
