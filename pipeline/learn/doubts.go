package learn

import (
	"context"
	"fmt"

	"kindred/schemas"
)

const (
	nearlyAll  = 80  // percentage of the customers from which a source is nearly everybody
	manyTied   = 50  // percentage of the members from which ties at the cut are many
	manyLeave  = 25  // percentage of the members from which leavers are many
	manyMore   = 150 // percentage of the members from which those after a run are many
	unusual    = 1.5 // how many times more or fewer are similar than before
	unlikeRoom = 20  // percentage of the candidates by which a curve of reach may differ from the one before
)

// doubts warns of what keeps the scores from being worth what they look like.
func (r *run) doubts(found *schemas.Report) (warnings []schemas.Warning) {
	warn := func(code, hint, message string, args ...any) {
		warnings = append(warnings, schemas.Warning{Code: code, Message: fmt.Sprintf(message, args...), Hint: hint})
	}
	if q := &found.Quality; q.Chance() {
		warn("chance", "take a larger source, or fields that tell these customers from others (kindred fields "+r.Definition.SourceSegmentID+")",
			"what was learned cannot be told from chance: among the candidates the AUC of %d source members lies between %.2f and %.2f",
			q.Holdout, q.AUCLow, q.AUCHigh)
	}
	if q := &found.Quality; q.Elsewhere > 0 {
		warn("source_elsewhere", "read the quality with care, or take candidates that are like the source (--within)",
			"the quality is measured on %d source members who are not where the candidates are, since only %d are: it may be too good",
			q.Elsewhere, q.Holdout-q.Elsewhere)
	}
	if c := &found.Counts; c.SourceWithProfile*100 >= c.Customers*nearlyAll {
		warn("large_source", "take a smaller source, of customers who stand out",
			"the source is nearly everybody, %d of %d customers: there is little to tell its members from", c.SourceWithProfile, c.Customers)
	}
	if members := found.Counts.Members; members > 0 && found.Ties*100 >= members*manyTied {
		warn("many_ties", "learn from more fields (--field), or end between two scores (another --share or --count)",
			"%d candidates score what the last of %d members scores, and are left out by lot", found.Ties, members)
	}
	return append(warnings, r.unusual(found)...)
}

// guard refuses a refresh that has learned nothing, where the run before had: members whom chance picks would replace others.
func (r *run) guard(context.Context) error {
	if why := r.nothingLearned(); why != nil && !r.DryRun {
		return why
	}
	return nil
}

func (r *run) nothingLearned() *schemas.RunError {
	now, before := &r.fitted.Quality, r.Before
	if !r.Guarded || !now.Chance() || before == nil || before.Counts.Members == 0 || before.Quality.Chance() {
		return nil
	}
	return schemas.Refuse(schemas.CodeNothingLearned,
		fmt.Sprintf("look whether profiles or members of the source are missing (kindred fields %s); if that is right, "+
			"kindred refresh %s --force", r.Definition.SourceSegmentID, r.ExpansionID),
		"what was learned cannot be told from chance (AUC %.2f to %.2f, after %.2f in the run before): it would replace %d members",
		now.AUCLow, now.AUCHigh, before.Quality.AUC, before.Counts.Members)
}

// guardWarnings warns of a dry run whose real run guard would refuse.
func (r *run) guardWarnings() []schemas.Warning {
	why := r.nothingLearned()
	if why == nil {
		return nil
	}
	return []schemas.Warning{{Code: why.Code, Message: why.Message + ", so a refresh that is not forced fails", Hint: why.Hint}}
}

// unusual warns of a refresh that moves many members, that finds more or fewer similar than the run before, or scores otherwise,
// or whose quality has fallen by more than chance explains.
func (r *run) unusual(found *schemas.Report) (warnings []schemas.Warning) {
	if !r.Guarded {
		return nil
	}
	warn := func(code, message string, args ...any) {
		warnings = append(warnings, schemas.Warning{
			Code: code, Message: fmt.Sprintf(message, args...),
			Hint: fmt.Sprintf("look whether profiles or segments have changed as they should (kindred runs %s, kindred fields)", r.ExpansionID),
		})
	}
	left, members, after := r.moved.Left, r.moved.members, found.Counts.Members
	if left*100 > members*manyLeave && !r.moved.shrinks() {
		warn("unusual_leave", "%d of %d members leave, more than a quarter", left, members)
	}
	if members > 0 && after*100 > members*manyMore {
		warn("unusual_growth", "%d are members now, after %d before this run: it grew by more than half", after, members)
	}
	if r.Before == nil {
		return warnings
	}
	if now, before := &found.Quality, &r.Before.Quality; now.AUCHigh > 0 && now.AUCHigh < before.AUCLow {
		warn("unusual_quality", "the quality has fallen by more than chance explains: AUC %.2f (%.2f to %.2f), after %.2f (%.2f to %.2f)",
			now.AUC, now.AUCLow, now.AUCHigh, before.AUC, before.AUCLow, before.AUCHigh)
	}
	unlike(r.Before, found, warn)
	return warnings
}

// unlike warns of a run that finds more or fewer similar than the one before, or scores otherwise.
func unlike(before, found *schemas.Report, warn func(code, message string, args ...any)) {
	if before.Counts.Similar == 0 || before.Counts.Candidates == 0 || found.Counts.Candidates == 0 {
		return
	}
	was, is := before.Counts.Similar, found.Counts.Similar
	if ratio := float64(is) / float64(was); ratio > unusual || ratio < 1/unusual {
		warn("unusual_size", "%d candidates are similar, after %d in the run before", is, was)
		return
	}
	if len(before.Reach) != len(found.Reach) {
		return
	}
	for i := range found.Reach {
		was := 100 * float64(before.Reach[i]) / float64(before.Counts.Candidates)
		is := 100 * float64(found.Reach[i]) / float64(found.Counts.Candidates)
		if is-was > unlikeRoom || was-is > unlikeRoom {
			warn("unusual_scores", "%.0f %% of the candidates score at least %.2f, after %.0f %% in the run before", is, float64(i)/100, was)
			return
		}
	}
}
