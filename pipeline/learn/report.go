package learn

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"kindred/pipeline/cache"
	"kindred/pipeline/field"
	"kindred/pipeline/model"
	"kindred/pipeline/selection"
	"kindred/schemas"
)

// report returns what the run has found, within the bounds of a report. What the shards count comes later.
func (r *run) report() *schemas.Report {
	found := schemas.NewReport()
	found.Counts = schemas.Counts{
		Customers: r.customers.All, SourceWithProfile: r.customers.Source,
		Candidates: r.chosen.Candidates, Similar: r.chosen.Similar, Members: r.chosen.Members,
	}
	found.Lost = r.lost
	found.Cut = float64(min(r.chosen.Score, model.Best)) / model.Best
	found.Ties = r.chosen.Ties
	found.Distribution = r.chosen.Distribution(r.histogram, r.preset.Bounds)
	r.tellHeldOut(found)
	found.Reach = selection.Reach(r.histogram)
	found.Quality = r.fitted.Quality
	found.Fields, found.Crosses = r.fieldReports(), r.crossReports()
	for _, s := range r.shards {
		found.Counts.Source += s.sourceSize
		found.LearnedFrom = append(found.LearnedFrom, learnedFrom(s.number, s.view.Meta))
	}
	for _, warnings := range [][]schemas.Warning{
		r.choice.Warnings, r.ruleWarnings(), r.protectedWarnings(), r.derivedWarnings(), r.sourceWarnings(), r.sizeWarnings(&found.Counts),
		r.doubts(found),
		r.unkeptWarnings(), r.keyWarnings(), r.shrinkWarnings(), r.guardWarnings(), r.lostWarnings(found.Fields),
	} {
		found.Warnings = append(found.Warnings, warnings...)
	}
	if r.recalled {
		found.LearnedFrom = r.Last.Report.LearnedFrom
	}
	if r.DryRun {
		found.Difference = &r.moved.Difference
	}
	found.Bound()
	return found
}

// learnedFrom says how far the inputs were that a shard's cache is made of.
func learnedFrom(shard int, meta *cache.Meta) schemas.Offsets {
	at := meta.Offsets
	return schemas.Offsets{Shard: shard, Profiles: at.Profiles, SegmentMembers: at.SegmentMembers, Memberships: at.Memberships}
}

// derivedWarnings warns of a source whose members kindred itself has chosen.
func (r *run) derivedWarnings() []schemas.Warning {
	source := r.Definition.SourceSegmentID
	if !slices.Contains(r.Derived, source) {
		return nil
	}
	return []schemas.Warning{{
		Code: "derived_source",
		Message: fmt.Sprintf("the source %s is an expansion itself: what is learned is mostly how its members were chosen, and the quality "+
			"says how well that is found again", source),
		Hint: fmt.Sprintf("to reach more of those alike, rather edit %s (a larger --share); to keep out whom it was expanded from, name "+
			"them as well (--suppress)", source),
	}}
}

// manyUnknown is the percentage of a source from which members without a profile are warned of: then the ids may be wrong.
const manyUnknown = 10

// sourceWarnings warns of a source of which many are not found among the customers.
func (r *run) sourceWarnings() []schemas.Warning {
	var size, known int64
	for _, s := range r.shards {
		size += s.sourceSize
		known += s.known
	}
	if unknown := size - known; unknown > 0 && unknown*100 >= size*manyUnknown {
		return []schemas.Warning{{
			Code: "source_without_profile",
			Message: fmt.Sprintf("%d of %d members of segment %s have no profile: nothing was learned from them, and whom they "+
				"stand for may be found as similar", unknown, size, r.Definition.SourceSegmentID),
			Hint: "compare the segment's ids with the keys of the profiles (blanks, quotes, 17.0 for 17), or wait until all profiles are there",
		}}
	}
	return nil
}

// sizeWarnings warns of too few: source members, similar candidates, or members for what was asked.
func (r *run) sizeWarnings(c *schemas.Counts) (warnings []schemas.Warning) {
	if few := int64(orDefault(r.WarnSource, 100)); c.SourceWithProfile < few {
		warnings = append(warnings, schemas.Warning{
			Code:    "small_source",
			Message: fmt.Sprintf("it learned from %d source members only; below %d the scores are rough", c.SourceWithProfile, few),
			Hint:    "take a larger source, or read the quality with care",
		})
	}
	switch {
	case c.Candidates == 0:
		warnings = append(warnings, r.nobodyLeft())
	case c.Similar == 0:
		warnings = append(warnings, schemas.Warning{
			Code:    "nobody_similar",
			Message: fmt.Sprintf("none of %d candidates reaches the floor of %v", c.Candidates, r.Definition.Floor),
			Hint:    "lower the floor (--floor), or look which fields were used",
		})
	}
	if r.Definition.Count > c.Similar && c.Similar > 0 {
		warnings = append(warnings, schemas.Warning{
			Code:    "fewer_than_asked",
			Message: fmt.Sprintf("%d members were asked for, but only %d candidates are similar", r.Definition.Count, c.Similar),
			Hint:    "lower the floor (--floor)",
		})
	}
	return warnings
}

// unkeptWarnings warns of the fields that customers have and no cache keeps.
func (r *run) unkeptWarnings() (warnings []schemas.Warning) {
	beyond, nested, long, unknown := map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, s := range r.shards {
		for _, name := range s.view.Unkept.Beyond {
			beyond[name] = true
		}
		for _, name := range s.view.Unkept.Nested {
			nested[name] = true
		}
		for _, name := range s.view.Unkept.Long {
			long[name] = true
		}
		for _, name := range s.view.Unkept.Unknown {
			unknown[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(nested)) {
		warnings = append(warnings, schemas.Warning{
			Code:    "nested",
			Message: fmt.Sprintf("field %s holds objects or arrays in some profiles: they are ignored", field.Named(name)),
			Hint:    "publish what matters of it as fields of their own",
		})
	}
	for _, beginning := range slices.Sorted(maps.Keys(long)) {
		warnings = append(warnings, schemas.Warning{
			Code:    "long_name",
			Message: fmt.Sprintf("fields whose names begin with %q and have more than 255 bytes are ignored", beginning),
			Hint:    "publish them under shorter names",
		})
	}
	if len(unknown) > 0 {
		warnings = append(warnings, unknownProperties(slices.Sorted(maps.Keys(unknown))))
	}
	if len(beyond) > 0 {
		warnings = append(warnings, schemas.Warning{
			Code:    "too_many_fields",
			Message: fmt.Sprintf("there is no place for %d or more fields: 256 others came first", len(beyond)),
			Hint:    "publish only fields that tell customers apart: a field has its place once nobody has a value in one of the others",
		})
	}
	return warnings
}

// unknownProperties warns of properties beside fields that mean nothing.
func unknownProperties(names []string) schemas.Warning {
	const mostNamed = 5
	known := []string{"customerId", "fields", "profiling"}
	hint := "publish what is a field inside fields"
	named := make([]string, 0, mostNamed)
	for _, name := range names {
		if near := schemas.Near(name, known); near != "" {
			hint = fmt.Sprintf("did you mean %s by %s?", near, field.Named(name))
		}
		if len(named) < mostNamed {
			named = append(named, field.Named(name))
		}
	}
	if more := len(names) - len(named); more > 0 {
		named = append(named, fmt.Sprintf("%d more", more))
	}
	return schemas.Warning{
		Code:    "unknown_property",
		Message: "profiles have properties that mean nothing and are ignored: " + strings.Join(named, ", "),
		Hint:    hint,
	}
}

// keyWarnings warns of customers whose ids are JSON, such as a string in quotes: upstream's segments hardly name them so.
func (r *run) keyWarnings() []schemas.Warning {
	var found int64
	for _, s := range r.shards {
		found += s.counts.jsonKeys
	}
	if found == 0 {
		return nil
	}
	return []schemas.Warning{{
		Code:    "json_keys",
		Message: fmt.Sprintf("the ids of %d customers are JSON, such as an id in quotes: segments hardly name them so", found),
		Hint:    "have the keys of profiles written as plain text (in Kafka Connect by org.apache.kafka.connect.storage.StringConverter)",
	}}
}
