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
	*reading                  // what does not depend on the run
	source     *cache.Segment // nil: nobody is in it
	sourceSize int64          // ids, with or without a profile

	tallies   []field.Tally // by countSource, as the rest of these
	customers field.Count
	known     int64 // source members with a profile, consenting or not

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
	readings := r.Shared.take(r.Number)
	var mutex sync.Mutex
	read := 0
	return r.someShards(ctx, runtime.GOMAXPROCS(0)+1, func(ctx context.Context, s *shard) error {
		if err := r.read(ctx, s, readings[s.number], want); err != nil {
			return fmt.Errorf("scan shard %d: %w", s.number, err)
		}
		mutex.Lock()
		defer mutex.Unlock()
		read++
		r.progress(schemas.Reading, float64(read)/float64(r.Number))
		return nil
	})
}

// read scans a shard, and counts in it who has which value. What an earlier run has read and counted is taken over if it is still
// so.
func (r *run) read(ctx context.Context, s *shard, earlier *reading, want cache.Want) error {
	if want.Keep = earlier != nil; want.Keep {
		want.Into = earlier.view
	} else {
		want.Into, _ = r.views.Get().(*cache.View)
	}
	view, err := r.Cache.Scan(ctx, s.number, want)
	if err != nil {
		return err
	}
	if view.Kept {
		s.open(&reading{view: view, counts: earlier.counts}, r.Definition.SourceSegmentID)
	} else {
		s.open(&reading{view: view}, r.Definition.SourceSegmentID)
	}
	if lack := view.Meta.Lacks(&r.Ends, s.number); lack != "" {
		return fmt.Errorf("%w (%s)", errBehind, lack)
	}
	if s.counts == nil {
		s.counts = countRows(view)
	}
	return nil
}

// open takes a reading, which nobody else may use until it is released.
func (s *shard) open(of *reading, source string) {
	s.reading = of
	s.source = of.view.Segment(source)
	s.sourceSize = s.source.Size()
}

// release leaves what was read to the next run, or its memory to later ones.
func (r *run) release(whole bool) {
	if whole && r.Shared != nil && r.shards != nil {
		r.Shared.leave(r.shards)
		return
	}
	for _, s := range r.shards {
		if s.reading != nil {
			r.views.Put(s.view)
		}
	}
}
