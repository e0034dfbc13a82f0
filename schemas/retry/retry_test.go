package retry_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"kindred/schemas/retry"
)

func ExampleBackoff() {
	pauses := retry.Backoff{First: 20 * time.Millisecond, Last: 100 * time.Millisecond}
	for range 4 {
		fmt.Print(pauses.Next(), " ")
	}
	pauses.Reset()
	fmt.Println(pauses.Next())
	// Output: 20ms 40ms 80ms 100ms 20ms
}

func TestPausesGrowByTheirFactorAndNeverPassTheLast(t *testing.T) {
	b := retry.Backoff{First: 8 * time.Millisecond, Last: 12 * time.Millisecond, Factor: 1.25}
	for _, want := range []time.Duration{8, 10, 12, 12} {
		if got := b.Next(); got != want*time.Millisecond {
			t.Errorf("paused for %v, want %v ms", got, want)
		}
	}
}

func TestASleepEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		if err := retry.Sleep(t.Context(), time.Hour); err != nil || time.Since(begun) != time.Hour {
			t.Errorf("slept for %v: %v", time.Since(begun), err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		b := retry.Backoff{First: time.Hour, Last: time.Hour}
		if err := b.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("waited beyond the end of its context: %v", err)
		}
		if err := retry.Ending(ctx, errors.New("torn down")); err != nil {
			t.Errorf("the ending is an error: %v", err)
		}
		if err := retry.Ending(t.Context(), errors.New("broken")); err == nil {
			t.Error("an error before the ending is none")
		}
	})
}
