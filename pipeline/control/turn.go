package control

import (
	"strconv"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"

	"kindred/schemas"
)

// start gives an expansion's first waiting request its turn, under an epoch of its own.
func start(e *schemas.Expansion, now time.Time) step {
	d := redraft(e, now)
	p := d.e.Pending[0]
	d.e.Pending = d.e.Pending[1:]
	if why := refusedAtTurn(e, &p.Request); why != nil {
		d.ended(p.Request.RequestID, p.Cause, schemas.Failed, "").Error = why
		return d.step()
	}
	d.e.Epoch++
	d.e.Run = &schemas.RunRef{
		RunID: p.Request.RequestID, Epoch: d.e.Epoch, Cause: p.Cause, StartedAt: now, Request: p.Request, Ends: &p.Ends,
	}
	d.runs = append(d.runs, processing(&d.e, schemas.Waiting, 0, ""))
	return d.step()
}

// refusedAtTurn looks again at what may have changed while a request waited: the run before it may have failed.
func refusedAtTurn(e *schemas.Expansion, r *schemas.ExpandRequest) *schemas.RunError {
	if e.Definition == nil && r.SourceSegmentID == nil && r.Action != schemas.Delete {
		return schemas.Refuse(schemas.CodeUnknownExpansion, "expand it anew (kindred expand)",
			"expansion %s has never been committed", e.ExpansionID)
	}
	return nil
}

// restart gives a run that an earlier life did not commit the next epoch: an epoch never begins twice.
func restart(e *schemas.Expansion, now time.Time) step {
	d := redraft(e, now)
	d.e.Epoch++
	run := *e.Run
	run.Epoch = d.e.Epoch
	d.e.Run = &run
	d.runs = append(d.runs, processing(&d.e, schemas.Waiting, 0, "taken over by another controller"))
	return d.step()
}

// commit makes a learned model the one that counts. It is the point of no return. raw are the model's bytes.
func commit(e *schemas.Expansion, definition schemas.Definition, report *schemas.Report, raw []byte, now time.Time) step {
	d := redraft(e, now)
	run := *e.Run
	run.Committed, run.Report = true, report
	d.e.Run = &run
	d.e.Definition, d.e.Name, d.e.State = &definition, definition.Name, schemas.StateLive
	d.runs = append(d.runs, processing(&d.e, schemas.Publishing, publishingFrom, ""))
	done := d.step()
	done.model = raw
	return done
}

// commitDeletion makes the deletion count. The record stays, for its epoch.
func commitDeletion(e *schemas.Expansion, raw []byte, now time.Time) step {
	d := redraft(e, now)
	run := *e.Run
	run.Committed, run.Report = true, schemas.NewReport()
	d.e.Run = &run
	d.e.Definition, d.e.Report, d.e.State = nil, nil, schemas.StateDeleted
	d.runs = append(d.runs, processing(&d.e, schemas.Publishing, publishingFrom, ""))
	done := d.step()
	done.model = raw
	return done
}

// succeed ends a committed run whose every shard has published its part. counts are what the shards counted.
func succeed(e *schemas.Expansion, counted counted, now time.Time) step {
	d := redraft(e, now)
	report := *e.Run.Report
	report.Counts.Members = counted.members
	report.Counts.Entered, report.Counts.Left, report.Counts.Changed = counted.entered, counted.left, counted.changed
	if d.e.State != schemas.StateDeleted {
		d.e.Report = &report
	}
	d.endRunning(schemas.Successful, "")
	last := &d.runs[len(d.runs)-1]
	last.Progress, last.Report = 1, &report
	return d.step()
}

// fail ends a run that cannot be. Nothing of it was committed: the expansion stays as it was.
func fail(e *schemas.Expansion, why *schemas.RunError, now time.Time) step {
	d := redraft(e, now)
	d.endRunning(schemas.Failed, "")
	d.runs[len(d.runs)-1].Error = why
	return d.step()
}

// processing is the event of a run that is under way.
func processing(e *schemas.Expansion, stage schemas.Stage, progress float64, detail string) schemas.Run {
	r := e.Run
	started := r.StartedAt
	return schemas.Run{
		RunID: r.RunID, ExpansionID: e.ExpansionID, Epoch: r.Epoch, Cause: r.Cause, Status: schemas.Processing,
		Stage: stage, Detail: detail, Progress: progress, StartedAt: &started,
	}
}

// segmentStates brings the states of the expansions in line with their segments: one that uses a segment which is gone
// stays as it is, but says so.
func (s *state) segmentStates() []step {
	var steps []step
	for _, e := range s.inOrder() {
		if e.Definition == nil {
			continue
		}
		should := schemas.StateLive
		for _, id := range e.Definition.Segments() {
			if segment := s.segments[id]; segment != nil && segment.Gone {
				should = schemas.StateSegmentGone
			}
		}
		if e.State != should {
			changed := *e
			changed.State = should
			steps = append(steps, step{expansion: &changed})
		}
	}
	return steps
}

// onDataEvent asks for a refresh of every expansion that wants one when upstream has completed a load. An expansion
// whose first run is under way is among them: that run may have begun before the load was complete.
func (s *state) onDataEvent(event schemas.DataEvent) step {
	var asked step
	for _, e := range s.inOrder() {
		if e.State == schemas.StateSegmentGone || leaving(e) || !policy(e).OnDataEvent {
			continue
		}
		asked.requests = append(asked.requests, schemas.ExpandRequest{
			RequestID:   triggered(e.ExpansionID, event.Source, event.BatchID),
			Action:      schemas.Refresh,
			ExpansionID: e.ExpansionID,
			Cause:       schemas.CauseDataEvent,
		})
	}
	return asked
}

// triggered names the request of a trigger, so that the same cause asks only once. What cannot be part of an id is
// hashed.
func triggered(expansionID string, by ...string) string {
	what := strings.Join(by, "/")
	if id := expansionID + "/" + what; schemas.ValidCustomerID([]byte(id)) == nil {
		return id // a requestId may be what a customer's may
	}
	return expansionID + "/" + strconv.FormatUint(xxhash.Sum64String(what), 16)
}

// policy is how an expansion is refreshed: as committed, else as its first run would have it.
func policy(e *schemas.Expansion) schemas.RefreshPolicy {
	var first *schemas.ExpandRequest
	switch {
	case e.Definition != nil:
		return e.Definition.Refresh
	case e.Run != nil:
		first = &e.Run.Request
	case len(e.Pending) > 0:
		first = &e.Pending[0].Request
	default:
		return schemas.RefreshPolicy{} // deleted, or its first run has failed
	}
	if first.Refresh != nil {
		return *first.Refresh
	}
	return schemas.RefreshPolicy{OnDataEvent: true}
}
