package reading

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

func TestLargeReadsWaitForAPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p places
		take := func() func() {
			t.Helper()
			leave, err := p.take(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return leave
		}
		first := take()
		defer take()()
		waited := make(chan error)
		ask := func(ctx context.Context) {
			leave, err := p.take(ctx)
			if err == nil {
				leave()
			}
			waited <- err
		}
		go ask(t.Context())
		var refusal *Refusal
		if err := <-waited; !errors.As(err, &refusal) || refusal.Code != Busy {
			t.Errorf("who has waited in vain is told %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		go ask(ctx)
		if err := <-waited; !errors.Is(err, context.Canceled) {
			t.Errorf("who has gone is told %v", err)
		}
		go ask(t.Context())
		synctest.Wait()
		first()
		if err := <-waited; err != nil {
			t.Errorf("a place that became free was not given: %v", err)
		}
	})
}
