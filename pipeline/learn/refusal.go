package learn

import (
	"fmt"
	"strings"

	"kindred/schemas"
)

// refusedByComing refuses a segment that nobody is in because its first snapshot is not complete: no source could be learned
// from, and a suppression would keep nobody out.
func (r *run) refusedByComing() *schemas.RunError {
	for _, id := range r.Definition.Segments() {
		var size int64
		for _, s := range r.shards {
			size += s.view.Segment(id).Size()
		}
		if coming := r.Coming[id]; coming != "" && size == 0 {
			return schemas.Refuse(schemas.CodeUnknownSegment, "publish the other parts, then ask again; kindred segments shows what has come",
				"nobody is in segment %s yet: %s", id, coming)
		}
	}
	return nil
}

// refusedBySize refuses a source with too few members who have a profile. It says what lacks: members, or profiles.
func (r *run) refusedBySize(size int64) *schemas.RunError {
	least := int64(orDefault(r.MinSource, 25))
	if r.customers.Source >= least {
		return nil
	}
	source, more := r.Definition.SourceSegmentID, ""
	if coming := r.Coming[source]; coming != "" {
		more = "; " + coming
	}
	switch {
	case size == 0:
		return schemas.Refuse(schemas.CodeSourceTooSmall, "load its members (kindred load segment), or take another source",
			"segment %s refused: nobody is in it, need %d%s", source, least, more)
	case size < least:
		return schemas.Refuse(schemas.CodeSourceTooSmall, "take a larger source, or lower --min-source",
			"segment %s refused: it has %d members, %d with a profile, need %d%s", source, size, r.customers.Source, least, more)
	}
	return schemas.Refuse(schemas.CodeSourceTooSmall, "wait until profiles have arrived (kindred doctor), or lower --min-source",
		"segment %s refused: %d of %d source members have a profile, need %d%s", source, r.customers.Source, size, least, more)
}

// nobodyLeft warns that there is no candidate at all, and says what has left nobody.
func (r *run) nobodyLeft() schemas.Warning {
	d := &r.Definition
	var left []string
	if d.Candidates.SegmentID != "" {
		left = append(left, "is not in "+d.Candidates.SegmentID)
	}
	if d.ExcludeSource {
		left = append(left, "is in the source "+d.SourceSegmentID)
	}
	if len(d.Suppress) > 0 {
		left = append(left, "is suppressed by "+schemas.Shorten(strings.Join(d.Suppress, ", "), 300))
	}
	return schemas.Warning{
		Code:    "no_candidates",
		Message: fmt.Sprintf("nobody is left as a candidate: each of %d customers %s", r.customers.All, strings.Join(left, ", or ")),
		Hint:    "name other candidates (--within), suppress fewer (--suppress), or include the source (--include-source)",
	}
}
