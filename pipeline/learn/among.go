package learn

import (
	"context"

	"kindred/pipeline/cache"
	"kindred/schemas"
)

// A run learns against the candidates alone where they are a segment that nearly all of the source is from, and are not few.
// Against others it would learn who is in the segment: the background has to be what the source is from.
const (
	leastAmong  = 0.9 // share of the source
	leastBeside = 200 // candidates outside of the source
)

// among tells those of a shard who are where the candidates are: in their segment, and not suppressed. A source member among them
// is what hidden members are like, whether it can become a member itself or not.
type among struct {
	excluded []exclusion
	marks    []int16
}

func amongst(d *schemas.Definition, view *cache.View) *among {
	all := *d
	all.ExcludeSource = false
	return &among{exclusions(&all, view), make([]int16, cache.BlockRows)}
}

// block returns a mark for each row of a block: notCandidate, or 0.
func (a *among) block(b, rows int) []int16 {
	marks := a.marks[:rows]
	if len(a.excluded) > 0 {
		clear(marks)
	}
	for _, e := range a.excluded {
		e.apply(b, marks, notCandidate)
	}
	return marks
}

// countAmong counts who is where the candidates are, in all shards, and finds out whether these are enough to learn from.
func (r *run) countAmong(ctx context.Context) error {
	d := &r.Definition
	if d.Candidates.SegmentID == "" && len(d.Suppress) == 0 {
		r.among = r.customers
		return nil
	}
	err := r.eachShard(ctx, func(_ context.Context, s *shard) error {
		s.countAmong(d)
		return nil
	})
	for _, s := range r.shards {
		r.among.All += s.among.All
		r.among.Source += s.among.Source
	}
	r.within = d.Candidates.SegmentID != "" && r.among.All-r.among.Source >= leastBeside &&
		float64(r.among.Source) >= leastAmong*float64(r.customers.Source)
	return err
}

func (s *shard) countAmong(d *schemas.Definition) {
	among := amongst(d, s.view)
	for b := range s.view.Blocks() {
		rows, width := s.view.Rows(b), s.view.Width
		members := s.source.Block(b)
		for i, mark := range among.block(b, len(rows)/width) {
			if mark != notCandidate && cache.Consents(rows[i*width:]) {
				s.among.All++
				if members.Has(i) {
					s.among.Source++
				}
			}
		}
	}
}
