package control

import (
	"cmp"
	"slices"

	"kindred/pipeline/selection"
	"kindred/schemas"
)

// defaultRefresh is how an expansion is refreshed when none of its requests had a policy.
var defaultRefresh = schemas.RefreshPolicy{OnDataEvent: true}

// define returns the definition that a run would commit: what its request says, over what was last committed (nil: nothing),
// over the defaults. sourceName returns what a segment is called. The caller finds out whether there is such a preset, and puts in
// what it says.
func define(
	committed *schemas.Definition, r *schemas.ExpandRequest, presets selection.Presets, sourceName func(id string) string,
) schemas.Definition {
	var d schemas.Definition
	if committed != nil {
		d = *committed
		d.Fields, d.Suppress, d.Tags = slices.Clone(d.Fields), slices.Clone(d.Suppress), slices.Clone(d.Tags)
	} else {
		d = schemas.Definition{
			Suppress: []string{}, ExcludeSource: true, Share: 0.2, Preset: selection.Default, Tags: []string{},
			Refresh: defaultRefresh,
		}
		d.Floor = usualFloor(presets, &d)
	}
	setCustomers(&d, r)
	setReach(&d, r, presets)
	setName(&d, r)
	d.Refresh = r.Refresh.Over(d.Refresh)
	if d.Name == "" {
		d.Name = sourceName(d.SourceSegmentID) + " Expansion"
	}
	return d
}

// defines reports whether a request has a definition that it is to commit.
func defines(r *schemas.ExpandRequest) bool {
	return (r.Action == schemas.Expand || r.Action == schemas.Edit) && !r.DryRun
}

// over returns an edit with what an earlier request says and the edit does not.
func over(earlier *schemas.ExpandRequest, r schemas.ExpandRequest) schemas.ExpandRequest {
	r.SourceSegmentID = cmp.Or(r.SourceSegmentID, earlier.SourceSegmentID)
	r.Name = cmp.Or(r.Name, earlier.Name)
	r.Fields = cmp.Or(r.Fields, earlier.Fields)
	r.Candidates = cmp.Or(r.Candidates, earlier.Candidates)
	r.Suppress = cmp.Or(r.Suppress, earlier.Suppress)
	r.ExcludeSource = cmp.Or(r.ExcludeSource, earlier.ExcludeSource)
	if r.Share == nil && r.Count == nil {
		r.Share, r.Count = earlier.Share, earlier.Count
	}
	r.Floor = cmp.Or(r.Floor, earlier.Floor)
	r.Preset = cmp.Or(r.Preset, earlier.Preset)
	r.Holdout = cmp.Or(r.Holdout, earlier.Holdout)
	r.Tags = cmp.Or(r.Tags, earlier.Tags)
	switch first := earlier.Refresh; {
	case r.Refresh == nil:
		r.Refresh = first
	case first != nil:
		r.Refresh = &schemas.RefreshChange{
			OnDataEvent:  cmp.Or(r.Refresh.OnDataEvent, first.OnDataEvent),
			SourceChange: cmp.Or(r.Refresh.SourceChange, first.SourceChange),
			Every:        cmp.Or(r.Refresh.Every, first.Every),
		}
	}
	return r
}

// setCustomers sets whom to learn from, by which fields, and who may become a member. An empty list of fields stands for the
// recommended ones, so that an edit can go back to them.
func setCustomers(d *schemas.Definition, r *schemas.ExpandRequest) {
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

// setReach sets how far down the expansion reaches, and which share of those it reaches is held out. With another preset the floor
// changes too, if it is known to be the usual one of the preset before.
func setReach(d *schemas.Definition, r *schemas.ExpandRequest, presets selection.Presets) {
	if r.Preset != nil && *r.Preset != d.Preset {
		before, known := presets.Named(d.Preset)
		d.Preset = *r.Preset
		if known && d.Floor == before.Floor {
			d.Floor = usualFloor(presets, d)
		}
	}
	if r.Floor != nil {
		d.Floor = *r.Floor
	}
	if r.Holdout != nil {
		d.Holdout = *r.Holdout
	}
	switch {
	case r.Share != nil:
		d.Share, d.Count = *r.Share, 0
	case r.Count != nil:
		d.Share, d.Count = 0, *r.Count
	}
}

// usualFloor returns the floor of a definition's preset; of one that is gone the definition's own.
func usualFloor(presets selection.Presets, d *schemas.Definition) float64 {
	if p, known := presets.Named(d.Preset); known {
		return p.Floor
	}
	return d.Floor
}

// setName sets the name and the tags, if the request has any.
func setName(d *schemas.Definition, r *schemas.ExpandRequest) {
	if r.Name != nil {
		d.Name = *r.Name
	}
	if r.Tags != nil {
		d.Tags = distinct(*r.Tags)
	}
}

// distinct returns the strings without repetitions, in the order of their first places. It is never nil.
func distinct(all []string) []string {
	kept := make([]string, 0, len(all))
	for _, s := range all {
		if !slices.Contains(kept, s) {
			kept = append(kept, s)
		}
	}
	return kept
}
