package control

import (
	"testing"
	"time"

	"kindred/pipeline/learn"
	"kindred/pipeline/model"
	"kindred/schemas"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// desk is a state and the decisions taken on it, with the fate of every run.
type desk struct {
	t      testing.TB
	state  *state
	offset int64
	waits  map[string]bool        // expansions whose run cannot learn yet
	last   map[string]schemas.Run // by run: its last event
	by     map[string]string      // by run: who has asked for it
	finals map[string]int         // by run: final events
	source *schemas.SourceSeen    // what the next commit has seen
	asked  map[string]int         // by expansion: requests that were asked for, as a test counts them
}

func newDesk(t testing.TB) *desk {
	d := &desk{t: t, state: newState(), waits: map[string]bool{}, asked: map[string]int{}, last: map[string]schemas.Run{}, by: map[string]string{}, finals: map[string]int{}}
	d.state.segments["vip"] = &schemas.Segment{SegmentID: "vip", Name: "VIP customers"}
	return d
}

// do takes a step as if it had been committed.
func (d *desk) do(s step) step {
	d.t.Helper()
	d.state.apply(s)
	for _, r := range s.runs {
		d.last[r.RunID] = r
		if r.RequestedBy != d.by[r.RunID] {
			d.t.Errorf("run %s says that %q has asked for it (%s), want %q", r.RunID, r.RequestedBy, r.Status, d.by[r.RunID])
		}
		if r.Status.Final() {
			d.finals[r.RunID]++
		}
	}
	return s
}

// empty reports whether a step changes nothing.
func empty(s step) bool {
	return s.expansion == nil && len(s.runs) == 0 && len(s.requests) == 0 && len(s.letters) == 0
}

func (d *desk) ask(r schemas.ExpandRequest) step {
	d.offset++
	if r.RequestID != "" && r.Cause == "" && r.RequestedBy == "" {
		r.RequestedBy = "by " + r.RequestID
	}
	d.by[r.RequestID] = r.RequestedBy
	return d.do(d.state.decide(request{ExpandRequest: r, offset: d.offset, at: noon}, noon))
}

// turn lets begin whoever has a turn.
func (d *desk) turn() {
	for e := d.state.next(d.lends); e != nil; e = d.state.next(d.lends) {
		d.do(d.state.start(e, noon))
	}
}

func (d *desk) lends(expansionID string) bool { return d.waits[expansionID] }

// active returns the oldest run under way, or nil.
func (d *desk) active() *schemas.Expansion {
	if all := d.state.underWay(); len(all) > 0 {
		return all[0]
	}
	return nil
}

// oldest returns the oldest run under way that was committed, or was not; nil: there is none.
func (d *desk) oldest(committed bool) *schemas.Expansion {
	for _, e := range d.state.underWay() {
		if e.Run.Committed == committed {
			return e
		}
	}
	return nil
}

// commit commits what runs, as learning would.
func (d *desk) commit() {
	d.t.Helper()
	e := d.oldest(false)
	if e == nil {
		d.t.Fatal("nothing runs that could be committed")
	}
	d.commitOf(e)
}

// commitOf commits the run of an expansion.
func (d *desk) commitOf(e *schemas.Expansion) {
	d.t.Helper()
	if e.Run.Request.Action == schemas.Delete {
		d.do(commitDeletion(e, []byte("{}"), noon))
		return
	}
	if e.Run.Request.DryRun {
		d.do(tried(e, schemas.NewReport(), noon))
		return
	}
	definition := define(e.Definition, &e.Run.Request, d.state.presets, func(id string) string { return id })
	setName(&definition, &e.Run.Request)
	d.do(d.state.commitModel(e, definition, &learn.Result{Model: new(model.Model), Report: schemas.NewReport(), Source: d.source}, []byte("{}"), noon))
}

func (d *desk) succeed() {
	d.t.Helper()
	d.do(succeed(d.oldest(true), counted{members: 3, entered: 2, left: 1}, noon))
}

// live brings an expansion "x" about, of the source vip.
func (d *desk) live() {
	d.t.Helper()
	d.ask(expand("first"))
	d.turn()
	d.commit()
	d.succeed()
}

func (d *desk) status(run string, want schemas.Status) {
	d.t.Helper()
	if got := d.last[run].Status; got != want {
		d.t.Errorf("run %s is %q, want %q (%v)", run, got, want, d.last[run].Error)
	}
}

func (d *desk) code(run, want string) {
	d.t.Helper()
	d.status(run, schemas.Failed)
	if got := d.last[run].Error; got == nil || got.Code != want {
		d.t.Errorf("run %s failed with %+v, want code %s", run, got, want)
	} else if got.Message == "" {
		d.t.Errorf("run %s failed without a message", run)
	}
}

func expand(id string) schemas.ExpandRequest {
	return schemas.ExpandRequest{RequestID: id, Action: schemas.Expand, ExpansionID: "x", SourceSegmentID: new("vip")}
}

func on(id string, action schemas.Action) schemas.ExpandRequest {
	return schemas.ExpandRequest{RequestID: id, Action: action, ExpansionID: "x"}
}

func edit(id string, change func(*schemas.ExpandRequest)) schemas.ExpandRequest {
	r := on(id, schemas.Edit)
	if change != nil {
		change(&r)
	}
	return r
}

// busy lets another expansion run, so that x has to wait.
func (d *desk) busy() {
	other := expand("other")
	other.ExpansionID = "y"
	d.ask(other)
	d.turn()
}

func (d *desk) fail() {
	d.do(fail(d.oldest(false), schemas.Refuse(schemas.CodeSourceTooSmall, "", "too small"), noon))
}
