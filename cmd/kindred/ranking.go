package main

import (
	"bytes"
	"cmp"
	"container/heap"
	"slices"

	"kindred/pipeline/model"
	"kindred/schemas"
)

// ranking keeps the best members seen: by score, then tie (the greater first, as at the cut), then id. The zero value keeps none.
type ranking struct {
	expansion string
	most      int
	worst     []place // a heap, the worst on top
}

// place is one member's.
type place struct {
	score int // ten-thousandths
	band  int
	tie   uint64
	id    []byte
}

// compare is negative when a comes before b.
func (a place) compare(b place) int {
	return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(b.tie, a.tie), bytes.Compare(a.id, b.id))
}

// see takes a member in, if it is good enough. The id is copied.
func (r *ranking) see(id []byte, score, band int) {
	if r.most == 0 || len(r.worst) == r.most && score < r.worst[0].score {
		return
	}
	seen := place{score: score, band: band, tie: model.Tie(r.expansion, id), id: id}
	switch {
	case len(r.worst) < r.most:
		seen.id = bytes.Clone(id)
		heap.Push(r, seen)
	case seen.compare(r.worst[0]) < 0:
		seen.id = append(r.worst[0].id[:0], id...)
		r.worst[0] = seen
		heap.Fix(r, 0)
	}
}

// members gives what was kept, the best first.
func (r *ranking) members() []schemas.Membership {
	sorted := slices.SortedFunc(slices.Values(r.worst), place.compare)
	members := make([]schemas.Membership, len(sorted))
	for i, p := range sorted {
		members[i] = schemas.Membership{ExpansionID: r.expansion, CustomerID: string(p.id),
			Score: float64(p.score) / 10_000, Band: schemas.BandNames[p.band]}
	}
	return members
}

func (r *ranking) Len() int           { return len(r.worst) }
func (r *ranking) Less(i, j int) bool { return r.worst[i].compare(r.worst[j]) > 0 }
func (r *ranking) Swap(i, j int)      { r.worst[i], r.worst[j] = r.worst[j], r.worst[i] }
func (r *ranking) Push(p any)         { r.worst = append(r.worst, p.(place)) }
func (r *ranking) Pop() any {
	last := r.worst[len(r.worst)-1]
	r.worst = r.worst[:len(r.worst)-1]
	return last
}
