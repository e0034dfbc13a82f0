package learn

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"kindred/pipeline/cache"
	"kindred/pipeline/field"
	"kindred/schemas"
)

// together counts how many customers have which combination of the crosses that were learned. Without crosses it costs nothing.
func (r *run) together(ctx context.Context) error {
	if len(r.fitted.Crosses) == 0 {
		return nil
	}
	err := r.eachShard(ctx, func(_ context.Context, s *shard) error {
		s.combinations = r.combinations(s)
		return nil
	})
	for i := range r.fitted.Crosses {
		sums := make([]int64, len(r.fitted.Crosses[i].Weights))
		for _, s := range r.shards {
			if s.combinations != nil {
				for cell, n := range s.combinations[i] {
					sums[cell] += n
				}
			}
		}
		r.combined = append(r.combined, sums)
	}
	return err
}

// combinations counts those of a shard, by cross and cell.
func (r *run) combinations(s *shard) [][]int64 {
	var used []int // fields
	counts := make([][]int64, len(r.fitted.Crosses))
	for i, c := range r.fitted.Crosses {
		counts[i] = make([]int64, len(c.Weights))
		used = append(used, c.Fields...)
	}
	slices.Sort(used)
	used = slices.Compact(used)
	columns := make([]field.Column, len(used))
	places := make([]int, len(r.choice.Columns)) // among those used
	for place, f := range used {
		columns[place], places[f] = r.choice.Columns[f], place
	}
	leveller, levels := newLeveller(columns, s.view.Fields), make([]uint8, len(used))
	for b := range s.view.Blocks() {
		for rows, width := s.view.Rows(b), s.view.Width; len(rows) > 0; rows = rows[width:] {
			if !cache.Consents(rows) {
				continue
			}
			leveller.levels(rows[:width], levels)
			for i := range r.fitted.Crosses {
				cell := 0
				for _, f := range r.fitted.Crosses[i].Fields {
					level := levels[places[f]]
					if level == field.None {
						cell = -1
						break
					}
					cell = cell*columns[places[f]].Levels() + int(level)
				}
				if cell >= 0 {
					counts[i][cell]++
				}
			}
		}
	}
	return counts
}

// crossReports returns what the crosses are worth, the most influential first, and which combinations speak for a customer and
// which against. Of a model that was recalled they are as they were reported then.
func (r *run) crossReports() (reports []schemas.CrossReport) {
	if r.recalled {
		return r.Last.Report.Crosses
	}
	for i, cross := range r.fitted.Crosses {
		of := schemas.CrossReport{Influence: cross.Influence}
		for _, f := range cross.Fields {
			of.Fields = append(of.Fields, r.choice.Columns[f].Name)
		}
		of.For, of.Against = speaking(r.lifts(r.model.Crosses[i].Weights, r.combined[i], func(cell int) string {
			return r.combination(cross.Fields, cell)
		}))
		reports = append(reports, of)
	}
	slices.SortStableFunc(reports, func(a, b schemas.CrossReport) int { return cmp.Compare(b.Influence, a.Influence) })
	return reports
}

// combination says in words what the customers of a cell have.
func (r *run) combination(fields []int, cell int) string {
	words := make([]string, len(fields))
	for i, f := range slices.Backward(fields) {
		levels := r.choice.Columns[f].Levels()
		words[i] = r.word(f, cell%levels, r.whole(f))
		cell /= levels
	}
	return strings.Join(words, " together with ")
}

// whole reports whether a column is of a field of whole numbers.
func (r *run) whole(column int) bool {
	named := func(f schemas.FieldReport) bool { return f.Name == r.choice.Columns[column].Name }
	k := slices.IndexFunc(r.choice.Reports, named)
	return k >= 0 && field.Whole(r.choice.Reports[k].Type)
}
