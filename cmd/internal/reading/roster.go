package reading

import (
	"cmp"
	"context"
	"time"

	"kindred/pipeline/cache"
	"kindred/pipeline/model"
	"kindred/schemas"
)

// Roster is a list of customers of an expansion in the order of their ranks, however many they are: all members, or all who would be
// members and are held out by lot. Close it.
type Roster struct {
	Expansion *schemas.Expansion // as it was when the list was made
	Total     int64
	Bands     [cache.Bands]int64
	AsOf      time.Time // when the shard was saved whose save is the oldest
	Offsets   []int64   // of memberships, by shard: all that lies before them is in the list of members

	sorter sorter
}

// Roster lists all members. Of each shard that was read it tells seen.
func (f *Facts) Roster(ctx context.Context, id string, seen func(shard int)) (*Roster, error) {
	r, err := f.newRoster(id)
	if err != nil {
		return nil, err
	}
	var view *cache.View
	for shard := range f.Shards {
		if view, err = f.Cache.Scan(ctx, shard, cache.Want{Expansions: []string{id}, Into: view}); err != nil {
			r.Close()
			return nil, readable(err)
		}
		published := view.Published(id)
		for row := range view.NumRows {
			if state := published.Get(row); state.Member() {
				err = r.add(view.ID(row), state.Score(), state.Band())
			}
			if err != nil {
				r.Close()
				return nil, err
			}
		}
		if saved := time.UnixMilli(view.Meta.SavedAt).UTC(); saved.Before(r.AsOf) {
			r.AsOf = saved
		}
		r.Offsets = append(r.Offsets, view.Meta.Offsets.Memberships)
		seen(shard)
	}
	return r, nil
}

// HeldOutRoster lists those who are held out.
func (f *Facts) HeldOutRoster(ctx context.Context, id string) (*Roster, error) {
	r, err := f.newRoster(id)
	if err != nil {
		return nil, err
	}
	var failed error
	r.AsOf, err = f.EachHeldOut(ctx, id, func(customer []byte, score, band int) {
		if failed == nil {
			failed = r.add(customer, score, band)
		}
	})
	if err = cmp.Or(err, failed); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

func (f *Facts) newRoster(id string) (*Roster, error) {
	e, err := f.Committed(id)
	if err != nil {
		return nil, err
	}
	return &Roster{Expansion: e, AsOf: time.Now().UTC()}, nil
}

func (r *Roster) add(id []byte, score, band int) error {
	r.Total++
	r.Bands[band]++
	return r.sorter.add(ranked{score: score, band: band, tie: model.Tie(r.Expansion.ExpansionID, id), id: id})
}

// Each visits everybody, the best first: by score, then tie, then id. It may be called once.
func (r *Roster) Each(visit func(Member) error) error {
	return r.sorter.each(func(m ranked) error {
		return visit(Member{string(m.id), Score(m.score), schemas.BandNames[m.band]})
	})
}

// Close gives back what the list takes.
func (r *Roster) Close() { r.sorter.close() }
