package learn

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"kindred/pipeline/train"
)

// One run reads at a time, and only when nobody learns any more it reads over what others have read. Who waits for that can be
// canceled.
func TestOneReadsAtATimeAndOverNobodysRows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(Shared)
		begin := func() {
			if _, err := s.begin(t.Context(), 1); err != nil {
				t.Error(err)
			}
		}
		begin()
		s.end(nil, true)
		begin()
		s.end(nil, true) // two learn

		begin()
		over, next := false, false
		go func() {
			if err := s.alone(t.Context()); err != nil {
				t.Error(err)
			}
			over = true
		}()
		go func() {
			begin()
			next = true
		}()
		ctx, cancel := context.WithCancel(t.Context())
		canceled := make(chan error, 2)
		go func() { _, err := s.begin(ctx, 1); canceled <- err }()
		go func() { canceled <- s.alone(ctx) }()
		synctest.Wait()
		cancel()
		for range 2 {
			if err := <-canceled; !errors.Is(err, context.Canceled) {
				t.Errorf("who is canceled waits until %v", err)
			}
		}
		s.leave(true)
		if synctest.Wait(); over || next {
			t.Error("somebody reads while another one learns, or reads")
		}
		s.leave(true)
		if synctest.Wait(); !over || next {
			t.Errorf("nobody learns: that it is read over is %v, that another one reads is %v", over, next)
		}
		s.end(nil, false)
		if synctest.Wait(); !next {
			t.Error("the next one does not read")
		}
	})
}

// Of those who look for the same fit at the same time one finds it. When that one fails, another one does.
func TestOneOfThoseWhoLookForAFitFindsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, found := new(Shared), new(train.Result)
		finds, fails := 0, make(chan error)
		ended := make(chan error, 3)
		for range 3 {
			go func() {
				got, err := s.fit(t.Context(), "a sample", func() (*train.Result, error) {
					finds++
					if err := <-fails; err != nil {
						return nil, err
					}
					return found, nil
				})
				if err == nil && got != found {
					t.Errorf("it finds %+v", got)
				}
				ended <- err
			}()
		}
		if synctest.Wait(); finds != 1 {
			t.Errorf("%d look for it", finds)
		}
		fails <- context.Canceled
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("the first ends with %v", err)
		}
		if synctest.Wait(); finds != 2 {
			t.Errorf("after one has failed, %d have looked for it", finds)
		}
		fails <- nil
		if err := errors.Join(<-ended, <-ended); err != nil || finds != 2 {
			t.Errorf("%d have looked for it: %v", finds, err)
		}
	})
}
