package learn

import (
	"context"
	"slices"

	"kindred/pipeline/model"
	"kindred/pipeline/train"
	"kindred/schemas"
)

// recallOrFit takes the last model where it will do; else it fits one.
func (r *run) recallOrFit(ctx context.Context) error {
	if r.Last == nil || !r.recall() {
		return r.fit(ctx)
	}
	return nil
}

// recall takes the weights of the last model from the shards' caches, with the quality that was measured then. It reports false
// when that model is nowhere, or when other fields would be chosen now: one may have been declared sensitive since.
func (r *run) recall() bool {
	last := r.lastModel()
	if last == nil || len(last.Fields) != len(r.choice.Columns) {
		return false
	}
	for i := range r.choice.Columns {
		name := r.choice.Columns[i].Name
		if !slices.ContainsFunc(last.Fields, func(f model.Field) bool { return f.Name == name }) {
			return false
		}
	}
	quality := r.Last.Report.Quality
	if last.Bands != r.preset.Bounds {
		none := [len(schemas.BandNames)]float64{}
		quality.BandLift, quality.BandPromise = none, none // were measured in other bands
	}
	r.fitted = &train.Result{Quality: quality}
	r.model, r.recalled = last, true
	r.model.Definition, r.model.Bands = r.Definition, r.preset.Bounds
	return true
}

// lastModel returns the last model as some shard's owner has kept it, or nil.
func (r *run) lastModel() *model.Model {
	for _, s := range r.shards {
		raw := s.view.Model()
		if raw == nil {
			continue
		}
		if m, err := model.Decode(raw); err == nil && m.Epoch == r.Last.Epoch && !m.Deleted {
			return m
		}
	}
	return nil
}
