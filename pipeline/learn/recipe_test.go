package learn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"kindred/pipeline/field"
	"kindred/pipeline/train"
)

// told is what a recipe makes of the samples of TestARecipeHasItsNumber: of each the bias, how much fields and crosses weigh,
// the AUC and the influences.
var told = struct {
	recipe  int
	numbers []float64
}{6, []float64{
	-0.0660609, 1.0642775, 0.7179114, 0.1036, 0, 0.7925, 0.0902, 0.7975, 0, 3.9410239, 0.7243,
	0.0164663, 1.3683788, 0.731629, 0.1651, 0, 0.7045, 0.0726, 0.7177, 0, 3.626022, 0.6273,
	-0.0033693, 1.4231725, 0.7274239, 0.1888, 0, 0.6623, 0.065, 0.664, 0, 3.1277426, 0.5447,
}}

// TestARecipeHasItsNumber: when the same samples give something else, recipe has to be raised, and what it gives noted above.
// Else a refresh after an update would keep what the build before has found. Another compiler may round otherwise, which is
// nothing else.
func TestARecipeHasItsNumber(t *testing.T) {
	var found []float64
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
		found = append(found, fitted.Bias, norm(fitted.Weights...), fitted.Quality.AUC)
		found = append(found, fitted.Influence...)
		for _, c := range fitted.Crosses {
			found = append(found, norm(c.Weights), c.Influence)
		}
		if len(fitted.Crosses) == 0 {
			t.Errorf("%d + %d customers: no cross was found", size.source, size.others)
		}
	}
	same := func(a, b float64) bool { return math.Abs(a-b) <= 1e-5 }
	if told.recipe != recipe || !slices.EqualFunc(found, told.numbers, same) {
		t.Errorf("recipe %d gives %.7f, and recipe %d gave %.7f: raise its number, and note what it gives", recipe, found, told.recipe, told.numbers)
	}
}

// norm is the length of the vector of all weights.
func norm(weights ...[]float64) float64 {
	sum := 0.0
	for _, w := range weights {
		for _, x := range w {
			sum += x * x
		}
	}
	return math.Sqrt(sum)
}
