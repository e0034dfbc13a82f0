package learn

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"kindred/pipeline/cache"
	"kindred/pipeline/field"
	"kindred/schemas"
)

// errBehind says that a cache has seen less than its meta had shown before: it was lost, or an older copy took over.
var errBehind = errors.New("the cache has fallen back")

// shard is one shard as it was scanned, and what the steps of a run have found in it. A step works on a shard in one
// goroutine.
type shard struct {
	number     int
	view       *cache.View
	source     *cache.Segment // nil: nobody is in it
	sourceSize int64          // ids, with or without a profile

	tallies   []field.Tally // by tally, as the rest of these
	customers field.Count
	known     int64 // source members with a profile, consenting or not
	jsonKeys  int64 // customers whose ids are JSON

	among  field.Count // those of the customers who are where the candidates are; by countAmong
	scores []int16     // by row

	heldOut      [cache.Bands]int64
	combinations [][]int64 // customers by cross and cell
}

// scan reads all shards, and counts in each who has which value while Redis is busy with the next.
func (r *run) scan(ctx context.Context) error {
	r.progress(schemas.Reading, 0)
	r.shards = make([]*shard, r.Number)
	for i := range r.shards {
		r.shards[i] = &shard{number: i}
	}
	want := cache.Want{Derived: r.Derived}
	for _, id := range r.Definition.Segments() {
		if id != "" && !slices.Contains(r.Derived, id) {
			want.Segments = append(want.Segments, id)
		}
	}
	if r.comparing() {
		want.Expansions = []string{r.ExpansionID}
	}
	var mutex sync.Mutex
	read := 0
	return r.someShards(ctx, runtime.GOMAXPROCS(0)+1, func(ctx context.Context, s *shard) error {
		old, _ := r.views.Get().(*cache.View)
		want := want
		want.Into = old
		view, err := r.Cache.Scan(ctx, s.number, want)
		if err != nil {
			return fmt.Errorf("scan shard %d: %w", s.number, err)
		}
		s.open(view, r.Definition.SourceSegmentID)
		if lack := view.Meta.Lacks(&r.Ends, s.number); lack != "" {
			return fmt.Errorf("scan shard %d (%s): %w", s.number, lack, errBehind)
		}
		s.tally()
		mutex.Lock()
		defer mutex.Unlock()
		read++
		r.progress(schemas.Reading, float64(read)/float64(r.Number))
		return nil
	})
}

// open takes a view, which nobody else may use until it is released.
func (s *shard) open(view *cache.View, source string) {
	s.view = view
	s.source = view.Segment(source)
	s.sourceSize = s.source.Size()
}

// release leaves the memory of the views to later runs.
func (r *run) release() {
	for _, s := range r.shards {
		if s.view != nil {
			r.views.Put(s.view)
		}
	}
}
