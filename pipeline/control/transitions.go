package control

import (
	"time"

	"kindred/pipeline/learn"
	"kindred/pipeline/model"
	"kindred/schemas"
)

// start gives an expansion's first waiting request its turn, under an epoch of its own. What cannot run any more fails. A dry run
// takes no epoch: it is never committed.
func (s *state) start(e *schemas.Expansion, now time.Time) step {
	d := redraft(e, now)
	p := d.e.Pending[0]
	d.e.Pending = d.e.Pending[1:]
	if why := s.refusedAtTurn(e, &p.Request); why != nil {
		d.ended(&p.Request, schemas.Failed, "").Error = why
		return d.step()
	}
	d.e.Run = &schemas.RunRef{
		RunID: p.Request.RequestID, Epoch: d.nextEpoch(&p.Request), Cause: p.Cause, StartedAt: now, Request: p.Request,
		Offset: p.Offset, Ends: &p.Ends,
	}
	d.runs = append(d.runs, processing(&d.e, schemas.Waiting, 0, ""))
	return d.step()
}

// restart gives a run that an earlier term did not commit the next epoch: no two attempts have the same.
func restart(e *schemas.Expansion, now time.Time) step {
	d := redraft(e, now)
	run := *e.Run
	run.Epoch = d.nextEpoch(&run.Request)
	d.e.Run = &run
	d.runs = append(d.runs, processing(&d.e, schemas.Waiting, 0, "taken over by another controller"))
	return d.step()
}

// nextEpoch takes the epoch of an attempt to run a request; a dry run takes none.
func (d *draft) nextEpoch(r *schemas.ExpandRequest) int64 {
	if r.DryRun {
		return 0
	}
	d.e.Epoch++
	return d.e.Epoch
}

// commit takes the run under way past the point of no return, with the model that was learned for a definition; or it fails
// the run, when no record can hold that model, or the expansion with its report. A dry run ends here instead, well or not. The
// name is as it is now: it may have changed while the run learned. Of a deletion nothing is learned.
func (s *state) commit(e *schemas.Expansion, learned *learn.Result, definition schemas.Definition, now time.Time) step {
	m := model.Model{}
	deletion := e.Run.Request.Action == schemas.Delete
	if !deletion {
		m = *learned.Model
		m.Definition = definition
		setName(&m.Definition, &e.Run.Request)
	}
	m.Deleted = deletion
	m.Epoch, m.RunID, m.StartedAt = max(e.Run.Epoch, 1), e.Run.RunID, e.Run.StartedAt // that of a dry run does not matter
	raw, err := m.Encode()
	switch {
	case err != nil:
		return fail(e, schemas.Internal(err), now)
	case len(raw) > largestModel:
		return fail(e, modelTooLarge(len(raw)), now)
	case deletion:
		return commitDeletion(e, raw, now)
	}
	done := s.commitModel(e, m.Definition, learned, raw, now)
	done.crossed = len(m.Crosses) > 0
	if size := recordSize(done.expansion); size > largestRecord {
		return fail(e, recordTooLarge(size), now)
	}
	if e.Run.Request.DryRun {
		return tried(e, learned.Report, now)
	}
	return done
}

// tried ends a dry run with its report. Nothing of the expansion changes.
func tried(e *schemas.Expansion, report *schemas.Report, now time.Time) step {
	d := redraft(e, now)
	last := d.endRunning(schemas.Successful, "")
	last.Progress, last.Report = 1, report
	return d.step()
}

// commitModel makes a model and its definition the ones that count. raw are the model's bytes.
func (s *state) commitModel(e *schemas.Expansion, definition schemas.Definition, learned *learn.Result, raw []byte, now time.Time) step {
	d := redraft(e, now)
	d.e.Definition, d.e.Name, d.e.State = &definition, definition.Name, s.stateOf(&definition)
	d.e.Source, d.e.Seen, d.e.ModelEpoch = learned.Source, learned.Seen, e.Run.Epoch
	if before := e.Definition; before == nil || before.Refresh.Every != definition.Refresh.Every {
		d.e.LastSlot = slotAt(now) // the schedule begins
	}
	d.supersede()
	return d.committed(learned.Report, raw)
}

// commitDeletion makes the deletion count. The record stays, for its epoch.
func commitDeletion(e *schemas.Expansion, raw []byte, now time.Time) step {
	d := redraft(e, now)
	d.e.Definition, d.e.Report, d.e.State = nil, nil, schemas.StateDeleted
	d.e.Source, d.e.Seen, d.e.ModelEpoch, d.e.LastSlot = nil, "", 0, ""
	return d.committed(schemas.NewReport(), raw)
}

// committed ends the drafting of a commit: from here on the shards publish by the model raw, and the run can only succeed.
func (d *draft) committed(report *schemas.Report, raw []byte) step {
	d.e.Uncommitted = false
	run := *d.e.Run
	run.Committed, run.Report = true, report
	d.e.Run = &run
	d.runs = append(d.runs, processing(&d.e, schemas.Publishing, publishingFrom, ""))
	done := d.step()
	done.model = raw
	return done
}

// succeed ends a committed run whose part every shard has published.
func succeed(e *schemas.Expansion, counted counted, now time.Time) step {
	d := redraft(e, now)
	report := *schemas.NewReport()
	if e.Run.Report != nil {
		report = *e.Run.Report
	}
	report.Counts.Members = counted.members
	report.Counts.Entered, report.Counts.Left, report.Counts.Changed = counted.entered, counted.left, counted.changed
	if d.e.State != schemas.StateDeleted {
		d.e.Report = &report
	}
	last := d.endRunning(schemas.Successful, "")
	last.Progress, last.Report = 1, &report
	return d.step()
}

// fail ends a run that cannot be. Nothing of it was committed: the expansion stays as it was.
func fail(e *schemas.Expansion, why *schemas.RunError, now time.Time) step {
	d := redraft(e, now)
	d.endRunning(schemas.Failed, "").Error = why
	return d.step()
}

// processing returns the event of a run that is under way.
func processing(e *schemas.Expansion, stage schemas.Stage, progress float64, detail string) schemas.Run {
	r := e.Run
	started := r.StartedAt
	return schemas.Run{
		RunID: r.RunID, ExpansionID: e.ExpansionID, Epoch: r.Epoch, Cause: r.Cause, RequestedBy: r.Request.RequestedBy, DryRun: r.Request.DryRun,
		Status: schemas.Processing, Stage: stage, Detail: detail, Progress: progress, StartedAt: &started,
	}
}
