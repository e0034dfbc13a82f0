package learn

import (
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/alicebob/miniredis/v2"

	"kindred/pipeline/cache"
	"kindred/pipeline/field"
	"kindred/pipeline/model"
	"kindred/pipeline/train"
	"kindred/schemas"
)

// BenchmarkPasses goes over a shard of customers with 20 fields of 12 values on one core, pass by pass.
func BenchmarkPasses(b *testing.B) {
	const customers, fields = 300_000, 20
	s := scanned(b, customers, fields)
	rate := func(b *testing.B) {
		b.ReportMetric(float64(b.N)*customers/b.Elapsed().Seconds()/1e6, "Mrows/s")
	}
	b.Run("tally", func(b *testing.B) {
		for b.Loop() {
			countRows(s.view)
		}
		rate(b)
	})
	choice, err := field.New(nil, field.Count{All: customers, Source: customers / 50}, s.tallies).Choose(nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("sample", func(b *testing.B) {
		for b.Loop() {
			width := len(choice.Columns)
			s.sample(choice.Columns, amongst(new(schemas.Definition), s.view), samples{
				{{Limit: 2000, Of: customers / 50, Width: width}, {Limit: 3000, Of: customers, Width: width}},
				{{Width: width}, {Width: width}},
			})
		}
		rate(b)
	})
	fitted := &train.Result{}
	for _, c := range choice.Columns {
		fitted.Weights = append(fitted.Weights, make([]float64, c.Levels()))
		for i := range c.Levels() {
			fitted.Weights[len(fitted.Weights)-1][i] = float64(i%5-2) / 4
		}
	}
	m := quantized(fitted, choice.Columns)
	m.Bands = model.Bounds{4000, 6000, 8000}
	m.Definition = schemas.Definition{SourceSegmentID: "vip", ExcludeSource: true}
	b.Run("score", func(b *testing.B) {
		for b.Loop() {
			Score(m, s.view)
		}
		rate(b)
	})
}

func scanned(b *testing.B, customers, fields int) *shard {
	random := rand.New(rand.NewPCG(1, 2))
	mirror := cache.New(0)
	decoded := schemas.Profile{Profiling: true, Fields: make([]schemas.FieldValue, fields)}
	for i := range customers {
		for f := range decoded.Fields {
			decoded.Fields[f] = schemas.FieldValue{Name: []byte("f" + strconv.Itoa(f)), Kind: schemas.String,
				Text: []byte("v" + strconv.Itoa(random.IntN(12)))}
		}
		row := mirror.Take([]byte("c-" + strconv.Itoa(i)))
		mirror.SetProfile(row, &decoded)
		if i%50 == 0 {
			mirror.SetMember("vip", row, true, 0)
		}
	}
	redis := miniredis.RunT(b)
	store := cache.Open(cache.Options{Addresses: []string{redis.Addr()}, Prefix: "t.", Whole: true})
	b.Cleanup(func() { store.Close() })
	writer, err := store.Claim(b.Context(), 0, true)
	if err != nil {
		b.Fatal(err)
	}
	if err := writer.Exec(b.Context(), mirror.Snapshot(cache.Meta{Ready: true})); err != nil {
		b.Fatal(err)
	}
	view, err := store.Scan(b.Context(), 0, cache.Want{Segments: []string{"vip"}})
	if err != nil {
		b.Fatal(err)
	}
	s := &shard{reading: reading{view, countRows(view)}, source: view.Segment("vip")}
	s.countSource()
	return s
}
