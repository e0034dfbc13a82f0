package control

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"kindred/schemas"
)

// decide says what becomes of a request: it waits for its turn, joins another, is answered at once, or is refused.
// What depends on segments and fields is looked at later, when its turn has come: by then the router has done all that
// came before the request. A request that was seen before changes nothing.
func (s *state) decide(r request, now time.Time) step {
	if r.RequestID == "" {
		r.RequestID = schemas.ExpandRequests + "-" + strconv.FormatInt(r.offset, 10)
	}
	known := s.expansions[r.ExpansionID]
	if known != nil && slices.Contains(known.Requests, r.RequestID) {
		return step{}
	}
	r.ExpandRequest = relevant(r.ExpandRequest)
	if refused := s.refusal(known, &r.ExpandRequest); refused != nil {
		return refuse(known, r, refused, now)
	}
	d := draftFor(known, r, now)
	switch r.Action {
	case schemas.Expand:
		d.queue(r)
	case schemas.Edit:
		d.supersede(r)
		d.queue(r)
	case schemas.Delete:
		d.remove(r)
	case schemas.Refresh:
		d.refresh(r)
	case schemas.Cancel:
		d.cancel(r)
	case schemas.Rename:
		d.rename(r)
	}
	return d.step()
}

// cause says why a request's run is started: a trigger has said it itself.
func cause(r *schemas.ExpandRequest) schemas.Cause {
	if r.Cause != "" {
		return r.Cause
	}
	return schemas.Cause(r.Action)
}

// relevant leaves out what a request of its kind does not mean: a refresh defines nothing.
func relevant(r schemas.ExpandRequest) schemas.ExpandRequest {
	slim := schemas.ExpandRequest{
		RequestID: r.RequestID, Action: r.Action, ExpansionID: r.ExpansionID,
		Force: r.Force, DryRun: r.DryRun, Cause: r.Cause,
	}
	switch r.Action {
	case schemas.Expand, schemas.Edit:
		return r
	case schemas.Rename:
		slim.Name, slim.Tags = r.Name, r.Tags
	}
	return slim
}

// draftFor begins the decision on a request that is not refused. Expanding makes a new record, also of an expansion
// that was deleted: it keeps its epoch, since owners remember that.
func draftFor(known *schemas.Expansion, r request, now time.Time) *draft {
	if known == nil {
		known = &schemas.Expansion{ExpansionID: r.ExpansionID, State: schemas.StateNew}
	}
	d := redraft(known, now)
	d.remember(r.RequestID)
	if r.Action == schemas.Expand {
		d.e.State, d.e.Report, d.e.Definition = schemas.StateNew, nil, nil
		d.e.Name = r.ExpansionID
		if r.Name != nil {
			d.e.Name = *r.Name
		}
	}
	return d
}

// refuse ends a request's run at once. An expansion that does not exist has nowhere to remember the request.
func refuse(known *schemas.Expansion, r request, why *schemas.RunError, now time.Time) step {
	if known == nil {
		d := &draft{e: schemas.Expansion{ExpansionID: r.ExpansionID}, now: now}
		d.ended(r.RequestID, cause(&r.ExpandRequest), schemas.Failed, "").Error = why
		return step{runs: d.runs}
	}
	d := redraft(known, now)
	d.remember(r.RequestID)
	d.ended(r.RequestID, cause(&r.ExpandRequest), schemas.Failed, "").Error = why
	return d.step()
}

// queue puts a request behind whatever waits.
func (d *draft) queue(r request) {
	d.e.Pending = append(d.e.Pending, schemas.Pending{
		Request: r.ExpandRequest, Cause: cause(&r.ExpandRequest), Offset: r.offset, At: r.at, Ends: r.ends,
	})
	d.runs = append(d.runs, schemas.Run{
		RunID: r.RequestID, ExpansionID: d.e.ExpansionID, Cause: cause(&r.ExpandRequest), Status: schemas.Queued,
	})
}

// supersede ends what a new definition, or a deletion, makes pointless: all that waits, and the running run before its
// commit. After it the run is finished first.
func (d *draft) supersede(by request) {
	detail := fmt.Sprintf("superseded by %s (%s)", by.RequestID, by.Action)
	if interruptible(&d.e) {
		d.endRunning(schemas.Skipped, detail)
	}
	d.endPending(schemas.Skipped, detail)
}

// remove queues a deletion, unless there is one already.
func (d *draft) remove(r request) {
	if leaving(&d.e) {
		d.ended(r.RequestID, cause(&r.ExpandRequest), schemas.Skipped, "it is being deleted already")
		return
	}
	d.supersede(r)
	d.queue(r)
}

// refresh waits behind a run. Only one waits; a later one joins it, and makes it see what the later one must see.
func (d *draft) refresh(r request) {
	i := slices.IndexFunc(d.e.Pending, isRefresh)
	if i < 0 {
		d.queue(r)
		return
	}
	first := &d.e.Pending[i]
	first.Ends = r.ends // read later, so nowhere lower
	first.Request.Force = first.Request.Force || r.Force
	d.ended(r.RequestID, cause(&r.ExpandRequest), schemas.Skipped, "joined to "+first.Request.RequestID)
}

// cancel ends what waits and what runs before its commit. Whether there is anything was looked at before.
func (d *draft) cancel(r request) {
	detail := "canceled by " + r.RequestID
	if interruptible(&d.e) {
		d.endRunning(schemas.Canceled, detail)
	}
	d.endPending(schemas.Canceled, detail)
	d.ended(r.RequestID, cause(&r.ExpandRequest), schemas.Successful, "").Progress = 1
}

// rename needs no model: it counts at once, also for what waits or runs.
func (d *draft) rename(r request) {
	apply := func(to *schemas.ExpandRequest) {
		if r.Name != nil {
			to.Name = r.Name
		}
		if r.Tags != nil {
			to.Tags = r.Tags
		}
	}
	if r.Name != nil {
		d.e.Name = *r.Name
	}
	if d.e.Definition != nil {
		definition := *d.e.Definition
		named(&definition, &r.ExpandRequest)
		d.e.Definition = &definition
	}
	if interruptible(&d.e) {
		run := *d.e.Run
		apply(&run.Request)
		d.e.Run = &run
	}
	for i := range d.e.Pending {
		apply(&d.e.Pending[i].Request)
	}
	d.ended(r.RequestID, cause(&r.ExpandRequest), schemas.Successful, "").Progress = 1
}
