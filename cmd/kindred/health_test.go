package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kindred/cmd/internal/reading"
	"kindred/pipeline/shard"
	"kindred/schemas/wire"
)

// says demands how a part is.
func says(t *testing.T, got reading.Part, ready bool, word string) {
	t.Helper()
	if got.Ready != ready || !strings.Contains(got.Text, word) {
		t.Errorf("%s: ready %v, %q; want %v and %q", got.Name, got.Ready, got.Text, ready, word)
	}
}

func TestTheAgeOfTheLastSuccessDecides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPart("router")
		says(t, p.says(), false, "not begun")
		p.ok()
		says(t, p.says(), true, "works")
		time.Sleep(partPatience + time.Second)
		says(t, p.says(), false, "nothing for 31.0 s")
		p.ok()
		p.failed(errors.New("no answer"))
		time.Sleep(4 * time.Second)
		p.failed(errors.New("no answer yet"))
		says(t, p.says(), false, "fails, for 4.0 s now: no answer yet")
		p.standsBy()
		says(t, p.says(), true, "standby")
		time.Sleep(partPatience + time.Second)
		says(t, p.says(), false, "nothing for")
	})
}

func TestEachShardThatIsNotReadySaysWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		broken := errors.New("connection refused")
		place := reading.Part{Ready: true, Text: "works"}
		states := []shard.State{
			{Shard: 0, CaughtUp: true, Saved: now},
			{Shard: 1, Behind: 17},
			{Shard: 2, Behind: 3, Err: broken},
			{Shard: 3, CaughtUp: true, Saved: now.Add(-time.Minute), Err: broken},
			{Shard: 4, CaughtUp: true, Saved: now.Add(-time.Minute)},
			{Shard: 5, CaughtUp: true},
		}
		got := shardsSay(place, states)
		if len(got) != 5 {
			t.Fatalf("got %+v, want one line for all and one for each of four", got)
		}
		says(t, got[0], false, "2 of 6 ready")
		says(t, got[1], false, "catching up, 17 offsets")
		says(t, got[2], false, "connection refused")
		says(t, got[3], false, "has not saved for 1m0s: connection refused")
		says(t, got[4], false, "has not saved for 1m0s")
		says(t, shardsSay(place, states[:1])[0], true, "1 of 1 ready")
		says(t, shardsSay(reading.Part{Ready: true, Text: "standby"}, nil)[0], true, "standby")
		says(t, shardsSay(reading.Part{Text: "it has not begun"}, nil)[0], false, "not begun")
		many := make([]shard.State, 1024)
		if got := shardsSay(place, many); len(got) != 1+mostShards {
			t.Errorf("1,024 shards that catch up are %d lines", len(got))
		}
	})
}

// empty is a Reader of an input in which nothing comes.
type empty struct{ wire.Reader }

func (empty) Fetch(context.Context, []wire.Position, time.Duration) ([]wire.Fetched, error) {
	return nil, nil
}

func TestAPartThatLoopsIsNotReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPart("router")
		seen := &watched{Reader: empty{}, part: p, topic: "in"}
		fetch := func(topic string) { _, _ = seen.Fetch(t.Context(), []wire.Position{{Topic: topic}}, 0) }
		ctx, cancel := context.WithCancel(t.Context())
		runs := 0
		_ = keepRunning(ctx, slog.New(slog.NewTextHandler(io.Discard, nil)), p, func() error {
			seen.ahead = 1
			fetch("in")
			fetch("other")
			seen.inside.Store(true)
			fetch("in") // in a transaction
			seen.inside.Store(false)
			if runs++; runs == 5 {
				cancel()
			} else if runs > 1 {
				says(t, p.says(), false, "fails")
			}
			return errors.New("a record that cannot be routed")
		})
		if p.restarts.Load() != 4 {
			t.Errorf("%d restarts are counted, want 4", p.restarts.Load())
		}
		seen.ahead = 1
		fetch("in")
		says(t, p.says(), false, "fails")
		fetch("in") // it asks for more
		says(t, p.says(), true, "works")
	})
}
