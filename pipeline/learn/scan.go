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
	reading                   // what does not depend on the run
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

// scan reads all shards, and counts in each who has which value while Redis is busy with the next. What other runs have read and
// counted is taken over where it is still so.
func (r *run) scan(ctx context.Context) error {
	r.progress(schemas.Reading, 0)
	earlier, err := r.Shared.begin(ctx, r.Number)
	if err != nil {
		return err
	}
	defer func() { r.Shared.end(r.shards, r.learns) }()
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
	err = r.someShards(ctx, runtime.GOMAXPROCS(0)+1, func(ctx context.Context, s *shard) error {
		if err := r.read(ctx, s, earlier[s.number], want); err != nil {
			return fmt.Errorf("scan shard %d: %w", s.number, err)
		}
		mutex.Lock()
		defer mutex.Unlock()
		read++
		r.progress(schemas.Reading, float64(read)/float64(r.Number))
		return nil
	})
	if err == nil {
		err = r.divide(ctx)
	}
	r.learns = err == nil
	return err
}

// read scans a shard, and counts in it who has which value. What another run has read and counted is taken over if it is still so;
// else its memory is.
func (r *run) read(ctx context.Context, s *shard, earlier reading, want cache.Want) (err error) {
	s.reading, err = r.keep(ctx, s.number, earlier, want)
	if errors.Is(err, cache.ErrOtherRows) {
		s.reading, err = r.readAnew(ctx, s.number, earlier, want)
	}
	if err != nil {
		return err
	}
	if lack := s.view.Meta.Lacks(&r.Ends, s.number); lack != "" {
		return fmt.Errorf("%w (%s)", errBehind, lack)
	}
	if s.counts == nil {
		s.counts = countRows(s.view)
	}
	s.source = s.view.Segment(r.Definition.SourceSegmentID)
	s.sourceSize = s.source.Size()
	return nil
}

// keep scans what a run learns from beside the rows.
func (r *run) keep(ctx context.Context, shard int, earlier reading, want cache.Want) (reading, error) {
	if earlier.counts == nil {
		return reading{}, cache.ErrOtherRows
	}
	want.Keep = earlier.view
	view, err := r.Cache.Scan(ctx, shard, want)
	return reading{view, earlier.counts}, err
}

// readAnew scans all of a shard, once nobody learns from what was read before.
func (r *run) readAnew(ctx context.Context, shard int, earlier reading, want cache.Want) (reading, error) {
	if err := r.Shared.alone(ctx); err != nil {
		return reading{}, err
	}
	if want.Into = earlier.view; want.Into == nil {
		want.Into, _ = r.views.Get().(*cache.View)
	}
	view, err := r.Cache.Scan(ctx, shard, want)
	return reading{view: view}, err
}

// release ends the use of what was read, by a run that has ended well or has panicked. The memory of what nobody shares is left to
// later runs.
func (r *run) release(well bool) {
	if r.learns {
		r.Shared.leave(well)
	}
	for _, s := range r.shards {
		if r.private && well && s.view != nil {
			r.views.Put(s.view)
		}
	}
}
