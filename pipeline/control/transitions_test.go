package control

import (
	"slices"
	"testing"

	"kindred/schemas"
)

func TestARequestWaitsRunsAndEnds(t *testing.T) {
	d := newDesk(t)
	d.ask(expand("a"))
	d.status("a", schemas.Queued)
	d.turn()
	d.status("a", schemas.Processing)
	e := d.state.expansions["x"]
	if e.Epoch != 1 || e.Run.Epoch != 1 || e.Definition != nil || e.State != schemas.StateNew {
		t.Errorf("before its commit the record is %+v", e)
	}
	d.commit()
	e = d.state.expansions["x"]
	if e.State != schemas.StateLive || e.Definition == nil || !e.Run.Committed || e.Report != nil {
		t.Errorf("after its commit the record is %+v", e)
	}
	d.succeed()
	e = d.state.expansions["x"]
	d.status("a", schemas.Successful)
	if e.Run != nil || e.Report == nil || e.Report.Counts.Members != 3 || d.last["a"].Report.Counts.Left != 1 {
		t.Errorf("at its end the record is %+v", e)
	}
	if !slices.Equal(e.Requests, []string{"a"}) || len(e.Pending) != 0 {
		t.Errorf("remembered %v, waiting %v", e.Requests, e.Pending)
	}
}

func TestRunsGoByTheOrderOfTheirRequests(t *testing.T) {
	d := newDesk(t)
	for _, id := range []string{"c", "a", "b"} {
		r := expand("run " + id)
		r.ExpansionID = id
		d.ask(r)
	}
	for _, id := range []string{"c", "a", "b"} {
		d.turn()
		if e := d.active(); e.ExpansionID != id {
			t.Errorf("%s runs, want %s", e.ExpansionID, id)
		}
		d.commit()
		d.succeed()
	}
}

func TestATakeOverBeforeTheCommitTakesTheNextEpoch(t *testing.T) {
	d := newDesk(t)
	d.ask(expand("a"))
	d.turn()
	d.do(restart(d.active(), noon))
	if e := d.active(); e.Epoch != 2 || e.Run.Epoch != 2 || e.Run.RunID != "a" || e.Run.Committed {
		t.Errorf("taken over it is %+v", e.Run)
	}
}

func TestADeletedExpansionKeepsItsEpoch(t *testing.T) {
	d := newDesk(t)
	d.live()
	d.ask(on("gone", schemas.Delete))
	d.turn()
	d.commit()
	d.succeed()
	d.status("gone", schemas.Successful)
	if e := d.state.expansions["x"]; e.State != schemas.StateDeleted || e.Epoch != 2 || e.Definition != nil || e.Report != nil {
		t.Errorf("deleted it is %+v", e)
	}
	d.ask(expand("again"))
	d.turn()
	if e := d.active(); e.Epoch != 3 || e.State != schemas.StateNew {
		t.Errorf("expanded again it is %+v", e)
	}
}
