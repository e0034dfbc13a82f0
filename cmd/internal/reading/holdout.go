package reading

import (
	"context"
	"time"

	"kindred/pipeline/learn"
)

// HeldOut is Members of those who would be members of an expansion and are held out, with the scores and bands that they would have.
func (f *Facts) HeldOut(ctx context.Context, id string, limit int, after string) (*Page, error) {
	r, err := rankingBehind(id, limit, after)
	if err != nil {
		return nil, err
	}
	asOf, err := f.EachHeldOut(ctx, id, func(customer []byte, score, band int) {
		r.total++
		r.see(customer, score, band)
	})
	if err != nil {
		return nil, err
	}
	return r.pageOf(limit, asOf), nil
}

// EachHeldOut goes through all who would be members of an expansion and are held out, by its last model and the caches as they are,
// in no order. The customer is only lent. It returns when the shard was saved whose save is the oldest.
func (f *Facts) EachHeldOut(ctx context.Context, id string, see func(customer []byte, score, band int)) (asOf time.Time, err error) {
	asOf = time.Now().UTC()
	expansion, err := f.Committed(id)
	if err != nil || expansion.Definition.Holdout == 0 {
		return asOf, err
	}
	leave, err := f.reads.take(ctx)
	if err != nil {
		return asOf, err
	}
	defer leave()
	for shard := range f.Shards {
		view, err := f.viewFor(ctx, shard, expansion)
		if err != nil {
			return asOf, err
		}
		m, err := modelIn(view)
		if err != nil {
			return asOf, err
		}
		for row, score := range learn.HeldOut(m, id, view) {
			see(view.ID(row), score, m.Band(score))
		}
		if saved := time.UnixMilli(view.Meta.SavedAt).UTC(); saved.Before(asOf) {
			asOf = saved
		}
	}
	return asOf, nil
}
