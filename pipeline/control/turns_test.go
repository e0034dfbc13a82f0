package control

import (
	"fmt"
	"slices"
	"testing"

	"kindred/schemas"
)

// begin asks for something of an expansion, under its name, and lets begin whoever has a turn.
func (d *desk) begin(action schemas.Action, id string) {
	r := on(fmt.Sprint(action, " ", id), action)
	r.ExpansionID = id
	if action == schemas.Expand {
		r.SourceSegmentID = new("vip")
	}
	d.ask(r)
	d.turn()
}

// underWay demands that exactly these runs are under way, in the order in which they began.
func (d *desk) underWay(want ...string) {
	d.t.Helper()
	var got []string
	for _, e := range d.state.underWay() {
		got = append(got, e.Run.RunID)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		d.t.Errorf("under way are %q, want %q", got, want)
	}
}

func TestOneLearnsAtATimeAndWhoeverWaitsLendsItsTurn(t *testing.T) {
	d := newDesk(t)
	d.begin(schemas.Expand, "c")
	d.begin(schemas.Expand, "a")
	d.begin(schemas.Expand, "b")
	d.underWay("expand c")
	d.waits["c"] = true
	d.turn()
	d.underWay("expand c", "expand a")
	d.waits["a"] = true
	d.turn()
	d.underWay("expand c", "expand a", "expand b")
	clear(d.waits)
	d.begin(schemas.Expand, "d")
	d.underWay("expand c", "expand a", "expand b")
}

func TestSoManyLearnAtATimeAsThereIsUseFor(t *testing.T) {
	d := newDesk(t)
	d.state.learners = 2
	for _, id := range []string{"c", "a", "b", "d"} {
		d.begin(schemas.Expand, id)
	}
	d.underWay("expand c", "expand a")
	d.waits["c"] = true
	d.turn()
	d.underWay("expand c", "expand a", "expand b")
	d.commitOf(d.state.expansions["b"])
	d.turn()
	d.underWay("expand c", "expand a", "expand b", "expand d")
}

func TestACommittedRunKeepsNobodyFromLearning(t *testing.T) {
	d := newDesk(t)
	d.begin(schemas.Expand, "x")
	d.begin(schemas.Expand, "y")
	d.underWay("expand x")
	d.commit()
	d.turn()
	d.underWay("expand x", "expand y")
	d.begin(schemas.Refresh, "x")
	d.underWay("expand x", "expand y")
}

func TestADeletionBeginsWhoeverLearns(t *testing.T) {
	d := newDesk(t)
	for _, id := range []string{"x", "y"} {
		d.begin(schemas.Expand, id)
		d.commit()
		d.succeed()
	}
	d.begin(schemas.Refresh, "x")
	d.begin(schemas.Delete, "y")
	d.underWay("refresh x", "delete y")
}

func TestABoundedNumberOfRunsIsUnderWay(t *testing.T) {
	d := newDesk(t)
	for i := range mostUnderWay + 1 {
		d.begin(schemas.Expand, fmt.Sprint("x", i))
		d.waits[fmt.Sprint("x", i)] = true
	}
	d.turn()
	if n := len(d.state.underWay()); n != mostUnderWay {
		t.Errorf("%d runs are under way, want %d", n, mostUnderWay)
	}
	for d.oldest(false) != nil {
		d.commit()
	}
	d.turn()
	if n := len(d.state.underWay()); n != mostUnderWay {
		t.Errorf("%d runs are under way once all are committed, want %d", n, mostUnderWay)
	}
	d.succeed()
	d.turn()
	d.underWay(slices.Collect(func(yield func(string) bool) {
		for i := range mostUnderWay {
			yield(fmt.Sprint("expand x", i+1))
		}
	})...)
}

// A data event may ask for the refreshes of all expansions: whoever asks for something meanwhile learns beside those that do, and
// none begins before it has learned.
func TestWhatSomebodyAsksForGoesBeforeWhatTriggersDo(t *testing.T) {
	d := newDesk(t)
	d.state.learners = 3
	for i := range 20 {
		d.begin(schemas.Expand, fmt.Sprint("x", i))
		d.commit()
		d.succeed()
	}
	for _, r := range d.state.onDataEvent(schemas.DataEvent{Source: "s", BatchID: "b"}).requests {
		d.ask(r)
	}
	d.turn()
	refresh := func(id string) string { return triggerID(id, "s", "b") }
	d.underWay(refresh("x0"), refresh("x1"), refresh("x10"))
	d.begin(schemas.Expand, "own")
	d.begin(schemas.Expand, "next")
	d.underWay(refresh("x0"), refresh("x1"), refresh("x10"), "expand own")
	ends := func(id string) {
		d.commitOf(d.state.expansions[id])
		d.turn()
	}
	ends("x0")
	d.underWay(refresh("x0"), refresh("x1"), refresh("x10"), "expand own")
	ends("x1")
	d.underWay(refresh("x0"), refresh("x1"), refresh("x10"), "expand own", "expand next")
	ends("own")
	d.underWay(refresh("x0"), refresh("x1"), refresh("x10"), "expand own", "expand next")
	ends("next")
	d.underWay(refresh("x0"), refresh("x1"), refresh("x10"), "expand own", "expand next", refresh("x11"), refresh("x12"))
	for range 20 { // all that begin lend their turn
		for _, e := range d.state.underWay() {
			d.waits[e.ExpansionID] = true
		}
		d.turn()
	}
	if n := len(d.state.underWay()) - 2; n != mostTriggered {
		t.Errorf("%d runs of triggers are under way, want %d", n, mostTriggered)
	}
	d.begin(schemas.Expand, "another")
	if d.state.expansions["another"].Run == nil {
		t.Error("triggers leave no room for it")
	}
}
