package control

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"kindred/pipeline/cache"
	"kindred/pipeline/route"
	"kindred/schemas"
	"kindred/schemas/wire"
)

// told counts the events of runs.
type told struct {
	nothing
	runs int
}

func (n *told) Transact(_ context.Context, _ string, _ int64, fill func(route.Writer) error) error {
	return fill(n)
}

func (n *told) Write(_ context.Context, topic string, _ int, _, _ []byte, _ wire.Headers) error {
	if topic == schemas.Runs {
		n.runs++
	}
	return nil
}

// A day is long. A run that waits says so when it begins to, when it waits for something else, and now and then.
func TestARunThatWaitsForTheSameSaysSoSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.ask(expand("a"))
		n := &told{}
		c := &Controller{Transactions: n, Number: 2, Log: slog.New(slog.DiscardHandler)}
		c.taken.begin(t.Context())
		waits := &term{Controller: c, state: d.state, attempts: map[string]*attempt{}, commits: make(chan commit)}
		waits.start(d.state.start(d.state.expansions["x"], now()))
		// passes lets time pass, with a look every so often, and returns how many events there were.
		passes := func(long, every time.Duration, look func(i int) looked) int {
			t.Helper()
			before := n.runs
			for i := range int(long / every) {
				time.Sleep(every) // in the bubble
				found := look(i)
				found.begun, found.needs = waits.begun, &needs{ends: schemas.Ends{Profiles: []int64{1 << 40, 5}}}
				waits.handleLook(found)
				waits.beat()
				if err := waits.settle(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			return n.runs - before
		}
		at := func(profiles ...int64) looked {
			var found looked
			for _, offset := range profiles {
				found.metas = append(found.metas, &cache.Meta{Ready: true, Offsets: cache.Offsets{Profiles: offset}})
			}
			return found
		}
		between := func(what string, events, least, most int) {
			t.Helper()
			if events < least || events > most {
				t.Errorf("%s: there are %d events, want %d to %d", what, events, least, most)
			}
		}
		const look = 250 * time.Millisecond
		between("a day for the same", passes(24*time.Hour, time.Second, func(int) looked { return at(3, 4) }), 140, 150)
		between("something else", passes(time.Second, look, func(int) looked { return at(3, 5) }), 1, 1)
		between("an hour of an error with other ports",
			passes(time.Hour, look, func(i int) looked { return looked{err: fmt.Errorf("read tcp 127.0.0.1:%d: i/o timeout", i)} }), 6, 8)
		between("another error", passes(time.Second, look, func(int) looked { return looked{err: errors.New("refused")} }), 1, 1)
		between("a minute in which offsets move", passes(time.Minute, look, func(i int) looked { return at(int64(i), 5) }), 30, 42)
	})
}
