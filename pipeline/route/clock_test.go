package route_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"kindred/schemas"
	"kindred/schemas/wire"
)

// A replay, a mirror or a tool that captures changes keeps the original time, and clocks differ.
func TestAnotherProducersClockDropsNoSnapshot(t *testing.T) {
	w := newWorld(t)
	today := w.now
	w.now -= 26 * time.Hour.Milliseconds()
	yesterday := w.now
	w.say("gold", `{"snapshot":"g-1","part":1,"parts":2,"members":["a"]}`)
	w.now = today
	w.say("other", `{"added":["x"]}`)
	w.say("gold", `{"added":["late"]}`) // live, while its snapshot is a replay
	bad := w.say("other", `{"broken`)
	w.now = yesterday + 1
	w.say("gold", `{"snapshot":"g-1","part":2,"parts":2,"members":["b"]}`)
	w.routed(never)
	w.expect("it counts", map[string]string{"gold": "a b late", "other": "x"})
	if want := []string{fmt.Sprintf("not_json@%d", bad)}; !slices.Equal(w.letters(), want) {
		t.Errorf("dead letters: %v, want %v", w.letters(), want)
	}
	w.judge()
}

// settable is a clock that a test moves.
type settable struct{ passed atomic.Int64 }

func (c *settable) now() time.Time           { return time.Unix(1_800_000_000, c.passed.Load()) }
func (c *settable) advance(by time.Duration) { c.passed.Add(int64(by)) }

// running runs a router until the returned function is called.
func (w *world) running() (stop func()) {
	ctx, cancel := context.WithCancel(w.Ctx)
	ended := make(chan error, 1)
	router := w.router(never)
	go func() { ended <- router.Run(ctx, w.place) }()
	return func() {
		w.Helper()
		cancel()
		w.OK(<-ended)
	}
}

func TestASnapshotOfWhichNothingComesForAnHourIsGivenUp(t *testing.T) {
	w := newWorld(t)
	var clock settable
	w.clock = clock.now
	stop := w.running()
	first := w.say("vip", `{"snapshot":"s-1","part":1,"parts":3,"members":["a"]}`)
	w.awaitThrough(w.Ctx)
	clock.advance(59 * time.Minute)
	w.say("vip", `{"snapshot":"s-1","part":2,"parts":3,"members":["b"]}`)
	w.awaitThrough(w.Ctx)
	clock.advance(59 * time.Minute)
	w.say("other", `{"added":["x"]}`)
	w.awaitThrough(w.Ctx)
	if letters := w.letters(); len(letters) > 0 {
		t.Errorf("dead letters too early: %v", letters)
	}
	clock.advance(2 * time.Minute)
	letters := wire.Position{Topic: w.Prefix.Topic(schemas.DeadLetters)}
	for told := false; !told; { // nobody says anything any more
		fetched, err := w.Fetcher.Fetch(w.Ctx, []wire.Position{letters}, time.Second)
		w.OK(err)
		told = len(fetched) > 0 && fetched[0].Next() > 0
	}
	stop()
	late := w.say("vip", `{"snapshot":"s-1","part":3,"parts":3,"members":["c"]}`)
	w.say("vip", `{"added":["d"]}`)
	w.routed(never)
	w.expect("it never took effect", map[string]string{"vip": "d", "other": "x"})
	want := []string{fmt.Sprintf("incomplete_snapshot@%d", first), fmt.Sprintf("incomplete_snapshot@%d", late)}
	if !slices.Equal(w.letters(), want) {
		t.Errorf("dead letters: %v, want %v", w.letters(), want)
	}
	if s := w.segment("vip"); s.Open != nil || !slices.Equal(s.Dropped, []string{"s-1"}) {
		t.Errorf("it is remembered as %+v", s)
	}
	w.judge()
}

// A router that was away for long, or is slow, reads what came meanwhile before it gives anything up.
func TestWhatHasComeIsReadBeforeASnapshotIsGivenUp(t *testing.T) {
	w := newWorld(t)
	w.Fetcher.PartitionBytes = 100 // a batch each
	var clock settable
	w.clock = func() time.Time {
		clock.advance(2 * time.Hour) // from one look to the next
		return clock.now()
	}
	w.say("vip", `{"snapshot":"s-1","part":1,"parts":3,"members":["a"]}`)
	w.say("other", `{"added":["x"]}`)
	w.say("vip", `{"snapshot":"s-1","part":2,"parts":3,"members":["b"]}`)
	w.say("vip", `{"snapshot":"s-1","part":3,"parts":3,"members":["c"]}`)
	w.routed(never)
	w.expect("it counts", map[string]string{"vip": "a b c", "other": "x"})
}

// A broker takes any timestamp: those of producers that count in microseconds, too.
func TestAnyTimestampIsSurvived(t *testing.T) {
	w := newWorld(t)
	want := map[string]string{}
	for i, at := range []int64{math.MaxInt64 / 2, math.MinInt64 / 2, -1, 1_700_000_000_000_000, 253402300800000} {
		w.now = at
		id := fmt.Sprintf("seg-%d", i)
		w.say(id, `{"snapshot":"s","part":1,"parts":2,"members":["a"]}`)
		w.routed(never) // it is written to the topic segments, and remembered by the next router
		w.now = at
		w.say(id, `{"snapshot":"s","part":2,"parts":2,"members":["b"]}`)
		w.routed(never)
		want[id] = "a b"
	}
	w.expect("all count", want)
	w.judge()
}
