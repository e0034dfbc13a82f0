package control

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"kindred/pipeline/route"
	"kindred/schemas"
	"kindred/schemas/wire"
)

// scheduled brings an expansion x about that is refreshed so often.
func (d *desk) scheduled(every string) {
	r := expand("first")
	r.Refresh = &schemas.RefreshChange{Every: &every}
	d.ask(r)
	d.turn()
	d.commit()
	d.succeed()
}

// due takes the slots that have come by a time, and returns the requests, which are asked for as well.
func (d *desk) due(at time.Time) (ids []string) {
	for _, s := range d.state.scheduled(at) {
		for _, r := range d.do(s).requests {
			ids = append(ids, r.RequestID)
			if r.Cause != schemas.CauseSchedule || r.Action != schemas.Refresh {
				d.t.Errorf("the schedule asks for %+v", r)
			}
			d.ask(r)
		}
	}
	return ids
}

// asks demands that the slots that have come by a time after noon ask for exactly one refresh, or for none.
func (d *desk) asks(after time.Duration, want string) {
	d.t.Helper()
	got := ""
	ids := d.due(noon.Add(after))
	if len(ids) > 0 {
		got = ids[0]
	}
	if len(ids) > 1 || got != want {
		d.t.Errorf("%v after the commit it asks for %q, want %q", after, ids, want)
	}
}

func TestASlotAsksForOneRefresh(t *testing.T) {
	d := newDesk(t)
	d.scheduled("24h")
	if at, due := d.state.nextSlot(noon); !due || !at.Equal(noon.Add(24*time.Hour)) {
		t.Errorf("the first slot comes at %v", at)
	}
	d.asks(24*time.Hour-time.Millisecond, "")
	d.asks(24*time.Hour+time.Minute, "x/schedule/2026-11-24T12:00:00Z")
	d.asks(24*time.Hour+time.Minute, "")
	d.asks(100*time.Hour, "x/schedule/2026-11-27T12:00:00Z") // those that were missed are one
	d.asks(101*time.Hour, "")
	d.status("x/schedule/2026-11-27T12:00:00Z", schemas.Skipped) // the one before waits
	if at, _ := d.state.nextSlot(noon.Add(101 * time.Hour)); !at.Equal(noon.Add(120 * time.Hour)) {
		t.Errorf("the next slot comes at %v", at)
	}
}

func TestAScheduleBeginsWithItsCommit(t *testing.T) {
	d := newDesk(t)
	d.live()
	d.asks(1000*time.Hour, "")
	change := func(id, every string) {
		d.ask(edit(id, func(r *schemas.ExpandRequest) { r.Refresh = &schemas.RefreshChange{Every: &every} }))
		d.turn()
		d.commit() // at noon
		d.succeed()
	}
	change("hourly", "1h")
	d.asks(time.Hour, "x/schedule/2026-11-23T13:00:00Z")
	d.turn()
	d.commit() // a run of the same schedule does not begin it anew
	d.succeed()
	d.asks(2*time.Hour, "x/schedule/2026-11-23T14:00:00Z")
	change("other", "90m")
	d.asks(90*time.Minute, "x/schedule/2026-11-23T13:30:00Z")
	change("never", "")
	d.asks(1000*time.Hour, "")
	if _, due := d.state.nextSlot(noon); due {
		t.Error("without a schedule a slot comes")
	}
}

func TestAScheduleWaitsForASegmentThatIsGone(t *testing.T) {
	d := newDesk(t)
	d.scheduled("1h")
	follow := func(gone bool) {
		d.state.segments["vip"] = &schemas.Segment{SegmentID: "vip", Gone: gone}
		for _, s := range d.state.segmentStates() {
			d.do(s)
		}
	}
	follow(true)
	d.asks(5*time.Hour, "")
	follow(false)
	d.asks(6*time.Hour, "x/schedule/2026-11-23T18:00:00Z")
}

// A record of an earlier build has no beginning of its schedule, and a clock may have been ahead.
func TestAScheduleWithoutAGoodBeginningBeginsAnew(t *testing.T) {
	for _, last := range []string{"", "yesterday", "2099-01-01T00:00:00Z"} {
		d := newDesk(t)
		d.scheduled("1h")
		d.state.expansions["x"].LastSlot = last
		if at, due := d.state.nextSlot(noon); !due || at.After(noon) {
			t.Errorf("nobody looks before %v", at)
		}
		d.asks(0, "")
		d.asks(time.Hour, "x/schedule/2026-11-23T13:00:00Z")
	}
}

// nothing is an installation in which nothing happens.
type nothing struct {
	wire.Reader
	requests int // written
}

func (n *nothing) Transact(ctx context.Context, _ string, _ int64, fill func(route.Writer) error) error {
	return fill(n)
}

func (n *nothing) Fence(context.Context) error { return nil }

func (n *nothing) Write(_ context.Context, topic string, _ int, _, _ []byte, _ wire.Headers) error {
	if topic == schemas.ExpandRequests {
		n.requests++
	}
	return nil
}

func TestATermWakesForASlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.scheduled("1h")
		began := now()
		d.state.expansions["x"].LastSlot = slotAt(began)
		n := &nothing{}
		c := &Controller{Transactions: n, Log: slog.New(slog.DiscardHandler)}
		c.taken.begin(t.Context())
		slots := &term{Controller: c, state: d.state, attempts: map[string]*attempt{}, commits: make(chan commit)}
		for hour := 1; hour <= 3; hour++ {
			if err := errors.Join(slots.turn(t.Context()), slots.settle(t.Context())); err != nil {
				t.Fatal(err)
			}
			if since := now().Sub(began); n.requests != hour || since != time.Duration(hour)*time.Hour {
				t.Errorf("after %v it has asked for %d refreshes", since, n.requests)
			}
		}
	})
}
