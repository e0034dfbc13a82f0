package learn

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"kindred/pipeline/field"
	"kindred/pipeline/train"
)

// recipes are hashes of what each recipe makes of the samples of TestARecipeHasItsNumber.
var recipes = map[int]string{
	1: "a06762f58937a7c5",
	2: "707d465e4670d80e",
}

// TestARecipeHasItsNumber: when the same samples give something else, recipe has to be raised, and what it gives noted above. Else
// a refresh after an update would keep what the build before has found.
func TestARecipeHasItsNumber(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("sums are rounded otherwise here")
	}
	hash := sha256.New()
	for _, size := range []struct{ source, others int }{{700, 3000}, {2500, 9000}, {train.SourceRows, train.BackgroundRows}} {
		rng := rand.New(rand.NewPCG(uint64(size.source), 7))
		columns := make([]field.Column, 6)
		for i := range columns {
			columns[i] = field.Column{Name: fmt.Sprint(i), Values: []string{"a", "b", "c", "d"}, Absent: 4}
			if i < 2 {
				columns[i] = field.Column{Name: fmt.Sprint(i), Numbers: true, Bounds: []float64{1, 2, 3, 4, 5, 6, 7}, Absent: 8}
			}
		}
		draw := func(n int, source bool) *train.Sample {
			s := &train.Sample{Limit: n, Of: int64(3 * n), Width: len(columns)}
			row := make([]uint8, len(columns))
			for s.Len() < n {
				for i := range row {
					row[i] = uint8(rng.IntN(columns[i].Levels()))
				}
				likely := 0.1 + 0.03*float64(row[0]) + 0.1*float64(row[3]&1)
				if (row[2] == 1) == (row[4] == 2) {
					likely += 0.4
				}
				if (rng.Float64() < likely) == source {
					id := fmt.Append(nil, source, s.Len())
					s.Add(train.Hash(id), id, row)
				}
			}
			return s
		}
		p := train.Problem{
			Levels: levels(columns), Ordered: ordered(columns), Source: draw(size.source, true), Background: draw(size.others, false),
			Bands: [3]float64{0.4, 0.6, 0.8},
		}
		fitted, err := train.Fit(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		m := quantized(fitted, columns)
		fmt.Fprintln(hash, m.Bias, m.Fields, m.Crosses, m.Scores)
		fmt.Fprintf(hash, "%.4f %.9f %v\n", fitted.Influence, fitted.Quality.AUC, fitted.Quality.Grade)
		if len(m.Crosses) == 0 {
			t.Errorf("%d + %d customers: no cross was found", size.source, size.others)
		}
	}
	if found := fmt.Sprintf("%x", hash.Sum(nil)[:8]); found != recipes[recipe] {
		t.Errorf("recipe %d gives %s, not %q: raise its number", recipe, found, recipes[recipe])
	}
}
