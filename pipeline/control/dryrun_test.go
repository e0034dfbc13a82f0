package control

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"kindred/schemas"
)

// dry returns a request as a dry run.
func dry(r schemas.ExpandRequest) schemas.ExpandRequest {
	r.DryRun = true
	return r
}

func TestADryRunChangesNothingButWhatRemembersIt(t *testing.T) {
	for _, action := range []schemas.Action{schemas.Edit, schemas.Refresh} {
		d := newDesk(t)
		d.live()
		before := *d.state.expansions["x"]
		r := dry(on("try", action))
		if action == schemas.Edit {
			r.Count = new(int64(7))
		}
		d.ask(r)
		d.turn()
		if e := d.active(); e == nil || e.Run.Epoch != 0 {
			t.Fatalf("%s: it does not run: %+v", action, e)
		}
		d.do(restart(d.active(), noon))
		if l, why := d.state.lesson(d.active(), schemas.Ends{}); why != nil || !l.DryRun || action == schemas.Edit && l.Definition.Count != 7 {
			t.Errorf("%s: it would learn %+v (%v)", action, l, why)
		}
		d.commit()
		d.status("try", schemas.Successful)
		if last := d.last["try"]; !last.DryRun || last.Report == nil || last.Epoch != 0 {
			t.Errorf("%s: it ended as %+v", action, last)
		}
		after := *d.state.expansions["x"]
		if !slices.Equal(after.Requests, []string{"first", "try"}) {
			t.Errorf("%s: remembered are %v", action, after.Requests)
		}
		after.Requests, after.Pending = before.Requests, before.Pending
		if !reflect.DeepEqual(after, before) {
			t.Errorf("%s: before it was %+v, after it %+v", action, before, after)
		}
		d.ask(r)
		if d.active() != nil || len(d.state.expansions["x"].Pending) > 0 {
			t.Errorf("%s: the same request runs twice", action)
		}
	}
}

func TestADryRunOfANewExpansionLeavesNoneBehind(t *testing.T) {
	for name, end := range map[string]func(*desk){
		"successful": (*desk).commit,
		"failed":     (*desk).fail,
		"canceled":   func(d *desk) { d.ask(on("cancel", schemas.Cancel)) },
	} {
		d := newDesk(t)
		d.ask(dry(expand("try")))
		d.ask(dry(expand("and again")))
		d.turn()
		for _, action := range []schemas.Action{schemas.Edit, schemas.Refresh, schemas.Rename, schemas.Delete} {
			r := on(string(action), action)
			r.Name, r.SourceSegmentID = new("n"), new("vip")
			d.ask(r)
			d.code(r.RequestID, schemas.CodeUnknownExpansion)
		}
		if asked := d.state.onDataEvent(schemas.DataEvent{Source: "s", BatchID: "b"}); !empty(asked) {
			t.Errorf("%s: a data event asks for %+v", name, asked.requests)
		}
		end(d)
		d.turn()
		for d.active() != nil {
			d.commit()
			d.turn()
		}
		d.status("try", schemas.Status(name))
		if e := d.state.expansions["x"]; e != nil {
			t.Errorf("%s: it leaves %+v behind", name, e)
		}
	}
}

func TestWhatADryRunIsRefusedForIsThatOfARealRun(t *testing.T) {
	d := newDesk(t)
	d.ask(dry(on("unknown", schemas.Edit)))
	d.code("unknown", schemas.CodeUnknownExpansion)
	taken := dry(expand("taken"))
	taken.ExpansionID = "vip"
	d.ask(taken)
	d.says("taken", schemas.CodeExists, "the id vip is that of a segment")
	d.live()
	d.ask(dry(expand("exists")))
	d.code("exists", schemas.CodeExists)
	bad := dry(on("bad", schemas.Edit))
	bad.Share = new(2.0)
	d.ask(bad)
	d.code("bad", schemas.CodeBadValue)
	for _, action := range []schemas.Action{schemas.Cancel, schemas.Rename, schemas.Delete} {
		r := dry(on(string(action), action))
		r.Name = new("n")
		d.busy()
		d.ask(on("waits "+r.RequestID, schemas.Refresh))
		d.ask(r)
		d.code(r.RequestID, schemas.CodeBadValue)
	}
}

// Somebody waits for what a dry run says; somebody else for what they have really asked for.
func TestADryRunEndsNoOtherRunAndIsEndedByADeletionOnly(t *testing.T) {
	d := newDesk(t)
	d.live()
	d.busy()
	d.ask(edit("edit", nil))
	d.ask(on("refresh", schemas.Refresh))
	d.ask(dry(edit("try", nil)))
	d.ask(dry(on("try another", schemas.Refresh)))
	d.ask(on("joins", schemas.Refresh))
	for _, id := range []string{"edit", "refresh", "try", "try another"} {
		d.status(id, schemas.Queued)
	}
	if d.status("joins", schemas.Skipped); d.last["joins"].Detail != "joined to refresh" {
		t.Errorf("a refresh is %s", d.last["joins"].Detail)
	}
	d.commit() // of the other expansion
	d.turn()
	d.commit()
	d.succeed() // the other expansion
	d.succeed()
	d.status("edit", schemas.Successful)
	d.status("try", schemas.Queued)
	d.turn()
	d.status("refresh", schemas.Processing)
	d.commit()
	d.succeed()
	d.turn()
	d.status("try", schemas.Processing)
	d.ask(edit("second edit", nil))
	d.status("try", schemas.Processing)
	d.ask(on("delete", schemas.Delete))
	for _, id := range []string{"try", "try another", "second edit"} {
		d.status(id, schemas.Skipped)
	}
	d.turn()
	d.status("delete", schemas.Processing)
}

func TestAnExpansionCanBeMadeWhileItIsTried(t *testing.T) {
	d := newDesk(t)
	d.ask(dry(expand("try")))
	d.turn()
	d.ask(expand("real"))
	d.status("real", schemas.Queued)
	d.commit()
	d.turn()
	d.status("real", schemas.Processing)
	d.commit()
	d.succeed()
	if e := d.state.expansions["x"]; e.Uncommitted || e.Epoch != 1 || e.State != schemas.StateLive {
		t.Errorf("it is %+v", e)
	}
}

func TestABoundedNumberOfDryRunsWaits(t *testing.T) {
	d := newDesk(t)
	d.busy()
	for i := range mostWaiting + 1 {
		d.ask(dry(expand(fmt.Sprint(i))))
	}
	d.status(fmt.Sprint(mostWaiting-1), schemas.Queued)
	d.code(fmt.Sprint(mostWaiting), schemas.CodeBadValue)
}

// What is only tried is not there to be built on, and keeps nobody from deleting what it reads.
func TestADryRunIsNoLinkOfAChain(t *testing.T) {
	d := newDesk(t)
	d.live()
	reads := dry(expand("reads x"))
	reads.ExpansionID, reads.SourceSegmentID = "a", new("x")
	d.busy()
	d.ask(reads)
	if d.state.isExpansion("a") {
		t.Error("what is only tried counts as an expansion")
	}
	d.ask(edit("refresh x", nil))
	d.commit() // of the other expansion
	d.turn()
	d.status("reads x", schemas.Processing)
	d.ask(on("delete", schemas.Delete))
	d.turn()
	d.status("delete", schemas.Processing)
}
