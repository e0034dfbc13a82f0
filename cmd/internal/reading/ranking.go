package reading

import (
	"bytes"
	"cmp"
	"container/heap"
	"slices"

	"kindred/pipeline/cache"
	"kindred/pipeline/model"
	"kindred/schemas"
)

// seeShard takes in the members of a shard.
func (r *ranking) seeShard(view *cache.View) {
	published := view.Published(r.expansion)
	for row := range view.NumRows {
		if state := published.Get(row); state.Member() {
			r.total++
			r.see(view.ID(row), state.Score(), state.Band())
		}
	}
}

// ranking keeps the best members that it has seen behind a place: by score, then tie (the greater first, as at the cut), then id.
// The zero value keeps none.
type ranking struct {
	expansion string
	most      int
	after     *place   // nil: from the first on
	total     int64    // members seen, kept or not
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
	if r.after != nil && score > r.after.score {
		return
	}
	seen := ranked{score: score, band: band, tie: model.Tie(r.expansion, id), id: id}
	switch {
	case r.after != nil && !r.after.before(&seen):
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
func (r *ranking) members() []Member {
	members := make([]Member, len(r.kept))
	for i, m := range r.sorted() {
		members[i] = Member{string(m.id), Score(m.score), schemas.BandNames[m.band]}
	}
	return members
}

func (r *ranking) sorted() []ranked { return slices.SortedFunc(slices.Values(r.kept), ranked.compare) }

func (r *ranking) Len() int           { return len(r.kept) }
func (r *ranking) Less(i, j int) bool { return r.kept[i].compare(r.kept[j]) > 0 }
func (r *ranking) Swap(i, j int)      { r.kept[i], r.kept[j] = r.kept[j], r.kept[i] }
func (r *ranking) Push(p any)         { r.kept = append(r.kept, p.(ranked)) }
func (r *ranking) Pop() any {
	last := r.kept[len(r.kept)-1]
	r.kept = r.kept[:len(r.kept)-1]
	return last
}
