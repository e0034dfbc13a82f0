package learn

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"kindred/pipeline/field"
	"kindred/pipeline/model"
	"kindred/pipeline/train"
	"kindred/schemas"
)

// recipe numbers how a model, and what its report says of it, are found from a sample. It is raised whenever the same sample
// gives another model or another quality: then no fit is spared by what an earlier build has found (TestARecipeHasItsNumber).
const recipe = 6

// fingerprint returns a hash of all that the weights, and what the report says of them, are found from.
func fingerprint(problem *train.Problem, columns []field.Column) string {
	hash := sha256.New()
	fmt.Fprintln(hash, recipe)
	_ = json.NewEncoder(hash).Encode(columns) // they have no part that JSON lacks
	problem.Describe(hash)
	return hex.EncodeToString(hash.Sum(nil)[:16])
}

// recallOrFit takes the last model if it suffices; else it has one fitted, unless that would give the last one.
func (r *run) recallOrFit(ctx context.Context) error {
	last, err := r.lastModel(ctx)
	if err != nil {
		return err
	}
	if last != nil && r.Last.Suffices && r.recall(last) {
		return nil
	}
	return r.fit(ctx, last)
}

// recall takes the weights of the last model with the quality that was measured then. It reports false when other fields would be
// chosen now: one may have been declared sensitive since.
func (r *run) recall(last *model.Model) bool {
	if len(last.Fields) != len(r.choice.Columns) {
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
		last.Fingerprint = ""                              // a fit would measure them
	}
	r.fitted = &train.Result{Quality: quality}
	r.model, r.recalled = last, true
	r.model.Definition, r.model.Bands = r.Definition, r.preset.Bounds
	return true
}

// retake takes the last model, and what its report says of it, if it has this fingerprint, so that a fit would give the same. It
// reports false if it has another, or if the report had no room for all of it.
func (r *run) retake(last *model.Model, found string) bool {
	if last == nil || last.Fingerprint != found || len(last.Fields) != len(r.choice.Columns) {
		return false
	}
	said := r.Last.Report
	retaken := &train.Result{Quality: said.Quality}
	for i := range r.choice.Columns {
		at := slices.IndexFunc(said.Fields, func(f schemas.FieldReport) bool { return f.Name == r.choice.Columns[i].Name })
		if at < 0 {
			return false
		}
		retaken.Influence = append(retaken.Influence, said.Fields[at].Influence)
	}
	for _, c := range last.Crosses {
		at := slices.IndexFunc(said.Crosses, func(of schemas.CrossReport) bool { return slices.Equal(of.Fields, c.Fields) })
		if at < 0 {
			return false
		}
		cross := train.Cross{Weights: make([]float64, len(c.Weights)), Influence: said.Crosses[at].Influence}
		for _, name := range c.Fields {
			named := func(column field.Column) bool { return column.Name == name }
			cross.Fields = append(cross.Fields, slices.IndexFunc(r.choice.Columns, named))
		}
		retaken.Crosses = append(retaken.Crosses, cross)
	}
	r.fitted, r.model = retaken, last
	return true
}

// lastModel returns the last model as some shard's owner has kept it; nil: there is none, or it is nowhere.
func (r *run) lastModel(ctx context.Context) (*model.Model, error) {
	if r.Last == nil {
		return nil, nil
	}
	for shard := range r.Number {
		raw, err := r.Cache.ReadModel(ctx, shard, r.ExpansionID)
		if err != nil {
			return nil, err
		}
		if raw == nil {
			continue
		}
		if m, err := model.Decode(raw); err == nil && m.Epoch == r.Last.Epoch && !m.Deleted {
			return m, nil
		}
	}
	return nil, nil
}
