package main

import (
	"bytes"
	"cmp"
	"container/heap"
	"context"
	"errors"
	"slices"
	"time"

	"kindred/pipeline/cache"
	"kindred/pipeline/model"
	"kindred/schemas"
)

// oldCache is how long ago a shard may have been saved before readers are told. While it is served it is saved every second.
const oldCache = 10 * time.Second

// best reads the best members of an expansion from the cache of every shard. When one is old it says so.
func (p *program) best(ctx context.Context, shards int, expansion string, most int) ([]schemas.Membership, error) {
	store, err := p.cache(ctx)
	if err != nil {
		return nil, err
	}
	defer store.Close()
	r := ranking{expansion: expansion, most: most}
	var view *cache.View
	oldest := time.Now().UnixMilli() // when the shard that was saved first was saved
	for shard := range shards {
		view, err = store.Scan(ctx, shard, cache.Want{Expansions: []string{expansion}, Into: view})
		if errors.Is(err, cache.ErrNotReady) {
			return nil, hint(err, "again in a moment; is kindred serve running?")
		}
		if err != nil {
			return nil, err
		}
		r.seeShard(view)
		oldest = min(oldest, view.Meta.SavedAt)
	}
	p.tellAge(oldest)
	return r.members(), nil
}

// tellAge says so when what was read of a cache, saved at this time in ms, is old.
func (p *program) tellAge(saved int64) {
	if age := time.Since(time.UnixMilli(saved)); age > oldCache {
		p.aside.Line("this is as it was %v ago: kindred serve does not run, or a shard cannot save its cache", age.Round(time.Second))
	}
}

// seeShard takes in the members of a shard.
func (r *ranking) seeShard(view *cache.View) {
	published := view.Published(r.expansion)
	for row := range view.NumRows {
		if state := published.Get(row); state.Member() {
			r.see(view.ID(row), state.Score(), state.Band())
		}
	}
}

// ranking keeps the best members that it has seen: by score, then tie (the greater first, as at the cut), then id. The zero
// value keeps none.
type ranking struct {
	expansion string
	most      int
	kept      []ranked // a heap, the worst on top
}

// ranked is a member with all that its rank follows from.
type ranked struct {
	score int // ten-thousandths
	band  int
	tie   uint64
	id    []byte
}

// compare is negative when a comes before b.
func (a ranked) compare(b ranked) int {
	return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(b.tie, a.tie), bytes.Compare(a.id, b.id))
}

// see keeps a member if it is among the best so far. The id is copied.
func (r *ranking) see(id []byte, score, band int) {
	if r.most == 0 || len(r.kept) == r.most && score < r.kept[0].score {
		return
	}
	seen := ranked{score: score, band: band, tie: model.Tie(r.expansion, id), id: id}
	switch {
	case len(r.kept) < r.most:
		seen.id = bytes.Clone(id)
		heap.Push(r, seen)
	case seen.compare(r.kept[0]) < 0:
		seen.id = append(r.kept[0].id[:0], id...)
		r.kept[0] = seen
		heap.Fix(r, 0)
	}
}

// members returns what was kept, the best first.
func (r *ranking) members() []schemas.Membership {
	sorted := slices.SortedFunc(slices.Values(r.kept), ranked.compare)
	members := make([]schemas.Membership, len(sorted))
	for i, p := range sorted {
		members[i] = schemas.Membership{ExpansionID: r.expansion, CustomerID: string(p.id),
			Score: float64(p.score) / 10_000, Band: schemas.BandNames[p.band]}
	}
	return members
}

func (r *ranking) Len() int           { return len(r.kept) }
func (r *ranking) Less(i, j int) bool { return r.kept[i].compare(r.kept[j]) > 0 }
func (r *ranking) Swap(i, j int)      { r.kept[i], r.kept[j] = r.kept[j], r.kept[i] }
func (r *ranking) Push(p any)         { r.kept = append(r.kept, p.(ranked)) }
func (r *ranking) Pop() any {
	last := r.kept[len(r.kept)-1]
	r.kept = r.kept[:len(r.kept)-1]
	return last
}
