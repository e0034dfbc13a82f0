package reading

import (
	"context"
	"time"

	"kindred/pipeline/cache"
	"kindred/schemas"
)

// Segment is a segment as it is shown.
type Segment struct {
	SegmentID    string        `json:"segmentId"`
	Name         string        `json:"name"`
	Members      int64         `json:"members"` // with or without a profile
	Gone         bool          `json:"gone"`
	LastSnapshot string        `json:"lastSnapshot"` // empty: none was complete yet
	Open         *OpenSnapshot `json:"open"`
	UsedBy       []Use         `json:"usedBy"`
}

// OpenSnapshot is a snapshot of which not all parts have come.
type OpenSnapshot struct {
	Snapshot string    `json:"snapshot"`
	Have     int       `json:"have"`
	Parts    int       `json:"parts"`
	Since    time.Time `json:"since"`
}

// Use is how an expansion uses a segment.
type Use struct {
	ExpansionID string `json:"expansionId"`
	As          string `json:"as"` // source, candidates or suppress
}

// Segments returns all segments, and how many shards could not say how many customers are in them.
func (f *Facts) Segments(ctx context.Context) (all []Segment, waiting int, err error) {
	metas, err := f.Cache.ReadMetas(ctx, f.Shards)
	if err != nil {
		return nil, 0, err
	}
	segments, uses := f.Book.Segments(), usesOf(f.Book.Expansions())
	all = make([]Segment, 0, len(segments))
	for i := range segments {
		s := &segments[i]
		shown := Segment{SegmentID: s.SegmentID, Name: s.Name, Gone: s.Gone, LastSnapshot: s.LastSnapshot, UsedBy: uses[s.SegmentID]}
		if shown.UsedBy == nil {
			shown.UsedBy = []Use{}
		}
		if s.Open != nil {
			shown.Open = &OpenSnapshot{s.Open.Snapshot, len(s.Open.Have), s.Open.Parts, s.Open.At}
		}
		shown.Members, waiting = sizeOf(s.SegmentID, metas)
		all = append(all, shown)
	}
	return all, waiting, nil
}

// sizeOf adds up how many customers are in a segment, and counts the shards that cannot say.
func sizeOf(segment string, metas []*cache.Meta) (size int64, waiting int) {
	for _, meta := range metas {
		if meta == nil || !meta.Ready {
			waiting++
			continue
		}
		size += meta.Segments[segment].Size
	}
	return size, waiting
}

// usesOf returns which expansions use a segment, by segment and in the order of the expansions.
func usesOf(expansions []schemas.Expansion) map[string][]Use {
	uses := map[string][]Use{}
	for _, e := range expansions {
		d := e.Definition
		if d == nil {
			continue
		}
		add := func(segment, as string) { uses[segment] = append(uses[segment], Use{e.ExpansionID, as}) }
		add(d.SourceSegmentID, "source")
		if d.Candidates.SegmentID != "" {
			add(d.Candidates.SegmentID, "candidates")
		}
		for _, segment := range d.Suppress {
			add(segment, "suppress")
		}
	}
	return uses
}
