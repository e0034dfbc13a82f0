package control

import (
	"testing"
	"time"

	"kindred/schemas"
)

func TestTheLastRunIsRememberedHoweverItEnded(t *testing.T) {
	d := newDesk(t)
	now := noon
	check := func(runID string, status schemas.Status, code string, failingSince time.Time) {
		t.Helper()
		last := d.state.expansions["x"].LastRun
		switch {
		case last == nil:
			t.Fatalf("after %s it remembers nothing", runID)
		case last.RunID != runID || last.Status != status || (last.Error == nil) != (code == "") || code != "" && last.Error.Code != code:
			t.Errorf("it remembers %+v (%+v), want %s, %s %s", last, last.Error, runID, status, code)
		case failingSince.IsZero() != (last.FailingSince == nil) || last.FailingSince != nil && !last.FailingSince.Equal(failingSince):
			t.Errorf("after %s refreshes fail since %v, want %v", runID, last.FailingSince, failingSince)
		case last.Cause != d.last[runID].Cause || last.RequestedBy != d.by[runID] || !last.EndedAt.Equal(*d.last[runID].EndedAt):
			t.Errorf("it remembers %+v of %+v", last, d.last[runID])
		}
	}
	fails := func(r schemas.ExpandRequest) {
		t.Helper()
		now = now.Add(time.Hour)
		d.ask(r)
		d.turn()
		d.do(fail(d.active(), schemas.Refuse(schemas.CodeShrink, "look", "too many"), now))
	}
	d.ask(expand("first"))
	if d.turn(); d.state.expansions["x"].LastRun != nil {
		t.Error("it remembers a run that has not ended")
	}
	d.commit()
	d.succeed()
	check("first", schemas.Successful, "", time.Time{})

	d.ask(edit("bad", func(r *schemas.ExpandRequest) { r.Share = new(2.0) }))
	check("bad", schemas.Failed, schemas.CodeBadValue, time.Time{})
	load := on("load", schemas.Refresh)
	load.Cause = schemas.CauseDataEvent
	fails(load)
	since := now
	check("load", schemas.Failed, schemas.CodeShrink, since)
	fails(on("again", schemas.Refresh))
	check("again", schemas.Failed, schemas.CodeShrink, since)
	fails(edit("edit", nil))
	check("edit", schemas.Failed, schemas.CodeShrink, since)

	named := on("named", schemas.Rename)
	named.Name = new("n")
	d.ask(named)
	fails(dry(on("try", schemas.Refresh)))
	check("edit", schemas.Failed, schemas.CodeShrink, since)
	d.busy()
	d.ask(on("waits", schemas.Refresh))
	d.ask(on("joins", schemas.Refresh))
	check("edit", schemas.Failed, schemas.CodeShrink, since)
	d.ask(on("canceled", schemas.Cancel))
	check("waits", schemas.Canceled, "", since)
	d.fail() // the other expansion

	d.ask(on("well", schemas.Refresh))
	d.turn()
	d.commit()
	check("waits", schemas.Canceled, "", since)
	d.succeed()
	check("well", schemas.Successful, "", time.Time{})
	d.ask(on("late", schemas.Cancel))
	check("late", schemas.Failed, schemas.CodeNotRunning, time.Time{})
}
