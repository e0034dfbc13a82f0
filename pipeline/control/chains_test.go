package control

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"kindred/pipeline/learn"
	"kindred/pipeline/model"
	"kindred/schemas"
)

// build brings an expansion about whose source is another one, or a segment.
func (d *desk) build(id, source string) {
	d.t.Helper()
	d.from("expand "+id, schemas.Expand, id, source)
	d.turn()
	d.learn()
	d.succeed()
	d.status("expand "+id, schemas.Successful)
}

// from asks for something of an expansion, with a source.
func (d *desk) from(request string, action schemas.Action, id, source string) {
	r := on(request, action)
	r.ExpansionID = id
	if source != "" {
		r.SourceSegmentID = &source
	}
	d.ask(r)
}

// learn commits what runs, unless nothing can be learned from its segments: then it fails.
func (d *desk) learn() {
	d.t.Helper()
	if e := d.oldest(false); e != nil && e.Run.Request.Action != schemas.Delete {
		if _, why := d.state.lesson(e, schemas.Ends{}); why != nil {
			d.do(fail(e, why, noon))
			return
		}
	}
	d.commit()
}

func (d *desk) says(run, code, text string) {
	d.t.Helper()
	d.code(run, code)
	if why := d.last[run].Error; why != nil && (!strings.Contains(why.Message, text) || why.Hint == "") {
		d.t.Errorf("run %s says %+v, want %q and a way out", run, why, text)
	}
}

func TestNothingIsMadeFromItself(t *testing.T) {
	d := newDesk(t)
	d.build("a", "vip")
	d.build("b", "a")
	d.build("c", "b")
	d.from("1", schemas.Edit, "a", "c")
	d.says("1", schemas.CodeCycle, "expansion a cannot be made from itself (a uses c uses b uses a)")
	for i, change := range []func(*schemas.ExpandRequest){
		func(r *schemas.ExpandRequest) { r.Candidates = &schemas.Candidates{SegmentID: "b"} },
		func(r *schemas.ExpandRequest) { r.Suppress = &[]string{"vip", "c"} },
	} {
		r := edit(fmt.Sprint("edit ", i), change)
		r.ExpansionID = "a"
		d.ask(r)
		d.says(r.RequestID, schemas.CodeCycle, "a uses")
	}
	d.from("2", schemas.Expand, "d", "d")
	d.says("2", schemas.CodeCycle, "d uses d")

	// What waits counts too: it may be committed next.
	d.from("3", schemas.Edit, "c", "vip")
	d.from("4", schemas.Edit, "a", "c")
	d.says("4", schemas.CodeCycle, "a uses c")
	d.turn()
	d.learn()
	d.succeed()
	d.from("5", schemas.Edit, "a", "c")
	d.status("5", schemas.Queued)
	d.from("6", schemas.Edit, "c", "b")
	d.says("6", schemas.CodeCycle, "c uses b uses a uses c")
	d.from("7", schemas.Expand, "f", "e") // there is no e yet
	d.from("8", schemas.Expand, "e", "f")
	d.says("8", schemas.CodeCycle, "e uses f uses e")
}

func TestAChainHasABoundedLength(t *testing.T) {
	d := newDesk(t)
	below := "vip"
	for i := range mostChained {
		id := fmt.Sprint("x", i)
		d.build(id, below)
		below = id
	}
	d.from("one more", schemas.Expand, "y", below)
	d.says("one more", schemas.CodeBadValue, "9 expansions would be built one on the other")
	d.build("y", "x6")
	d.build("z", "vip")
	d.from("under", schemas.Edit, "x0", "z")
	d.says("under", schemas.CodeBadValue, "9 expansions")
}

func TestAnExpansionInUseIsNotDeleted(t *testing.T) {
	d := newDesk(t)
	d.build("a", "vip")
	d.build("b", "a")
	d.from("c", schemas.Expand, "c", "a") // waits: it will use a
	d.from("1", schemas.Delete, "a", "")
	d.says("1", schemas.CodeInUse, "a is used by b, c")
	d.from("cancel c", schemas.Cancel, "c", "")
	d.from("b refreshes", schemas.Refresh, "b", "")
	d.turn()
	d.learn()

	// Together with its users it goes, after them.
	d.from("b goes", schemas.Delete, "b", "")
	d.from("a goes", schemas.Delete, "a", "")
	d.turn()
	d.underWay("b refreshes")
	if detail := d.last["a goes"].Detail; !strings.Contains(detail, "b is deleted") {
		t.Errorf("it says %q", detail)
	}
	d.from("on a", schemas.Expand, "d", "a")
	d.says("on a", schemas.CodeSegmentGone, "a is being deleted")

	// When its user stays after all, it stays.
	d.from("b stays", schemas.Cancel, "b", "")
	d.turn()
	d.says("a goes", schemas.CodeInUse, "a is used by b")
	d.succeed()

	d.from("b goes at last", schemas.Delete, "b", "")
	d.from("a goes at last", schemas.Delete, "a", "")
	d.turn()
	d.underWay("b goes at last")
	d.learn()
	d.turn()
	d.underWay("b goes at last", "a goes at last")
	d.learn()
	d.succeed()
	d.succeed()
	d.status("a goes at last", schemas.Successful)
}

// When data events come faster than runs end, the last run of each comes after the last run of what it builds on, and no more
// than two refreshes wait.
func TestTheLastRefreshComesAfterThatOfWhatItBuildsOn(t *testing.T) {
	d := newDesk(t)
	d.build("x", "vip")
	d.build("b", "x")
	d.build("a", "b")
	for event := range 4 {
		for _, r := range d.state.onDataEvent(schemas.DataEvent{Source: "s", BatchID: fmt.Sprint(event)}).requests {
			d.ask(r)
		}
		d.turn() // the first of x begins, and learns for a long time
	}
	for _, id := range []string{"x", "b", "a"} {
		if n := len(d.state.expansions[id].Pending); n > 2 {
			t.Errorf("of %s %d requests wait", id, n)
		}
	}
	var order []string
	for d.active() != nil {
		order = append(order, d.active().ExpansionID)
		d.learn()
		d.succeed()
		d.turn()
	}
	if !slices.Equal(order, []string{"x", "b", "a", "x", "b", "a"}) {
		t.Errorf("they ran in the order %v", order)
	}
}

func TestWhatIsNoExpansionAnyMoreOrNotYetIsRefusedWithAWayOut(t *testing.T) {
	d := newDesk(t)
	d.from("first", schemas.Expand, "x", "nobody")
	d.turn()
	d.learn()
	d.says("first", schemas.CodeUnknownSegment, "nobody")
	d.from("1", schemas.Expand, "y", "x") // which is no expansion yet, and comes too late to go first
	d.turn()
	d.from("late", schemas.Expand, "x", "vip")
	d.learn()
	d.says("1", schemas.CodeUnknownSegment, "x has never been committed")
	d.turn()
	d.learn()
	d.succeed()
	d.from("gone", schemas.Delete, "x", "")
	d.turn()
	d.learn()
	d.succeed()
	d.from("2", schemas.Expand, "y", "x")
	d.says("2", schemas.CodeSegmentGone, "x was deleted")
	d.from("anew", schemas.Expand, "x", "vip")
	d.turn()
	d.learn()
	d.succeed()
	d.build("y", "x")

	// Nobody can ask for that, but the log may hold it.
	deleted := *d.state.expansions["x"]
	deleted.State, deleted.Definition = schemas.StateDeleted, nil
	d.do(step{expansion: &deleted})
	for _, s := range d.state.segmentStates() {
		d.do(s)
	}
	if state := d.state.expansions["y"].State; state != schemas.StateSegmentGone {
		t.Errorf("with what it was made from deleted, it is %s", state)
	}
	d.from("3", schemas.Refresh, "y", "")
	d.turn()
	d.learn()
	d.says("3", schemas.CodeSegmentGone, "x was deleted")
}

func TestARunComesAfterThoseItBuildsOn(t *testing.T) {
	d := newDesk(t)
	d.from("x", schemas.Expand, "x", "vip")
	d.from("b", schemas.Expand, "b", "x")
	d.from("a", schemas.Expand, "a", "b") // asked for before anything is committed
	if detail := d.last["a"].Detail; detail != "waits for the run of b, which it uses" {
		t.Errorf("it says %q", detail)
	}
	d.from("other", schemas.Expand, "other", "vip")
	d.waits["x"] = true
	d.turn()
	d.underWay("x", "other")
	d.learn()
	d.learn()
	d.turn()
	d.underWay("x", "other")
	d.succeed()
	d.turn()
	d.underWay("x") // both are published in the order of their ids here
	d.succeed()
	d.turn()
	d.underWay("b")
	if lesson, why := d.state.lesson(d.state.expansions["b"], schemas.Ends{}); why != nil ||
		!slices.Equal(lesson.Derived, []string{"x"}) || lesson.Definition.Name != "vip Expansion Expansion" {
		t.Errorf("b learns %+v (%v)", lesson, why)
	}
	d.learn()
	d.succeed()
	d.turn()
	d.learn()
	d.succeed()
	d.status("a", schemas.Successful)

	// A data event asks for all, in the order of the chain and not of their ids.
	var order []string
	for _, r := range d.state.onDataEvent(schemas.DataEvent{Source: "s", BatchID: "1"}).requests {
		order = append(order, r.ExpansionID)
		d.ask(r)
	}
	if !slices.Equal(order, []string{"other", "x", "b", "a"}) {
		t.Errorf("the order is %v", order)
	}
	for _, id := range order {
		d.turn()
		d.underWay(triggerID(id, "s", "1"))
		d.learn()
		d.turn()
		if id == "other" {
			d.underWay(triggerID(id, "s", "1"), triggerID("x", "s", "1"))
		}
		d.succeed()
	}

	// Whoever was asked for first has gone first, and is not starved; it learns when nothing is being published below it.
	d.from("a early", schemas.Refresh, "a", "")
	d.turn()
	d.waits["a"] = true
	d.from("x late", schemas.Refresh, "x", "")
	d.turn()
	d.underWay("a early", "x late")
	if what := d.state.unpublished(d.state.expansions["a"]); what != "" {
		t.Errorf("before the commit it %s", what)
	}
	x := d.state.expansions["x"]
	d.do(d.state.commitModel(x, *x.Definition, &learn.Result{Model: new(model.Model), Report: schemas.NewReport()}, []byte("{}"), noon))
	if what := d.state.unpublished(d.state.expansions["a"]); what != "waits until x is published, which it uses" {
		t.Errorf("after the commit it %s", what)
	}
}
