package control

import (
	"slices"

	"kindred/pipeline/selection"
	"kindred/schemas"
)

// define makes the definition that a run would commit: what its request says, over what was last committed, over the
// defaults. sourceName is what the source segment is called.
func define(committed *schemas.Definition, r *schemas.ExpandRequest, sourceName func(id string) string) schemas.Definition {
	var d schemas.Definition
	if committed != nil {
		d = *committed
		d.Fields, d.Suppress, d.Tags = slices.Clone(d.Fields), slices.Clone(d.Suppress), slices.Clone(d.Tags)
	} else {
		preset, _ := selection.Named(selection.Default)
		d = schemas.Definition{
			Suppress: []string{}, ExcludeSource: true, Share: 0.2, Floor: preset.Floor, Preset: preset.Name,
			Tags: []string{}, Refresh: schemas.RefreshPolicy{OnDataEvent: true},
		}
	}
	whom(&d, r)
	howFar(&d, r)
	named(&d, r)
	if r.Refresh != nil {
		d.Refresh = *r.Refresh
	}
	if d.Name == "" {
		d.Name = sourceName(d.SourceSegmentID) + " Expansion"
	}
	return d
}

// whom says whom to learn from, by which fields, and who may become a member. No fields at all stands for the
// recommended ones, so that an edit can go back to them.
func whom(d *schemas.Definition, r *schemas.ExpandRequest) {
	if r.SourceSegmentID != nil {
		d.SourceSegmentID = *r.SourceSegmentID
	}
	if r.Fields != nil {
		d.Fields = nil
		if len(*r.Fields) > 0 {
			d.Fields = distinct(*r.Fields)
		}
	}
	if r.Candidates != nil {
		d.Candidates = *r.Candidates
	}
	if r.Suppress != nil {
		d.Suppress = distinct(*r.Suppress)
	}
	if r.ExcludeSource != nil {
		d.ExcludeSource = *r.ExcludeSource
	}
}

// howFar says how far down it reaches. A floor that is its preset's goes along to another preset.
func howFar(d *schemas.Definition, r *schemas.ExpandRequest) {
	if r.Preset != nil {
		was, _ := selection.Named(d.Preset)
		preset, _ := selection.Named(*r.Preset)
		if d.Floor == was.Floor {
			d.Floor = preset.Floor
		}
		d.Preset = preset.Name
	}
	if r.Floor != nil {
		d.Floor = *r.Floor
	}
	switch {
	case r.Share != nil:
		d.Share, d.Count = *r.Share, 0
	case r.Count != nil:
		d.Share, d.Count = 0, *r.Count
	}
}

// named gives a definition the name and tags of a request, if it has any.
func named(d *schemas.Definition, r *schemas.ExpandRequest) {
	if r.Name != nil {
		d.Name = *r.Name
	}
	if r.Tags != nil {
		d.Tags = distinct(*r.Tags)
	}
}

// distinct keeps the first of each; never nil.
func distinct(all []string) []string {
	kept := make([]string, 0, len(all))
	for _, s := range all {
		if !slices.Contains(kept, s) {
			kept = append(kept, s)
		}
	}
	return kept
}

// refusedBySegments says why a definition cannot be learned from the segments as they are.
func refusedBySegments(d *schemas.Definition, segments map[string]*schemas.Segment) *schemas.RunError {
	for _, id := range d.Segments() {
		switch s := segments[id]; {
		case s == nil:
			return schemas.Refuse(schemas.CodeUnknownSegment, "load it first (kindred load segment), or check its id",
				"there is no segment %s", id)
		case s.Gone:
			return schemas.Refuse(schemas.CodeSegmentGone, "publish the segment again, or edit the expansion to use another",
				"segment %s is gone", id)
		}
	}
	return nil
}
