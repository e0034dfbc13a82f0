package broker_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"kindred/schemas/broker"
	"kindred/schemas/retry"
)

// counting is a Transport that answers nothing and counts what it was asked.
type counting struct{ asked int }

func (c *counting) RoundTrip(context.Context, net.Addr, protocol.Message) (protocol.Message, error) {
	c.asked++
	return nil, io.EOF
}

// attempt persists in something that ends with each of some errors in turn, and in the end succeeds.
func attempt(ctx context.Context, how broker.Asking, errs ...error) (asked, refreshed int, err error) {
	transport := new(counting)
	cluster := &broker.Cluster{Client: &kafka.Client{Transport: transport}}
	err = cluster.Persist(ctx, "look", how, func(context.Context) error {
		asked++
		if asked <= len(errs) {
			return errs[asked-1]
		}
		return nil
	})
	return asked, transport.asked, err
}

func TestPersistEndsWithAFinalAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		check := func(what string, want int, took time.Duration, failed error, errs ...error) {
			t.Helper()
			begun := time.Now()
			asked, _, err := attempt(t.Context(), broker.Asking{}, errs...)
			if asked != want || time.Since(begun) != took || !errors.Is(err, failed) || (err != nil) != (failed != nil) {
				t.Errorf("%s: asked %d times in %v: %v", what, asked, time.Since(begun), err)
			}
			if err != nil && !strings.HasPrefix(err.Error(), "look: ") {
				t.Errorf("%s: the error does not say what was done: %v", what, err)
			}
		}
		again := kafka.NotEnoughReplicas
		check("success", 1, 0, nil)
		check("a permanent error", 1, 0, kafka.TopicAuthorizationFailed, kafka.TopicAuthorizationFailed)
		check("a code that nobody knows", 1, 0, kafka.Error(9999), kafka.Error(9999))
		check("what may pass", 4, 140*time.Millisecond, nil, again, kafka.RequestTimedOut, again) // 20 + 40 + 80 ms
		check("a connection that breaks", 2, 20*time.Millisecond, nil, io.EOF)
		check("what passes into a permanent error", 2, 20*time.Millisecond, kafka.InvalidTopic, again, kafka.InvalidTopic)
	})
}

func TestPersistIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		again := kafka.NotEnoughReplicas
		var told []error
		how := broker.Asking{Tries: 3, OnError: func(err error) { told = append(told, err) }}
		asked, _, err := attempt(t.Context(), how, again, io.EOF, again, again)
		if asked != 3 || !errors.Is(err, again) {
			t.Errorf("three tries: asked %d times: %v", asked, err)
		}
		if !slices.Equal(told, []error{again, io.EOF}) {
			t.Errorf("OnError was called with %v, want the failures that were tried again", told)
		}

		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		begun := time.Now()
		how = broker.Asking{Pauses: retry.Backoff{First: 40 * time.Second, Last: 40 * time.Second}}
		asked, _, err = attempt(ctx, how, again, again, again)
		if asked != 2 || time.Since(begun) != time.Minute || !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, again) {
			t.Errorf("a minute: asked %d times in %v: %v", asked, time.Since(begun), err)
		}
	})
}

func TestOneTryOfPersistIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		check := func(how broker.Asking, want time.Duration) {
			t.Helper()
			begun, asked := time.Now(), 0
			err := new(broker.Cluster).Persist(t.Context(), "look", how, func(ctx context.Context) error {
				if asked++; asked == 1 {
					<-ctx.Done() // no answer comes
					return ctx.Err()
				}
				return nil
			})
			if err != nil || asked != 2 || time.Since(begun) != want {
				t.Errorf("asked %d times in %v: %v", asked, time.Since(begun), err)
			}
		}
		check(broker.Asking{}, broker.Patience+20*time.Millisecond)
		check(broker.Asking{Within: time.Second}, time.Second+20*time.Millisecond)
	})
}

func TestPersistRefreshesALayoutThatMayBeOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		check := func(want int, errs ...error) {
			t.Helper()
			if _, refreshed, err := attempt(t.Context(), broker.Asking{}, errs...); refreshed != want || err != nil {
				t.Errorf("%v: refreshed %d times: %v", errs, refreshed, err)
			}
		}
		check(0, kafka.NotEnoughReplicas, io.EOF)
		check(2, kafka.NotLeaderForPartition, kafka.NotEnoughReplicas, kafka.LeaderNotAvailable)
	})
}

// Twelve that wait for a topic are no more than one.
func TestTheLayoutIsAskedForAtMostOnceASecondInTheLongRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		transport := new(counting)
		cluster := &broker.Cluster{Client: &kafka.Client{Transport: transport}}
		fail := func(times int, pause time.Duration) (asked int) {
			before := transport.asked
			for range times {
				for range 12 {
					cluster.Outdated(t.Context())
				}
				time.Sleep(pause)
			}
			return transport.asked - before
		}
		if n := fail(1, 0); n != 1 {
			t.Errorf("asked %d times at the first failure, want once", n)
		}
		if n := fail(6000, 10*time.Millisecond); n < 58 || n > 68 {
			t.Errorf("asked %d times in a minute", n)
		}
		time.Sleep(10 * time.Second)
		if n := fail(2, 20*time.Millisecond); n != 2 {
			t.Errorf("asked %d times after ten quiet seconds, want at once and again after 20 ms", n)
		}
	})
}

func TestTroubleIsLoggedLateAndRarely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		cluster := &broker.Cluster{Log: slog.New(slog.NewTextHandler(&log, nil))}
		lines := func() int { return strings.Count(log.String(), "\n") }
		var trouble broker.Trouble
		begun := time.Now()
		complain := func(at time.Duration, want int) {
			t.Helper()
			time.Sleep(at - time.Since(begun))
			cluster.Complain(&trouble, "fetch", io.EOF)
			if lines() != want {
				t.Errorf("after %v there are %d lines, want %d:\n%s", at, lines(), want, &log)
			}
		}
		complain(0, 0)
		complain(299*time.Millisecond, 0)
		complain(300*time.Millisecond, 1)
		complain(301*time.Millisecond, 1)
		complain(30*time.Second, 1)
		complain(31*time.Second, 2)
		complain(60*time.Second, 2)
		complain(62*time.Second, 3)
		if text := log.String(); !strings.Contains(text, "doing=fetch") || !strings.Contains(text, "for=31s") {
			t.Errorf("the lines say neither what failed nor for how long:\n%s", text)
		}
		complain(3*time.Minute, 3) // so long after the last failure it is another trouble
		trouble = broker.Trouble{} // it succeeded
		complain(4*time.Minute, 3)

		new(broker.Cluster).Complain(&trouble, "fetch", io.EOF) // a cluster may have no log
	})
}
