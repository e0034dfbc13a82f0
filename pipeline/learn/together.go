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

// combinations counts those of a shard, by cross and cell. It goes over a block field by field, then cross by cross, without a
// look at who consents: whoever does not holds nothing, and is taken out again at the end.
func (r *run) combinations(s *shard) [][]int64 {
	var used []int // fields
	for _, c := range r.fitted.Crosses {
		used = append(used, c.Fields...)
	}
	slices.Sort(used)
	used = slices.Compact(used)
	columns := make([]field.Column, len(used))
	places := make([]int, len(r.choice.Columns)) // among those used
	for place, f := range used {
		columns[place], places[f] = r.choice.Columns[f], place
	}
	all := make([]cells, len(r.fitted.Crosses))
	for i, c := range r.fitted.Crosses {
		for _, f := range c.Fields {
			all[i].places = append(all[i].places, places[f])
		}
		all[i].counts = make([]int64, all[i].wide(columns))
	}
	leveller, block := newLeveller(columns, s.view.Fields), make([]uint8, len(used)*cache.BlockRows)
	levels := make([][]uint8, len(used))
	count := func(rows []byte, width int, by int64) {
		n := len(rows) / width
		for place := range used {
			levels[place] = block[place*cache.BlockRows:][:n]
			leveller.column(place, rows, width, levels[place])
		}
		for i := range all {
			all[i].count(columns, levels, by)
		}
	}
	for b := range s.view.Blocks() {
		count(s.view.Rows(b), s.view.Width, 1)
	}
	if none := int64(s.view.NumRows) - s.customers.All; none > 0 {
		count(make([]byte, s.view.Width), s.view.Width, -none)
	}
	counts := make([][]int64, len(all))
	for i, c := range r.fitted.Crosses {
		counts[i] = all[i].narrow(columns, len(c.Weights))
	}
	return counts
}

// cells counts the combinations of a cross. Each of its fields has a level more here, of those who count nowhere.
type cells struct {
	places []int   // of its fields
	counts []int64 // by the levels of all, the last field's next to each other
}

func (c *cells) wide(columns []field.Column) int {
	n := 1
	for _, place := range c.places {
		n *= columns[place].Levels() + 1
	}
	return n
}

// count counts rows whose levels are given by place, each as so many.
func (c *cells) count(columns []field.Column, levels [][]uint8, by int64) {
	first, rest := levels[c.places[0]], c.places[1:]
	switch len(rest) {
	case 1:
		second := levels[rest[0]][:len(first)]
		step := columns[rest[0]].Levels() + 1
		for i, level := range first {
			c.counts[int(level)*step+int(second[i])] += by
		}
	case 2:
		second, third := levels[rest[0]][:len(first)], levels[rest[1]][:len(first)]
		step := columns[rest[1]].Levels() + 1
		steps := step * (columns[rest[0]].Levels() + 1)
		for i, level := range first {
			c.counts[int(level)*steps+int(second[i])*step+int(third[i])] += by
		}
	default:
		for i := range first {
			cell := 0
			for _, place := range c.places {
				cell = cell*(columns[place].Levels()+1) + int(levels[place][i])
			}
			c.counts[cell] += by
		}
	}
}

// narrow returns the counts of the cells that the cross has.
func (c *cells) narrow(columns []field.Column, size int) []int64 {
	counts := make([]int64, size)
	for wide, n := range c.counts {
		cell, step := 0, 1
		for _, place := range slices.Backward(c.places) {
			of := columns[place].Levels()
			level := wide % (of + 1)
			if wide /= of + 1; level == of {
				step = 0
				break
			}
			cell += level * step
			step *= of
		}
		if step > 0 {
			counts[cell] = n
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
