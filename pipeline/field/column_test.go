package field_test

import (
	"slices"
	"strconv"
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
	age := column(t, everybody, numbers("Age", 160))
	if levels := age.Codes([]string{"", "7", `"7"`, "55.5"}); levels[1] != 0 || levels[2] != age.Absent || levels[3] != 5 || levels[255] != age.Absent {
		t.Errorf("levels of numbers %v", levels[:4])
	}
}

func TestAbsenceOfAFewWeighsNothing(t *testing.T) {
	city := column(t, everybody, values("City", map[string]field.Count{`"Oslo"`: {All: 500}, `"Rome"`: {All: 491}}))
	if city.Absent != field.None || city.Levels() != 2 {
		t.Errorf("absence of nine is level %d of %d", city.Absent, city.Levels())
	}
}

func TestNumbersAreCutIntoEqualParts(t *testing.T) {
	for _, tally := range []field.Tally{numbers("Age", 160), keysOf(numbers("Age", 160))} {
		age := column(t, everybody, tally)
		if want := []float64{10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120, 130, 140, 150}; !slices.Equal(age.Bounds, want) {
			t.Fatalf("bounds %v, want %v", age.Bounds, want)
		}
		for _, at := range []struct {
			number float64
			level  uint8
		}{{-5, 0}, {0, 0}, {9, 0}, {10, 1}, {10.5, 1}, {89, 8}, {90, 9}, {1e9, 15}} {
			if got := age.Level(strconv.FormatFloat(at.number, 'g', -1, 64)); got != at.level {
				t.Errorf("%v is at level %d, want %d", at.number, got, at.level)
			}
			if got := age.Key(format.Key(at.number)); got != at.level {
				t.Errorf("the key of %v is at level %d, want %d", at.number, got, at.level)
			}
		}
		if age.Key(0) != age.Absent || age.Level(`"10"`) != age.Absent {
			t.Error("no number is not like absence")
		}
	}
}

// keysOf is a tally of the same numbers in a shard that keeps no values.
func keysOf(tally field.Tally) field.Tally {
	tally.Overflow = true
	for _, v := range tally.Values {
		if number, is := format.Number(v.Text); is {
			tally.Numbers = append(tally.Numbers, field.Range{Key: format.Key(number), Count: v.Count})
		}
	}
	tally.Values = nil
	return tally
}

// Half of all have 0: it is one part, and the others still get theirs.
func TestAFrequentNumberTakesOnePart(t *testing.T) {
	spent := field.Tally{Name: "Spent", Present: everybody}
	spent.Values = append(spent.Values, field.Value{Text: "0", Count: field.Count{All: 500, Source: 50}})
	for i := range 100 {
		spent.Values = append(spent.Values, field.Value{Text: strconv.Itoa(i + 1), Count: field.Count{All: 5}})
	}
	if got := column(t, everybody, spent); len(got.Bounds) != 15 || got.Bounds[0] != 1 {
		t.Errorf("bounds %v", got.Bounds)
	}
}

// Eight years are eight values, and so are codes that differ in their last digit only.
func TestFewNumbersAreTakenByValue(t *testing.T) {
	for _, first := range []int{2016, 1_234_567_801, -3} {
		tally := field.Tally{Name: "N", Present: everybody}
		for i := range 8 {
			tally.Values = append(tally.Values, field.Value{Text: strconv.Itoa(first + i), Count: slice(everybody, i, 8)})
		}
		got := column(t, everybody, tally)
		if got.Bounds != nil || got.Levels() != 8 || !got.Numbers {
			t.Errorf("from %d on: %+v", first, got)
		}
		if got.Level(strconv.Itoa(first+1)) == got.Level(strconv.Itoa(first+2)) || got.Level(strconv.Itoa(first+9)) != field.None {
			t.Errorf("from %d on, values share a level: %+v", first, got)
		}
	}
}

// The hours of a day are in an order, and each is told apart.
func TestEachOfSomeNumbersIsARange(t *testing.T) {
	tally := field.Tally{Name: "Hour", Present: everybody}
	for i := range 24 {
		tally.Values = append(tally.Values, field.Value{Text: strconv.Itoa(i), Count: slice(everybody, i, 24)})
	}
	got := column(t, everybody, tally)
	for i := range 24 {
		if level := got.Level(strconv.Itoa(i)); int(level) != i {
			t.Errorf("hour %d has level %d", i, level)
		}
	}
}

// Up to 254 different numbers are told apart however close they are.
func TestCloseNumbersAreCutBetweenThem(t *testing.T) {
	tally := field.Tally{Name: "N", Present: everybody}
	for i := range 100 {
		tally.Values = append(tally.Values, field.Value{Text: strconv.Itoa(1_700_000_000 + i), Count: slice(everybody, i, 100)})
	}
	if got := column(t, everybody, tally); len(got.Bounds) != 15 {
		t.Errorf("bounds %v", got.Bounds)
	}
}

// Whatever the numbers: at most sixteen parts, or thirty numbers, bounds ascend, and no part is so small that it could give anybody away. Shards
// that keep only keys, and coarse ranges of them, are asked until they are fine enough: then no part is larger than it must be.
func TestPartsAreFewAndNeverTooSmall(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		drawn := rapid.MapOf(rapid.Custom(func(t *rapid.T) float64 {
			return rapid.SampledFrom([]float64{1, 1000, 1.7e9}).Draw(t, "scale") * float64(rapid.IntRange(-300, 300).Draw(t, "n")) / 100
		}), rapid.Int64Range(1, 60)).Draw(rt, "counts")
		var shards [2]map[float64]int64
		var all int64
		for i := range shards {
			shards[i] = map[float64]int64{}
		}
		for number, n := range drawn {
			all += n
			half := rapid.Int64Range(0, n-1).Draw(rt, "half") // the shard that keeps keys only has some of each
			shards[0][number], shards[1][number] = half, n-half
		}
		keeps := rapid.Bool().Draw(rt, "one shard keeps values")
		tallies := []field.Tally{coarse(shards[0], keeps), coarse(shards[1], false)}
		for blurred := field.Blurred(tallies); len(blurred) > 0; blurred = field.Blurred(tallies) {
			for i, shard := range shards {
				if i > 0 || !keeps {
					divide(&tallies[i], shard, blurred["N"])
				}
			}
		}
		choice, err := field.New(nil, field.Count{All: all}, tallies).Choose([]string{"N"})
		if err != nil {
			return // too few to be cut
		}
		n := choice.Columns[0]
		if n.Levels() > 16 && len(drawn) > 30 || n.Levels() > 30 || len(n.Bounds) == 0 || !slices.IsSorted(n.Bounds) || len(slices.Compact(n.Bounds)) != n.Levels()-1 {
			rt.Fatalf("%d levels, bounds %v", n.Levels(), n.Bounds)
		}
		in := make([]int64, n.Levels())
		var most int64 // customers of a number
		for number, count := range drawn {
			level := n.Level(strconv.FormatFloat(number, 'g', -1, 64))
			if by := n.Key(format.Key(number)); by != level {
				rt.Fatalf("%v is at level %d, its key at %d", number, level, by)
			}
			in[level] += count
			most = max(most, count)
		}
		if slices.Min(in) < 10 {
			rt.Fatalf("parts of %v customers", in)
		}
		if largest := slices.Max(in); len(drawn) > 20 && n.Levels() == 16 && largest > all/16+all/50+2*most+20 {
			rt.Fatalf("of %d customers a part has %d: %v", all, largest, in)
		}
	})
}

// coarse counts numbers as a shard does at first.
func coarse(numbers map[float64]int64, keeps bool) field.Tally {
	tally := field.Tally{Name: "N", Overflow: !keeps}
	for number, n := range numbers {
		count := field.Count{All: n}
		tally.Present.All += n
		if keeps {
			tally.Values = append(tally.Values, field.Value{Text: strconv.FormatFloat(number, 'g', -1, 64), Count: count})
		} else {
			key := format.Key(number) >> field.Coarse << field.Coarse
			tally.Numbers = append(tally.Numbers, field.Range{Key: key, Bits: field.Coarse, Count: count})
		}
	}
	return tally
}

func divide(tally *field.Tally, numbers map[float64]int64, divided []field.Range) {
	var parts []field.Range
	for _, d := range divided {
		for _, part := range d.Parts() {
			for number, n := range numbers {
				if key := format.Key(number); key >= part.Key && key <= (part.Key|(1<<part.Bits-1)) {
					part.All += n
				}
			}
			parts = append(parts, part)
		}
	}
	tally.Divide(divided, parts)
}

// A shard that has met too many numbers keeps their keys, also where a model tells a few numbers one by one.
func TestSingleNumbersAreFoundByTheirKeys(t *testing.T) {
	c := field.Column{Name: "Rooms", Numbers: true, Values: []string{"1", "10", "2.5"}, Absent: 3}
	for key, want := range map[uint32]uint8{format.Key(1): 0, format.Key(10): 1, format.Key(2.5): 2, format.Key(2): field.None, 0: 3} {
		if got := c.Key(key); got != want {
			t.Errorf("key %x has level %d, want %d", key, got, want)
		}
	}
}
