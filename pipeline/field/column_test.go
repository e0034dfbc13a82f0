package field_test

import (
	"math"
	"slices"
	"testing"

	"kindred/pipeline/format"

	"pgregory.net/rapid"

	"kindred/pipeline/field"
)

func column(t testing.TB, customers field.Count, tally field.Tally) field.Column {
	t.Helper()
	choice, err := field.New(nil, customers, []field.Tally{tally}).Choose([]string{tally.Name})
	if err != nil {
		t.Fatal(err)
	}
	return choice.Columns[0]
}

// Nine customers could be recognised by a value; it is not named and weighs nothing.
func TestRareValuesAreNotNamed(t *testing.T) {
	city := column(t, everybody, values("City", map[string]field.Count{
		`"Oslo"`: {All: 500, Source: 50}, `"Bergen"`: {All: 10, Source: 1}, `"Moss"`: {All: 9, Source: 1},
	}))
	if want := []string{`"Bergen"`, `"Oslo"`}; !slices.Equal(city.Values, want) {
		t.Errorf("named %v, want %v", city.Values, want)
	}
	if city.Level(`"Bergen"`) != 0 || city.Level(`"Oslo"`) != 1 || city.Level(`"Moss"`) != field.None || city.Level(`"Rome"`) != field.None {
		t.Error("levels do not follow the values")
	}
	if city.Absent != 2 || city.Levels() != 3 {
		t.Errorf("absence is level %d of %d", city.Absent, city.Levels())
	}
}

// A shard numbers its values in its own way, may lack some and may have others.
func TestCodesOfADictionary(t *testing.T) {
	city := column(t, everybody, values("City", map[string]field.Count{`"Oslo"`: {All: 500, Source: 50}, `"Rome"`: {All: 400, Source: 40}}))
	levels := city.Codes([]string{"", `"Rome"`, "", `"Paris"`, `"Oslo"`})
	if got, want := levels[:6], []uint8{2, 1, field.None, field.None, 0, field.None}; !slices.Equal(got, want) {
		t.Errorf("levels %v, want %v", got, want)
	}
	if levels[255] != field.None {
		t.Error("too many values weigh something")
	}
}

func TestAbsenceOfAFewWeighsNothing(t *testing.T) {
	city := column(t, everybody, values("City", map[string]field.Count{`"Oslo"`: {All: 500}, `"Rome"`: {All: 491}}))
	if city.Absent != field.None || city.Levels() != 2 {
		t.Errorf("absence of nine is level %d of %d", city.Absent, city.Levels())
	}
}

func TestNumbersAreCutIntoEqualParts(t *testing.T) {
	age := column(t, everybody, numbers("Age", 100))
	if len(age.Bounds) != 9 {
		t.Fatalf("%d bounds, want 9", len(age.Bounds))
	}
	for i, bound := range age.Bounds {
		if at := format.Nearest(bound); at != float64(10*(i+1)) {
			t.Errorf("bound %d at %v, want %v", i, at, 10*(i+1))
		}
	}
	for _, at := range []struct {
		number float64
		level  uint8
	}{{-5, 0}, {0, 0}, {9, 0}, {10, 1}, {10.5, 1}, {89, 8}, {90, 9}, {1e9, 9}} {
		if got := age.Bin(format.Key(at.number)); got != at.level {
			t.Errorf("%v is at level %d, want %d", at.number, got, at.level)
		}
	}
	if age.Bin(0) != age.Absent {
		t.Error("no number is not like absence")
	}
}

// Half of all have 0: it is one part, and the others still get theirs.
func TestAFrequentNumberTakesOnePart(t *testing.T) {
	spent := field.Tally{Name: "Spent", Present: everybody}
	spent.Numbers = append(spent.Numbers, field.Number{Key: format.Key(0), Count: field.Count{All: 500, Source: 50}})
	for i := range 100 {
		spent.Numbers = append(spent.Numbers, field.Number{Key: format.Key(float64(i + 1)), Count: field.Count{All: 5}})
	}
	got := column(t, everybody, spent)
	if len(got.Bounds) != 9 || got.Bounds[0] != format.Key(1) {
		t.Errorf("%d bounds, the first at %v", len(got.Bounds), format.Nearest(got.Bounds[0]))
	}
}

func TestFewNumbersAreLevelsOfTheirOwn(t *testing.T) {
	kids := field.Tally{Name: "Kids", Present: everybody}
	for i, n := range []int64{600, 200, 150, 40, 8, 2} { // the last two make up ten
		kids.Numbers = append(kids.Numbers, field.Number{Key: format.Key(float64(i)), Count: field.Count{All: n, Source: n / 10}})
	}
	got := column(t, everybody, kids)
	if want := []uint16{format.Key(1), format.Key(2), format.Key(3), format.Key(4)}; !slices.Equal(got.Bounds, want) {
		t.Errorf("bounds %v, want %v", got.Bounds, want)
	}
}

// Whatever the numbers: at most ten parts, bounds ascend, and no part is so small that it could give anybody away.
func TestPartsAreFewAndNeverTooSmall(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		counts := rapid.MapOf(rapid.Uint16Range(1, 65535), rapid.Int64Range(1, 60)).Draw(rt, "counts")
		tally := field.Tally{Name: "N"}
		for key, n := range counts {
			tally.Numbers = append(tally.Numbers, field.Number{Key: key, Count: field.Count{All: n}})
			tally.Present.All += n
		}
		choice, err := field.New(nil, tally.Present, []field.Tally{tally}).Choose([]string{"N"})
		if err != nil {
			return // too few to be cut
		}
		n := choice.Columns[0]
		if n.Levels() > 10 || len(n.Bounds) == 0 || !slices.IsSorted(n.Bounds) || len(slices.Compact(n.Bounds)) != n.Levels()-1 {
			rt.Fatalf("%d levels, bounds %v", n.Levels(), n.Bounds)
		}
		in := make([]int64, n.Levels())
		for key, count := range counts {
			in[n.Bin(key)] += count
		}
		if slices.Min(in) < 10 {
			rt.Fatalf("parts of %v customers", in)
		}
	})
}

func TestNumbersOfKeys(t *testing.T) {
	for _, x := range []float64{0, 1, -1, 17, 0.5, -384, 65536, math.Inf(1), math.Inf(-1)} {
		if got := format.Nearest(format.Key(x)); got != x {
			t.Errorf("the key of %v stands for %v", x, got)
		}
	}
	if format.Nearest(format.Key(300.25)) != 300 || format.Nearest(format.Key(-300.25)) != -300 {
		t.Error("a key does not stand for the number nearest to zero")
	}
}
