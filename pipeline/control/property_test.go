package control

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"kindred/schemas"
)

// Whatever is asked for in whatever order, whatever runs have to wait for, and whenever controllers take over: every run that
// began ends once, in a final status, epochs only grow, what waits for one expansion is bounded, and no expansion builds on
// itself or on one that was deleted.
func TestEveryRunEndsOnce(t *testing.T) {
	actions := []schemas.Action{schemas.Expand, schemas.Edit, schemas.Refresh, schemas.Cancel, schemas.Rename, schemas.Delete}
	rapid.Check(t, func(t *rapid.T) {
		d := newDesk(&quiet{t: t})
		d.state.learners = rapid.IntRange(1, 3).Draw(t, "learners")
		var known []schemas.ExpandRequest
		epochs := map[string]int64{}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch rapid.SampledFrom([]string{"ask", "ask", "ask", "again", "turn", "commit", "end", "fail", "take over", "event", "wait", "go on"}).Draw(t, "what") {
			case "ask":
				r := on(fmt.Sprint("r", d.offset), rapid.SampledFrom(actions).Draw(t, "action"))
				r.ExpansionID = rapid.SampledFrom([]string{"x", "y", "z"}).Draw(t, "id")
				if r.Action == schemas.Expand || rapid.Bool().Draw(t, "source") {
					r.SourceSegmentID = new(rapid.SampledFrom([]string{"vip", "vip", "x", "y", "z"}).Draw(t, "of"))
				}
				if r.Action == schemas.Rename {
					r.Name = new("n")
				}
				r.DryRun = rapid.IntRange(0, 3).Draw(t, "dry run") == 0
				known = append(known, r)
				d.asked[r.ExpansionID]++
				d.ask(r)
			case "again":
				if len(known) > 0 {
					r := rapid.SampledFrom(known).Draw(t, "which")
					if e := d.state.expansions[r.ExpansionID]; e != nil && d.asked[r.ExpansionID] > remembered {
						continue // it may have been forgotten
					}
					if again := d.ask(r); !empty(again) {
						t.Fatalf("asked again, %s decides %+v", r.RequestID, again)
					}
				}
			case "event":
				for _, r := range d.state.onDataEvent(schemas.DataEvent{Source: "s", BatchID: fmt.Sprint(d.offset)}).requests {
					d.ask(r)
				}
			case "turn":
				d.turn()
			case "commit":
				if d.oldest(false) != nil {
					d.learn()
				}
			case "end":
				if d.oldest(true) != nil {
					d.succeed()
				}
			case "fail":
				if d.oldest(false) != nil {
					d.fail()
				}
			case "wait":
				if e := d.oldest(false); e != nil {
					d.waits[e.ExpansionID] = true
				}
			case "go on":
				clear(d.waits)
			case "take over":
				clear(d.waits)
				for _, e := range d.state.underWay() {
					if !e.Run.Committed {
						d.do(restart(e, noon))
					}
				}
			}
			maps.DeleteFunc(epochs, func(id string, _ int64) bool { return d.state.expansions[id] == nil }) // nothing was committed
			for id, e := range d.state.expansions {
				if e.Epoch < epochs[id] {
					t.Fatalf("the epoch of %s fell from %d to %d", id, epochs[id], e.Epoch)
				}
				epochs[id] = e.Epoch
				d.chained(t, e)
				if n := len(e.Pending); n > mostWaiting+2 {
					t.Fatalf("%s has %d requests waiting", id, n)
				}
				if e.State == schemas.StateNew && !busy(e) {
					t.Fatalf("%s is new, and nothing of it waits or runs", id)
				}
				if e.Uncommitted && (!busy(e) || e.Definition != nil) {
					t.Fatalf("%s stands for nothing but is %+v", id, e)
				}
			}
		}
		clear(d.waits)
		for d.turn(); d.active() != nil; d.turn() {
			for d.oldest(false) != nil {
				d.learn()
			}
			for d.oldest(true) != nil {
				d.succeed()
			}
		}
		for id, e := range d.state.expansions {
			if e.Uncommitted {
				t.Fatalf("%s is left behind by dry runs: %+v", id, e)
			}
		}
		for id, r := range d.last {
			if !r.Status.Final() || d.finals[id] != 1 {
				t.Fatalf("run %s is %s and has ended %d times", id, r.Status, d.finals[id])
			}
		}
	})
}

// chained demands that an expansion does not build on itself, and that those it was committed to use are there.
func (d *desk) chained(t *rapid.T, e *schemas.Expansion) {
	d.state.below(e, &schemas.ExpandRequest{}, func(other *schemas.Expansion) bool {
		if slices.Contains(uses(other), e.ExpansionID) {
			t.Fatalf("%s is made from itself, by way of %s", e.ExpansionID, other.ExpansionID)
		}
		return false
	})
	if e.Definition == nil {
		return
	}
	if id := e.Definition.SourceSegmentID; d.state.isExpansion(id) && d.state.expansions[id].Definition == nil {
		t.Fatalf("%s is made from %s, which is %s", e.ExpansionID, id, d.state.expansions[id].State)
	}
}

// quiet lets a rapid test stand for a testing.TB.
type quiet struct {
	testing.TB
	t *rapid.T
}

func (q *quiet) Helper()           {}
func (q *quiet) Fatal(args ...any) { q.t.Fatal(args...) }
