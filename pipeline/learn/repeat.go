package learn

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"

	"kindred/pipeline/cache"
	"kindred/schemas"
)

// seen returns a hash of what a run is to learn, and of all that it would find in the caches, as these metas show it; empty: they
// do not show all.
func (r *run) seen(metas []*cache.Meta) string {
	hash := sha256.New()
	tell := func(what any) { _ = json.NewEncoder(hash).Encode(what) } // all of it can be encoded
	tell([]any{r.Definition, r.Derived, r.Coming, r.Declared})
	for _, meta := range metas {
		if meta == nil || !meta.Ready || meta.Revision == 0 {
			return ""
		}
		tell([]any{meta.Incarnation, meta.Revision})
		for _, id := range r.Definition.Segments() {
			segment := meta.Segments[id]
			tell([]any{segment.Number, segment.Gone, segment.Freed, segment.Size, segment.Flips})
		}
		if len(r.Derived) > 0 { // their members are published, and so change with memberships only
			tell(meta.Offsets.Memberships)
		}
	}
	return hex.EncodeToString(hash.Sum(nil))
}

// repeat returns the last result when nothing has changed since; nil: the run has to look. Whom the model moves need not be found
// out then: members are what it makes of the rows, from one run to the next.
func (r *run) repeat(ctx context.Context) (*Result, error) {
	if r.Last == nil || r.Last.Seen == "" || r.DryRun || r.Last.Suffices || unusually(r.Last.Report) {
		return nil, nil
	}
	metas, err := r.Cache.ReadMetas(ctx, r.Number)
	if err != nil {
		return nil, err
	}
	report := *r.Last.Report
	report.LearnedFrom = nil
	for shard, meta := range metas {
		if meta.Lacks(&r.Ends, shard) != "" {
			return nil, nil
		}
		report.LearnedFrom = append(report.LearnedFrom, learnedFrom(shard, meta))
	}
	if r.seen(metas) != r.Last.Seen {
		return nil, nil
	}
	last, err := r.lastModel(ctx)
	if last == nil || err != nil {
		return nil, err
	}
	return &Result{Model: last, Report: &report, Source: See(r.Definition.SourceSegmentID, metas), Seen: r.Last.Seen}, nil
}

// unusually reports whether a report warns of what is unusual beside the run before it, or may have left that out. The next run,
// of which the same would come, would not warn.
func unusually(report *schemas.Report) bool {
	return slices.ContainsFunc(report.Warnings, func(w schemas.Warning) bool {
		return strings.HasPrefix(w.Code, "unusual_") || w.Code == "more_warnings"
	})
}
