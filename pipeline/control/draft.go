package control

import (
	"fmt"
	"slices"
	"time"

	"kindred/schemas"
)

// remembered is how many requests of an expansion are recognized when they come twice.
const remembered = 20

// draft is a decision on one expansion in the making.
type draft struct {
	e    schemas.Expansion // a copy: the record that is committed stays as it is
	runs []schemas.Run
	now  time.Time
}

// draftFor begins the decision on a request that is not refused. Expanding makes a new record, also of an expansion
// that was deleted: that one keeps its epoch, since owners remember it. A dry run changes nothing of a record that there is.
func draftFor(known *schemas.Expansion, r request, now time.Time) *draft {
	if known == nil {
		known = &schemas.Expansion{ExpansionID: r.ExpansionID, State: schemas.StateNew, Uncommitted: true}
	}
	d := redraft(known, now)
	d.remember(r.RequestID)
	if r.Action == schemas.Expand && !r.DryRun {
		d.e.State, d.e.Report, d.e.Definition, d.e.LastRun = schemas.StateNew, nil, nil, nil
		d.e.Name = r.ExpansionID
		if r.Name != nil {
			d.e.Name = *r.Name
		}
	}
	return d
}

// redraft begins a decision on an expansion that exists.
func redraft(e *schemas.Expansion, now time.Time) *draft {
	d := &draft{e: *e, now: now}
	d.e.Pending = slices.Clone(e.Pending)
	d.e.Requests = slices.Clone(e.Requests)
	return d
}

// step ends the drafting. An expansion of which nothing was ever committed, and nothing waits or runs any more, is forgotten:
// its id is free, also for a segment. One that was deleted before is deleted again, since owners remember its epoch.
func (d *draft) step() step {
	for i := range d.runs {
		d.e.LastRun = lastRun(d.e.LastRun, &d.runs[i])
	}
	s := step{expansion: &d.e, runs: d.runs}
	switch {
	case d.e.State != schemas.StateNew || busy(&d.e):
	case d.e.Uncommitted:
		s.forgets = true
		for _, id := range d.e.Requests {
			s.refused = append(s.refused, refusalOf(d.e.ExpansionID, id))
		}
	default:
		d.e.State = schemas.StateDeleted
	}
	return s
}

// remember notes the id of a request, so that it is recognized when it comes again.
func (d *draft) remember(requestID string) {
	d.e.Requests = append(d.e.Requests, requestID)
	if over := len(d.e.Requests) - remembered; over > 0 {
		d.e.Requests = slices.Delete(d.e.Requests, 0, over)
	}
}

// queue puts a request behind whatever waits.
func (d *draft) queue(r request) {
	d.e.Pending = append(d.e.Pending, schemas.Pending{
		Request: r.ExpandRequest, Cause: cause(&r.ExpandRequest), Offset: r.offset, At: r.at,
	})
	d.runs = append(d.runs, schemas.Run{
		RunID: r.RequestID, ExpansionID: d.e.ExpansionID, Cause: cause(&r.ExpandRequest), RequestedBy: r.RequestedBy,
		DryRun: r.DryRun, Status: schemas.Queued,
	})
}

// edit puts an edit before all that waits, and before the run under way unless that is committed or a dry run: that one waits
// again. When the edit is committed, what was asked for before it ends (see supersede); when the edit fails, that goes on.
func (d *draft) edit(r request) {
	d.queue(r)
	waiting := d.e.Pending
	d.e.Pending = slices.Insert(waiting[:len(waiting)-1], 0, waiting[len(waiting)-1])
	if !interruptible(&d.e) || d.e.Run.Request.DryRun {
		return
	}
	run := d.e.Run
	d.e.Run = nil
	d.e.Pending = slices.Insert(d.e.Pending, 1, schemas.Pending{
		Request: run.Request, Cause: run.Cause, Offset: run.Offset, At: run.StartedAt,
	})
	d.runs = append(d.runs, schemas.Run{
		RunID: run.RunID, ExpansionID: d.e.ExpansionID, Epoch: run.Epoch, Cause: run.Cause, RequestedBy: run.Request.RequestedBy,
		Status: schemas.Queued, StartedAt: &run.StartedAt, Detail: fmt.Sprintf("waits for %s (edit), whose commit supersedes it", r.RequestID),
	})
}

// supersede ends what was asked for before an edit that is committed now, except for dry runs: somebody waits for what they say.
func (d *draft) supersede() {
	by := d.e.Run
	if by.Request.Action != schemas.Edit {
		return
	}
	kept := d.e.Pending[:0]
	for _, p := range d.e.Pending {
		if p.Offset < by.Offset && !p.Request.DryRun {
			d.ended(&p.Request, schemas.Skipped, superseded(by.RunID, schemas.Edit))
		} else {
			kept = append(kept, p)
		}
	}
	d.e.Pending = kept
}

func superseded(by string, action schemas.Action) string {
	return fmt.Sprintf("superseded by %s (%s)", by, action)
}

// lastEdit returns the offset of the newest edit that was not committed; -1: there is none.
func lastEdit(e *schemas.Expansion) int64 {
	last := int64(-1)
	if interruptible(e) && e.Run.Request.Action == schemas.Edit && !e.Run.Request.DryRun {
		last = e.Run.Offset
	}
	for _, p := range e.Pending {
		if isEdit(p) {
			last = max(last, p.Offset)
		}
	}
	return last
}

// remove queues a deletion, unless there is one already.
func (d *draft) remove(r request) {
	if leaving(&d.e) {
		d.join(r, d.deletion())
		return
	}
	detail := superseded(r.RequestID, r.Action)
	if interruptible(&d.e) {
		d.endRunning(schemas.Skipped, detail)
	}
	d.endPending(schemas.Skipped, detail)
	d.queue(r)
}

// refresh queues a refresh, unless one waits already that no edit will supersede, and that comes after what the expansion builds
// on: a later one joins it. What a run must see is looked up when its turn comes, so it sees what the later one must see.
func (d *draft) refresh(r request, tooEarly func(*schemas.Expansion) bool) {
	last := len(d.e.Pending) - 1
	for last >= 0 && d.e.Pending[last].Request.DryRun {
		last--
	}
	if last < 0 || !isRefresh(d.e.Pending[last]) || d.e.Pending[last].Offset < lastEdit(&d.e) || tooEarly(&d.e) {
		d.queue(r)
		return
	}
	first := &d.e.Pending[last]
	first.Request.Force = first.Request.Force || r.Force
	d.join(r, first.Request.RequestID)
}

// join ends the run of a request that another run fulfils.
func (d *draft) join(r request, runID string) {
	d.ended(&r.ExpandRequest, schemas.Skipped, "joined to "+runID).JoinedTo = runID
}

// deletion returns the run by which the expansion is being deleted.
func (d *draft) deletion() (runID string) {
	if i := slices.IndexFunc(d.e.Pending, isDelete); i >= 0 {
		return d.e.Pending[i].Request.RequestID
	}
	return d.e.Run.RunID
}

// cancel ends what waits, and the run under way before its commit. A cancel that finds neither was refused before.
func (d *draft) cancel(r request) {
	detail := "canceled by " + r.RequestID
	if interruptible(&d.e) {
		d.endRunning(schemas.Canceled, detail)
	}
	d.endPending(schemas.Canceled, detail)
	d.ended(&r.ExpandRequest, schemas.Successful, "").Progress = 1
}

// rename needs no model: it counts at once, also for what waits or is under way.
func (d *draft) rename(r request) {
	apply := func(to *schemas.ExpandRequest) {
		if to.DryRun {
			return // it names nothing
		}
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
		setName(&definition, &r.ExpandRequest)
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
	d.ended(&r.ExpandRequest, schemas.Successful, "").Progress = 1
}

// ended adds the last event of a request's run, and returns it to be filled in. It is valid until the next one is added.
func (d *draft) ended(r *schemas.ExpandRequest, status schemas.Status, detail string) *schemas.Run {
	end := d.now
	d.runs = append(d.runs, schemas.Run{
		RunID: r.RequestID, ExpansionID: d.e.ExpansionID, Cause: cause(r), RequestedBy: r.RequestedBy, DryRun: r.DryRun,
		Status: status, Detail: detail, EndedAt: &end,
	})
	return &d.runs[len(d.runs)-1]
}

// endRunning ends the run under way, and returns its last event as ended does.
func (d *draft) endRunning(status schemas.Status, detail string) *schemas.Run {
	r := d.e.Run
	event := d.ended(&r.Request, status, detail)
	event.Epoch, event.StartedAt = r.Epoch, &r.StartedAt
	d.e.Run = nil
	return event
}

// endPending ends whatever waits.
func (d *draft) endPending(status schemas.Status, detail string) {
	for i := range d.e.Pending {
		d.ended(&d.e.Pending[i].Request, status, detail)
	}
	d.e.Pending = nil
}
