package reading

import (
	"context"
	"fmt"
	"time"

	"kindred/pipeline/cache"
)

// Member is a member as the cache knows it.
type Member struct {
	CustomerID string  `json:"customerId"`
	Score      float64 `json:"score"`
	Band       string  `json:"band"`
}

// Page is a part of the members of an expansion, the most similar first: by score, then tie, then id.
type Page struct {
	ExpansionID string    `json:"expansionId"`
	Total       int64     `json:"total"` // on all pages
	Members     []Member  `json:"members"`
	Next        string    `json:"next,omitempty"` // where the next page begins; empty: there is none
	AsOf        time.Time `json:"asOf"`           // when the shard was saved whose save is the oldest
}

// Members returns the members behind a place, which Next of another page has named: at most so many. Whoever enters or leaves
// between two pages moves nobody else.
func (f *Facts) Members(ctx context.Context, id string, limit int, after string) (*Page, error) {
	r, err := rankingBehind(id, limit, after)
	if err != nil {
		return nil, err
	}
	if _, err := f.Expansion(id); err != nil {
		return nil, err
	}
	leave, err := f.reads.take(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	var view *cache.View
	oldest := time.Now().UnixMilli()
	for shard := range f.Shards {
		if view, err = f.Cache.Scan(ctx, shard, cache.Want{Expansions: []string{id}, Bare: true, Into: view}); err != nil {
			return nil, readable(err)
		}
		r.seeShard(view)
		oldest = min(oldest, view.Meta.SavedAt)
	}
	return r.pageOf(limit, time.UnixMilli(oldest).UTC()), nil
}

// rankingBehind begins a page of so many members behind a place; empty: the first page.
func rankingBehind(expansion string, limit int, after string) (*ranking, error) {
	r := &ranking{expansion: expansion, most: limit + 1} // one more tells whether there are more
	if after == "" {
		return r, nil
	}
	var err error
	r.after, err = parsePlace(after)
	return r, err
}

// pageOf ends it.
func (r *ranking) pageOf(limit int, asOf time.Time) *Page {
	page := &Page{ExpansionID: r.expansion, Total: r.total, AsOf: asOf}
	page.Members, page.Next = r.page(limit)
	return page
}

// page returns the first members of those that were kept, and the place behind them when there are more. Two of one score and tie
// are never parted: a place could not tell them apart.
func (r *ranking) page(limit int) (members []Member, next string) {
	members = r.members()
	if len(members) <= limit {
		return members, ""
	}
	sorted := r.sorted()
	end := place{sorted[limit-1].score, sorted[limit-1].tie}
	for limit < len(members) && !end.before(&sorted[limit]) {
		limit++
	}
	return members[:limit], end.String()
}

// place is between two ranks: behind all who have at least this score and tie. It names nobody, so that it may stand in a URL.
type place struct {
	score int // ten-thousandths
	tie   uint64
}

func (p place) String() string { return fmt.Sprintf("%d-%016x", p.score, p.tie) }

func parsePlace(text string) (*place, error) {
	p := new(place)
	if n, err := fmt.Sscanf(text, "%d-%x", &p.score, &p.tie); err != nil || n != 2 || p.String() != text {
		return nil, &Refusal{BadPlace, fmt.Errorf("after names no place among the members"), "the next of another page, or none for the first one"}
	}
	return p, nil
}

// before reports whether a member comes behind the place.
func (p *place) before(m *ranked) bool {
	return m.score < p.score || m.score == p.score && m.tie < p.tie
}
