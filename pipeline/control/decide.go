package control

import (
	"fmt"
	"slices"
	"time"

	"kindred/schemas"
)

// decide returns what becomes of a request: it waits for its turn, joins another, is answered at once, or is refused.
// What depends on segments and fields is looked at later, when its turn has come: by then the router has done all that
// came before the request. A request that was seen before changes nothing.
func (s *state) decide(r request, now time.Time) step {
	if r.RequestID == "" {
		// The time is in it because a topic that was created anew counts its offsets from 0 again.
		r.RequestID = fmt.Sprintf("%s-%d-%d", schemas.ExpandRequests, r.offset, r.at.UnixMilli())
	}
	known := s.expansions[r.ExpansionID]
	if known != nil && slices.Contains(known.Requests, r.RequestID) || s.refused.has(r.ExpansionID, r.RequestID) {
		return step{}
	}
	r.ExpandRequest = complete(known, relevant(r.ExpandRequest))
	if why := refusedBySize(&r); why != nil {
		return refuse(known, r, why, now)
	}
	if r.Unknown != nil {
		return refuse(known, r, r.Unknown, now)
	}
	if why := s.refusal(known, &r.ExpandRequest); why != nil {
		return refuse(known, r, why, now)
	}
	decided := s.accept(known, r, now)
	if size := recordSize(decided.expansion); size > largestRecord {
		return refuse(known, r, recordTooLarge(size), now)
	}
	if (r.Action == schemas.Edit || r.DryRun) && tooMuchWaits(decided.expansion) {
		return refuse(known, r, schemas.Refuse(schemas.CodeBadValue, "wait until they have ended, or cancel them (kindred cancel)",
			"too many requests of %s wait already", r.ExpansionID), now)
	}
	return decided
}

// accept returns what becomes of a request that nothing stands against.
func (s *state) accept(known *schemas.Expansion, r request, now time.Time) step {
	d := draftFor(known, r, now)
	switch {
	case r.DryRun, r.Action == schemas.Expand:
		d.queue(r)
	case r.Action == schemas.Edit:
		d.edit(r)
	case r.Action == schemas.Delete:
		d.remove(r)
	case r.Action == schemas.Refresh:
		d.refresh(r, s.tooEarly)
	case r.Action == schemas.Cancel:
		d.cancel(r)
	case r.Action == schemas.Rename:
		d.rename(r)
	}
	for i := range d.runs {
		if queued := &d.runs[i]; queued.RunID == r.RequestID && queued.Status == schemas.Queued {
			queued.Detail = s.goesBefore(&d.e, schemas.Pending{Request: r.ExpandRequest, Offset: r.offset})
		}
	}
	return d.step()
}

// relevant returns the request without what means nothing for its action: a refresh defines nothing.
func relevant(r schemas.ExpandRequest) schemas.ExpandRequest {
	slim := schemas.ExpandRequest{
		RequestID: r.RequestID, RequestedBy: r.RequestedBy, Action: r.Action, ExpansionID: r.ExpansionID,
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

// complete returns a request with what it leaves to those before it. An edit of what was never committed is over the newest
// request that would define it, if one waits or runs; of what was committed, over that, when its turn has come.
func complete(known *schemas.Expansion, r schemas.ExpandRequest) schemas.ExpandRequest {
	if r.Action != schemas.Edit || known == nil || known.Definition != nil {
		return r
	}
	if interruptible(known) && defines(&known.Run.Request) {
		return over(&known.Run.Request, r)
	}
	for i := range known.Pending { // the newest comes first
		if defines(&known.Pending[i].Request) {
			return over(&known.Pending[i].Request, r)
		}
	}
	return r
}

// refuse ends a request's run at once. The record of an expansion remembers the request, or else the list of those refused.
func refuse(known *schemas.Expansion, r request, why *schemas.RunError, now time.Time) step {
	if known == nil {
		d := &draft{e: schemas.Expansion{ExpansionID: r.ExpansionID}, now: now}
		d.ended(&r.ExpandRequest, schemas.Failed, "").Error = why
		return step{runs: d.runs, refused: []refusal{refusalOf(r.ExpansionID, r.RequestID)}}
	}
	d := redraft(known, now)
	d.remember(r.RequestID)
	d.ended(&r.ExpandRequest, schemas.Failed, "").Error = why
	return d.step()
}

// cause returns why a request's run is started. A trigger has named its own cause; else it is what was asked for.
func cause(r *schemas.ExpandRequest) schemas.Cause {
	if r.Cause != "" {
		return r.Cause
	}
	return schemas.Cause(r.Action)
}
