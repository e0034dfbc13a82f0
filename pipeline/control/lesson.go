package control

import (
	"fmt"
	"maps"
	"slices"

	"kindred/pipeline/learn"
	"kindred/schemas"
)

// lesson returns what to learn for the run under way, from the segments and the declared fields as they are now: the router
// has done all that came before the request, and the controller has read what it wrote.
func (s *state) lesson(e *schemas.Expansion, ends schemas.Ends) (learn.Lesson, *schemas.RunError) {
	if e.Definition == nil && s.isSegment(e.ExpansionID) {
		return learn.Lesson{}, takenBySegment(e.ExpansionID)
	}
	r := &e.Run.Request
	l := learn.Lesson{
		ExpansionID: e.ExpansionID, Ends: ends, Declared: s.declared(), Before: e.Report,
		Guarded: r.Action == schemas.Refresh && !r.Force, // whoever defines an expansion anew means it
		DryRun:  r.DryRun,
	}
	l.Definition = define(e.Definition, r, s.presets, func(id string) string {
		if segment := s.segments[id]; segment != nil && segment.Name != "" {
			return segment.Name
		}
		if e := s.expansions[id]; e != nil && e.Name != "" {
			return e.Name
		}
		return id
	})
	if !s.presets.Settle(&l.Definition) {
		return learn.Lesson{}, schemas.Refuse(schemas.CodeUnknownPreset,
			fmt.Sprintf("give serve the file that has it (--presets), or take another: kindred edit %s --preset NAME; there are %s",
				e.ExpansionID, allOf(s.presets.Names())),
			"the preset %s of the definition is not there any more", l.Definition.Preset)
	}
	for _, id := range l.Definition.Segments() {
		if s.isExpansion(id) {
			l.Derived = append(l.Derived, id)
		}
		if segment := s.segments[id]; segment != nil && segment.Open != nil {
			if l.Coming == nil {
				l.Coming = map[string]string{}
			}
			l.Coming[id] = parts(segment.Open)
		}
	}
	if e.Definition != nil && e.ModelEpoch > 0 && e.Report != nil {
		l.Last = &learn.Last{Epoch: e.ModelEpoch, Report: e.Report, Seen: e.Seen, Suffices: suffices(e, &l.Definition)}
	}
	return l, s.refusedBySegments(&l.Definition)
}

// parts says how much of a snapshot has come.
func parts(o *schemas.OpenSnapshot) string {
	return fmt.Sprintf("%d of %d parts of snapshot %s have come", len(o.Have), o.Parts, o.Snapshot)
}

// suffices reports whether the last model of an expansion will do for what an edit makes of its definition: only how far down
// it reaches is another, or whom it holds out, or what is no matter of the model. A refresh learns anew.
func suffices(e *schemas.Expansion, d *schemas.Definition) bool {
	last := e.Definition
	return e.Run.Request.Action == schemas.Edit &&
		d.SourceSegmentID == last.SourceSegmentID && d.ExcludeSource == last.ExcludeSource && d.Candidates == last.Candidates &&
		(d.Fields == nil) == (last.Fields == nil) && slices.Equal(d.Fields, last.Fields) && slices.Equal(d.Suppress, last.Suppress)
}

// declared lists the declared fields by name.
func (s *state) declared() []schemas.Field {
	fields := make([]schemas.Field, 0, len(s.fields))
	for _, name := range slices.Sorted(maps.Keys(s.fields)) {
		fields = append(fields, s.fields[name])
	}
	return fields
}
