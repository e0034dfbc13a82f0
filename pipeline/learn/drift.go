package learn

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"kindred/pipeline/cache"
	"kindred/pipeline/field"
	"kindred/pipeline/format"
	"kindred/pipeline/model"
	"kindred/schemas"
)

// The usual limits of a population stability index: below the first, nothing has changed that matters; above the second the model
// knows other customers than there are.
const (
	Stable  = 0.1
	Shifted = 0.25
)

const (
	sampledRows = 20_000 // of all shards, about: the index of a field that has not changed is then at most about 0.01
	leastShare  = 1e-4   // of the customers, that a value counts with: it may have come, or gone
	mostMoved   = 3      // values that are named
	leastMoved  = 0.005  // of the customers, by which the share of a value has changed that is named
	mostNoted   = 20_000 // levels of a model by which it notes its customers
)

// Drift is how far the profiles of all customers have moved from those that a model was learned from.
type Drift struct {
	Customers int64            `json:"customers"` // who were looked at
	Fields    []FieldDrift     `json:"fields"`    // those that the model uses, the most moved first
	Warning   *schemas.Warning `json:"warning"`   // null: none has shifted
}

// FieldDrift is the population stability index of a field: the sum of (share now - share then) x log(share now / share then) over
// its values as the model tells them apart, ranges of numbers, no value, and all others.
type FieldDrift struct {
	Name  string       `json:"name"`
	Index float64      `json:"index"`
	Moved []MovedShare `json:"moved"` // the values that more or fewer have, those first that changed most
}

// MovedShare is the share of the customers who have a value, when the model was learned and now.
type MovedShare struct {
	Value string  `json:"value"` // in words
	Was   float64 `json:"was"`
	Is    float64 `json:"is"`
}

// countInto notes in a model how many customers have what, unless that would make a large model larger than its topic takes.
func (r *run) countInto(m *model.Model) {
	levels, text := 0, 0
	for i := range r.choice.Columns {
		levels += r.choice.Columns[i].Levels()
		for _, value := range r.choice.Columns[i].Values {
			text += len(value)
		}
	}
	if levels > mostNoted || text > longestAll {
		return
	}
	m.Customers = r.customers.All
	for i := range m.Fields {
		c, counts := &r.choice.Columns[i], make([]int64, r.choice.Columns[i].Levels())
		for level := range counts {
			counts[level] = r.choice.Counts[i][level].All
		}
		if c.Absent == field.None {
			counts = append(counts, 0)
		}
		m.Fields[i].Customers = counts
	}
}

// Drifts compares the profiles as they are now with those that the models of some expansions were learned from, by a sample of all
// customers; with no names it does so for all expansions. It leaves out an expansion whose model has not noted what profiles were
// like. It reads Redis alone, and a bounded part of it, so that no owner and no event waits for it.
func Drifts(ctx context.Context, store *cache.Store, shards int, expansions ...string) (map[string]*Drift, error) {
	metas, err := store.ReadMetas(ctx, shards)
	if err != nil {
		return nil, err
	}
	rows := 0
	for shard, meta := range metas {
		if meta == nil || !meta.Ready {
			return nil, fmt.Errorf("shard %d: %w", shard, cache.ErrNotReady)
		}
		rows += meta.Rows
	}
	if len(expansions) == 0 && shards > 0 {
		expansions = slices.Sorted(maps.Keys(metas[0].Expansions))
	}
	models := map[string]*model.Model{}
	for _, id := range expansions {
		raw, err := store.ReadModel(ctx, 0, id)
		if err != nil {
			return nil, err
		}
		if m, err := model.Decode(raw); raw != nil && err == nil && !m.Deleted && m.Customers > 0 {
			models[id] = m
		}
	}
	drifts := map[string]*Drift{}
	if len(models) == 0 {
		return drifts, nil
	}
	sampled := make([]*cache.Rows, shards)
	for shard := range sampled {
		if sampled[shard], err = store.Sample(ctx, shard, max(1, rows/sampledRows)); err != nil {
			return nil, err
		}
	}
	for id, m := range models {
		drifts[id] = driftOf(m, sampled)
		drifts[id].warn(id)
	}
	return drifts, nil
}

// driftOf compares the customers of some rows with those that a model was learned from.
func driftOf(m *model.Model, shards []*cache.Rows) *Drift {
	columns := make([]field.Column, len(m.Fields))
	counts := make([][256]int64, len(m.Fields))
	for i := range m.Fields {
		columns[i] = columnOf(&m.Fields[i])
	}
	drift := &Drift{Fields: []FieldDrift{}}
	levels := make([]uint8, len(columns))
	for _, shard := range shards {
		leveller := newLeveller(columns, shard.Fields)
		for row := range slices.Chunk(shard.Bytes, shard.Width) {
			if !cache.Consents(row) {
				continue
			}
			drift.Customers++
			leveller.levels(row, levels)
			for i, level := range levels {
				counts[i][level]++
			}
		}
	}
	for i := range m.Fields {
		if f := &m.Fields[i]; len(f.Customers) == columns[i].Levels() && drift.Customers > 0 {
			drift.Fields = append(drift.Fields, fieldDrift(f, &columns[i], m.Customers, &counts[i], drift.Customers))
		}
	}
	slices.SortStableFunc(drift.Fields, func(a, b FieldDrift) int { return cmp.Compare(b.Index, a.Index) })
	return drift
}

// columnOf returns the levels of a field as they were when the model was learned.
func columnOf(f *model.Field) field.Column {
	c := field.Column{Name: f.Name, Numbers: f.Numbers, Bounds: f.Bounds}
	c.Absent = uint8(len(f.Bounds) + 1)
	if f.Bounds == nil {
		c.Values = slices.Sorted(maps.Keys(f.Weights))
		c.Absent = uint8(len(c.Values))
	}
	return c
}

func fieldDrift(f *model.Field, c *field.Column, then int64, counts *[256]int64, now int64) FieldDrift {
	d := FieldDrift{Name: f.Name, Moved: []MovedShare{}}
	compare := func(value string, was, is float64) {
		smoothedWas, smoothedIs := max(was, leastShare), max(is, leastShare)
		d.Index += (smoothedIs - smoothedWas) * math.Log(smoothedIs/smoothedWas)
		if math.Abs(is-was) >= leastMoved {
			d.Moved = append(d.Moved, MovedShare{value, was, is})
		}
	}
	others := then
	for level, was := range f.Customers {
		others -= was
		compare(levelInWords(f, c, level), float64(was)/float64(then), float64(counts[level])/float64(now))
	}
	compare("other values", float64(others)/float64(then), float64(counts[field.None])/float64(now))
	slices.SortStableFunc(d.Moved, func(a, b MovedShare) int { return cmp.Compare(math.Abs(b.Is-b.Was), math.Abs(a.Is-a.Was)) })
	d.Moved = d.Moved[:min(len(d.Moved), mostMoved)]
	return d
}

func levelInWords(f *model.Field, c *field.Column, level int) string {
	switch {
	case level == int(c.Absent):
		return format.NoValue
	case f.Bounds != nil:
		from, to := f.Range(level)
		return format.Range(from, to, !slices.ContainsFunc(f.Bounds, func(b float64) bool { return b != math.Trunc(b) }))
	}
	return format.Words(c.Values[level])
}

// Words says how far a field has moved, by the usual limits.
func (d *FieldDrift) Words() string {
	switch {
	case d.Index < Stable:
		return "stable"
	case d.Index <= Shifted:
		return "moved somewhat"
	}
	return "shifted"
}

// warn warns of the fields that have shifted.
func (d *Drift) warn(expansionID string) {
	var shifted []string
	for i := range d.Fields {
		f := &d.Fields[i]
		if f.Index <= Shifted {
			continue
		}
		words := field.Named(f.Name)
		if len(f.Moved) > 0 {
			m := &f.Moved[0]
			words += fmt.Sprintf(" (%s: %s of the customers, %s then)", m.Value, percent(m.Is), percent(m.Was))
		}
		shifted = append(shifted, words)
	}
	if shifted != nil {
		d.Warning = &schemas.Warning{
			Code: "drift", Message: "profiles have shifted since it learned: " + strings.Join(shifted, ", "),
			Hint: "kindred refresh " + expansionID + " learns from the profiles as they are now; " +
				"look first whether a load went wrong (kindred fields)",
		}
	}
}
