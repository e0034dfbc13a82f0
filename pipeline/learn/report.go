package learn

import (
	"fmt"
	"maps"
	"slices"

	"kindred/pipeline/field"
	"kindred/pipeline/model"
	"kindred/pipeline/selection"
	"kindred/pipeline/train"
	"kindred/schemas"
)

// report tells what a run has found. What the shards count comes later.
func (t *Trainer) report(f *findings) *schemas.Report {
	r := schemas.NewReport()
	r.Counts = schemas.Counts{
		Customers: f.counts.All, SourceWithProfile: f.counts.Source,
		Candidates: f.chosen.Candidates, Similar: f.chosen.Similar, Members: f.chosen.Members,
	}
	r.Cut = float64(min(f.chosen.Score, model.Best)) / model.Best
	r.Ties = f.chosen.Ties
	r.Distribution = f.chosen.Distribution(f.histogram, f.preset.Bounds)
	r.Reach = selection.Reach(f.histogram)
	r.Quality = f.fitted.Quality
	r.Fields = influences(f.choice, f.fitted)
	for _, p := range f.parts {
		r.Counts.Source += p.sourceSize
		at := p.view.Meta.Offsets
		r.LearnedFrom = append(r.LearnedFrom, schemas.Offsets{
			Shard: p.shard, Profiles: at.Profiles, SegmentMembers: at.SegmentMembers, Memberships: at.Memberships,
		})
	}
	r.Warnings = append(r.Warnings, f.choice.Warnings...)
	r.Warnings = append(r.Warnings, t.sizeWarnings(f.Lesson, &r.Counts)...)
	r.Warnings = append(r.Warnings, unkeptWarnings(f.parts)...)
	r.Warnings = append(r.Warnings, policyWarnings(&f.Definition.Refresh)...)
	return r
}

// influences adds to the reports of the fields how much those that were used count.
func influences(choice *field.Choice, fitted *train.Result) []schemas.FieldReport {
	reports := slices.Clone(choice.Reports)
	for i := range choice.Columns {
		for r := range reports {
			if reports[r].Name == choice.Columns[i].Name {
				reports[r].Influence = fitted.Influence[i]
			}
		}
	}
	return reports
}

func (t *Trainer) sizeWarnings(l *Lesson, c *schemas.Counts) (warnings []schemas.Warning) {
	if few := int64(orDefault(t.WarnSource, 100)); c.SourceWithProfile < few {
		warnings = append(warnings, schemas.Warning{
			Code:    "small_source",
			Message: fmt.Sprintf("it learned from %d source members only; below %d the scores are rough", c.SourceWithProfile, few),
			Hint:    "take a larger source, or read the quality with care",
		})
	}
	if c.Similar == 0 {
		warnings = append(warnings, schemas.Warning{
			Code:    "nobody_similar",
			Message: fmt.Sprintf("none of %d candidates reaches the floor of %v", c.Candidates, l.Definition.Floor),
			Hint:    "lower the floor (--floor), or look which fields were used",
		})
	}
	if l.Definition.Count > c.Similar && c.Similar > 0 {
		warnings = append(warnings, schemas.Warning{
			Code:    "fewer_than_asked",
			Message: fmt.Sprintf("%d members were asked for, but only %d candidates are similar", l.Definition.Count, c.Similar),
			Hint:    "lower the floor (--floor)",
		})
	}
	return warnings
}

// unkeptWarnings names the fields that customers have and no cache keeps.
func unkeptWarnings(parts []*part) (warnings []schemas.Warning) {
	beyond, nested := map[string]bool{}, map[string]bool{}
	for _, p := range parts {
		for _, name := range p.view.Unkept.Beyond {
			beyond[name] = true
		}
		for _, name := range p.view.Unkept.Nested {
			nested[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(nested)) {
		warnings = append(warnings, schemas.Warning{
			Code:    "nested",
			Message: fmt.Sprintf("field %s holds objects or arrays in some profiles: they are ignored", name),
			Hint:    "publish what matters of it as fields of their own",
		})
	}
	if len(beyond) > 0 {
		warnings = append(warnings, schemas.Warning{
			Code:    "too_many_fields",
			Message: fmt.Sprintf("%d fields came after the first 256 and are ignored", len(beyond)),
			Hint:    "publish only fields that tell customers apart",
		})
	}
	return warnings
}

// policyWarnings tells what is kept of a definition but does nothing yet.
func policyWarnings(p *schemas.RefreshPolicy) (warnings []schemas.Warning) {
	without := func(property, instead string) {
		warnings = append(warnings, schemas.Warning{
			Code:    "no_effect_yet",
			Message: "refresh." + property + " is kept but has no effect yet",
			Hint:    instead,
		})
	}
	if p.Every != "" {
		without("every", "ask for a refresh on a schedule of your own (kindred refresh)")
	}
	if p.SourceChange > 0 {
		without("sourceChange", "ask for a refresh when the source has changed (kindred refresh)")
	}
	return warnings
}
