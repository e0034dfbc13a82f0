package control

import "kindred/schemas"

// lastRun returns how the last run ended, after a run that comes behind what was the last one.
func lastRun(was *schemas.LastRun, r *schemas.Run) *schemas.LastRun {
	failed := r.Status == schemas.Failed
	switch {
	case !r.Status.Final(), r.Status == schemas.Skipped, r.DryRun:
		return was
	case !failed && (r.Cause == schemas.CauseCancel || r.Cause == schemas.CauseRename):
		return was
	}
	last := &schemas.LastRun{
		RunID: r.RunID, Cause: r.Cause, RequestedBy: r.RequestedBy, Status: r.Status, Error: bounded(*r).Error, EndedAt: *r.EndedAt,
	}
	if was != nil && r.Status != schemas.Successful {
		last.FailingSince = was.FailingSince
	}
	if failed && last.FailingSince == nil && refreshes(r.Cause) {
		last.FailingSince = r.EndedAt
	}
	return last
}

// refreshes reports whether a cause is that of a refresh.
func refreshes(cause schemas.Cause) bool {
	switch cause {
	case schemas.CauseRefresh, schemas.CauseDataEvent, schemas.CauseSourceChange, schemas.CauseSchedule:
		return true
	}
	return false
}
