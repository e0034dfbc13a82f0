package learn

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/alicebob/miniredis/v2"

	"kindred/pipeline/cache"
	"kindred/pipeline/field"
	"kindred/pipeline/train"
	"kindred/schemas"
)

// Block by block and field by field, combinations come out as row by row: of those who consent, and where every field of the
// cross has a level that counts.
func TestCombinationsAreThoseOfTheRows(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	mirror := cache.New(0)
	text := func(name string, value int) schemas.FieldValue {
		return schemas.FieldValue{Name: []byte(name), Kind: schemas.String, Text: fmt.Appendf(nil, "v%d", value)}
	}
	number := func(name string, value int) schemas.FieldValue {
		return schemas.FieldValue{Name: []byte(name), Kind: schemas.Number, Number: float64(value)}
	}
	const customers = 2*cache.BlockRows + 77
	for i := range customers {
		p := schemas.Profile{Profiling: i%7 != 0}
		if p.Profiling && i%5 != 0 {
			p.Fields = append(p.Fields, text("a", random.IntN(4)), text("b", min(random.IntN(200), 3)), number("n", random.IntN(3000)))
		}
		if p.Profiling && i == 1 {
			p.Fields = append(p.Fields, text("c", 9)) // too rare to be named
		}
		if p.Profiling && i%2 == 0 {
			p.Fields = append(p.Fields, text("c", random.IntN(2)))
		}
		mirror.SetProfile(mirror.Take(fmt.Appendf(nil, "c-%d", i)), &p)
	}
	view := viewOf(t, mirror)
	s := &shard{reading: reading{view, countRows(view)}}
	s.countSource()
	choice, err := field.New(nil, s.customers, s.tallies).Choose([]string{"a", "b", "c", "n"})
	if err != nil {
		t.Fatal(err)
	}
	columns := choice.Columns
	if len(columns) != 4 || !slices.ContainsFunc(columns, func(c field.Column) bool { return c.Bounds != nil }) {
		t.Fatalf("the fields are %+v", columns)
	}
	r := &run{choice: choice, fitted: &train.Result{}}
	for _, fields := range [][]int{{0, 1}, {2, 0}, {1, 2, 3}, {3, 2, 1, 0}} {
		cells := 1
		for _, f := range fields {
			cells *= columns[f].Levels()
		}
		r.fitted.Crosses = append(r.fitted.Crosses, train.Cross{Fields: fields, Weights: make([]float64, cells)})
	}
	counts := r.combinations(s)
	leveller, levels := newLeveller(columns, s.view.Fields), make([]uint8, len(columns))
	for i, cross := range r.fitted.Crosses {
		want := make([]int64, len(cross.Weights))
		for row := range s.view.NumRows {
			if !cache.Consents(s.view.Row(row)) {
				continue
			}
			leveller.levels(s.view.Row(row), levels)
			cell := 0
			for _, f := range cross.Fields {
				if levels[f] == field.None {
					cell = -1
					break
				}
				cell = cell*columns[f].Levels() + int(levels[f])
			}
			if cell >= 0 {
				want[cell]++
			}
		}
		if !slices.Equal(counts[i], want) {
			t.Errorf("of the fields %v there are %v, row by row %v", cross.Fields, counts[i], want)
		}
	}
}

// viewOf stores a mirror, and reads it back.
func viewOf(t *testing.T, mirror *cache.Mirror) *cache.View {
	t.Helper()
	redis := miniredis.RunT(t)
	store := cache.Open(cache.Options{Addresses: []string{redis.Addr()}, Prefix: "t.", Whole: true})
	t.Cleanup(func() { store.Close() })
	writer, err := store.Claim(t.Context(), 0, true)
	if err != nil {
		t.Fatal(err)
	}
	if err := writer.Exec(t.Context(), mirror.Snapshot(cache.Meta{Ready: true})); err != nil {
		t.Fatal(err)
	}
	view, err := store.Scan(t.Context(), 0, cache.Want{})
	if err != nil {
		t.Fatal(err)
	}
	return view
}
