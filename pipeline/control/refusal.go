package control

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"kindred/schemas"
)

// refusal returns why a request cannot be carried out at all, or not now; nil when it may wait for its turn.
func (s *state) refusal(known *schemas.Expansion, r *schemas.ExpandRequest) *schemas.RunError {
	if why := s.unreadableExpansions[r.ExpansionID]; why != nil {
		return why
	}
	if err := s.refusedByState(known, r); err != nil {
		return err
	}
	if err := RefusedByValue(r); err != nil {
		return err
	}
	if r.Preset != nil {
		if _, known := s.presets.Named(*r.Preset); !known {
			return schemas.Refuse(schemas.CodeUnknownPreset, "there are "+allOf(s.presets.Names()), "there is no preset of that name")
		}
	}
	return s.refusedByChain(r)
}

// refusedByState returns what the present state of the expansion has against the request, or nil.
func (s *state) refusedByState(known *schemas.Expansion, r *schemas.ExpandRequest) *schemas.RunError {
	id := r.ExpansionID
	if r.Action == schemas.Expand {
		return s.refusedExpand(known, r)
	}
	switch {
	case known == nil || known.OnlyTried() && r.Action != schemas.Cancel:
		return schemas.Refuse(schemas.CodeUnknownExpansion, "kindred list shows what there is", "there is no expansion %s", id)
	case r.Action == schemas.Cancel:
		return refusedCancel(known)
	case known.State == schemas.StateDeleted && known.Asked() == nil:
		return schemas.Refuse(schemas.CodeUnknownExpansion, "expand its source anew (kindred expand)", "expansion %s was deleted", id)
	case r.Action == schemas.Delete:
		if known.State == schemas.StateDeleted {
			return schemas.Refuse(schemas.CodeUnknownExpansion, "wait until its members have left", "expansion %s is deleted already", id)
		}
		return s.refusedInUse(id)
	case leaving(known):
		return schemas.Refuse(schemas.CodeUnknownExpansion, "cancel the deletion if it still waits (kindred cancel), or expand anew after it",
			"expansion %s is being deleted", id)
	case r.Action == schemas.Edit && known.Definition == nil && r.SourceSegmentID == nil:
		return schemas.Refuse(schemas.CodeUnknownExpansion, "wait for its first run, or name the source in the edit (--source)",
			"expansion %s has no committed definition yet that could be edited", id)
	case r.Action != schemas.Edit && known.Definition == nil && known.Asked() == nil:
		return schemas.Refuse(schemas.CodeUnknownExpansion, "expand a source under this id (kindred expand)",
			"expansion %s has never been committed", id)
	}
	return nil
}

// refusedExpand returns why no expansion can begin under the request's id, or nil.
func (s *state) refusedExpand(known *schemas.Expansion, r *schemas.ExpandRequest) *schemas.RunError {
	if known != nil && leaving(known) {
		return schemas.Refuse(schemas.CodeExists, "wait until its members have left (kindred runs shows it), or choose another id (--id)",
			"expansion %s is being deleted", r.ExpansionID)
	}
	if known != nil && (known.Definition != nil || known.Asked() != nil) {
		return schemas.Refuse(schemas.CodeExists, "edit or refresh it, or choose another id (--id)", "expansion %s exists", r.ExpansionID)
	}
	if (known == nil || known.OnlyTried()) && s.isSegment(r.ExpansionID) {
		return takenBySegment(r.ExpansionID)
	}
	return nil
}

// takenBySegment refuses an id that is a segment's.
func takenBySegment(id string) *schemas.RunError {
	return schemas.Refuse(schemas.CodeExists, "choose another id (--id)", "the id %s is that of a segment: segments and expansions share one namespace", id)
}

// refusedCancel returns why there is nothing that could be canceled, or nil.
func refusedCancel(known *schemas.Expansion) *schemas.RunError {
	switch {
	case interruptible(known) || len(known.Pending) > 0:
		return nil
	case leaving(known):
		return schemas.Refuse(schemas.CodeTooLate, "expand its source anew once its members have left (kindred expand)",
			"the deletion of %s is committed and will be finished", known.ExpansionID)
	case known.Run != nil:
		return schemas.Refuse(schemas.CodeTooLate, "wait until it is published, then edit or delete",
			"run %s of %s is committed and will be finished", known.Run.RunID, known.ExpansionID)
	}
	return schemas.Refuse(schemas.CodeNotRunning, "", "no run of %s waits or runs", known.ExpansionID)
}

// RefusedByValue returns what is wrong with a request by itself, whatever expansions and presets there are, or nil.
func RefusedByValue(r *schemas.ExpandRequest) *schemas.RunError {
	bad := func(hint, format string, args ...any) *schemas.RunError {
		return schemas.Refuse(schemas.CodeBadValue, hint, format, args...)
	}
	switch {
	case r.DryRun && r.Action != schemas.Expand && r.Action != schemas.Edit && r.Action != schemas.Refresh:
		return bad("leave dryRun out", "only an expand, an edit or a refresh can be a dry run")
	case r.Action == schemas.Rename && r.Name == nil && r.Tags == nil:
		return bad("give a name or tags", "there is nothing to rename to")
	case r.Name != nil && !isName(*r.Name):
		return bad(fmt.Sprintf("take 1 to %d characters", schemas.LongestName), "the name is empty, too long, or holds control characters")
	case r.Share != nil && r.Count != nil:
		return bad("give one of them", "share and count exclude each other")
	case r.Share != nil && !(*r.Share > 0 && *r.Share <= 1):
		return bad("0.2 takes the best fifth of those found similar", "share %v is not above 0 and at most 1", *r.Share)
	case r.Count != nil && *r.Count < 1:
		return bad("count is a number of customers", "count %d is below 1", *r.Count)
	case r.Floor != nil && !(*r.Floor >= 0 && *r.Floor <= 1):
		return bad("0.55 means 1.22 times as frequent in the source as elsewhere", "floor %v is not between 0 and 1", *r.Floor)
	case r.Holdout != nil && !(*r.Holdout >= 0 && *r.Holdout <= schemas.MostHeldOut):
		return bad("0.05 keeps out a twentieth of those chosen", "holdout %v is not between 0 and %v", *r.Holdout, schemas.MostHeldOut)
	}
	if why := refusedByBounds(r); why != nil {
		return why
	}
	if r.Refresh != nil {
		return refusedPolicy(r.Refresh)
	}
	return nil
}

// allOf lists names for people.
func allOf(names []string) string {
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

// refusedPolicy returns why a refresh policy cannot be followed, or nil.
func refusedPolicy(p *schemas.RefreshChange) *schemas.RunError {
	if change := p.SourceChange; change != nil && *change < 0 {
		return schemas.Refuse(schemas.CodeBadValue, "0.1 means a tenth of the source", "refresh.sourceChange %v is below 0", *change)
	}
	if p.Every == nil || *p.Every == "" {
		return nil
	}
	every, err := time.ParseDuration(*p.Every)
	if err == nil && (every < leastEvery || len(*p.Every) > longestEvery) {
		err = errors.New("too often, or too long a way to say it")
	}
	if err != nil {
		return schemas.Refuse(schemas.CodeBadValue, `write a duration of at least a minute, such as "24h"`, "refresh.every cannot be used")
	}
	return nil
}

// isName reports whether a name can be shown on one line and is not too long for it.
func isName(name string) bool {
	visible := false
	for _, r := range name {
		if unicode.IsControl(r) {
			return false
		}
		visible = visible || !unicode.IsSpace(r)
	}
	return visible && utf8.RuneCountInString(name) <= schemas.LongestName
}

// refusedAtTurn returns what has come to stand against a request while it waited, or nil: the run before it may have failed, the
// deletion of a user been canceled.
func (s *state) refusedAtTurn(e *schemas.Expansion, r *schemas.ExpandRequest) *schemas.RunError {
	if r.Action == schemas.Delete {
		return s.refusedInUse(e.ExpansionID)
	}
	if e.Definition == nil && r.SourceSegmentID == nil {
		return schemas.Refuse(schemas.CodeUnknownExpansion, "expand it anew (kindred expand)",
			"expansion %s has never been committed", e.ExpansionID)
	}
	return nil
}

// refusedBySegments returns why a definition cannot be learned from the segments as they are, or nil.
func (s *state) refusedBySegments(d *schemas.Definition) *schemas.RunError {
	for _, id := range d.Segments() {
		switch segment := s.segments[id]; {
		case s.unreadableSegments[id] != nil:
			return s.unreadableSegments[id]
		case s.isExpansion(id):
			if why := s.refusedToBuildOn(id, false); why != nil {
				return why
			}
		case segment == nil:
			return schemas.Refuse(schemas.CodeUnknownSegment, "load it first (kindred load segment), or check its id",
				"there is no segment or expansion %s", id)
		case segment.Gone:
			return schemas.Refuse(schemas.CodeSegmentGone, "publish the segment again, or edit the expansion to use another",
				"segment %s is gone", id)
		}
	}
	return nil
}
