package field_test

import (
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"kindred/pipeline/field"
	"kindred/pipeline/format"
	"kindred/schemas"
)

func TestEveryFieldIsReportedWithItsReason(t *testing.T) {
	few := strings("Few", 3)
	few.Present = field.Count{All: 9, Source: 1}
	for i := range few.Values {
		few.Values[i].Count = field.Count{All: 3}
	}
	names := field.Tally{Name: "Name", Present: everybody, Overflow: true}
	declared := []schemas.Field{
		{Name: "Gender", Type: "Person.Gender"},
		{Name: "Code", Type: "StringType"},
		{Name: "Faith", Type: "Person.Faith", Sensitive: true},
		{Name: "Empty", Type: "Person.Empty"},
	}
	catalogue := field.New(declared, everybody, []field.Tally{
		strings("Gender", 2), strings("City", 30), strings("Street", 31), strings("One", 1), strings("Code", 4),
		strings("Faith", 4), few, numbers("Age", 60), numbers("Income", 900), names,
		values("Member", map[string]field.Count{"true": {All: 400, Source: 40}, "false": {All: 600, Source: 60}}),
		values("Stamp", map[string]field.Count{`"vip"`: {All: 100, Source: 100}, `"no"`: {All: 900}}),
	})
	choice, err := catalogue.Choose(nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := used(choice), []string{"City", "Gender"}; !slices.Equal(got, want) {
		t.Errorf("recommended %v, want %v", got, want)
	}

	check := func(name, kind string, distinct int64, coverage float64, reason string) {
		t.Helper()
		want := schemas.FieldReport{Name: name, Type: kind, Distinct: distinct, Coverage: coverage, Used: reason == "", Reason: reason}
		if got := report(t, choice.Reports, name); !reflect.DeepEqual(got, want) {
			t.Errorf("reported %+v, want %+v", got, want)
		}
	}
	check("Gender", "Person.Gender", 2, 1, "")
	check("City", "category", 30, 1, "")
	check("Street", "category", 31, 1, field.Cardinality)
	check("One", "category", 1, 1, field.Cardinality)
	check("Code", "StringType", 4, 1, field.ByType)
	check("Faith", "Person.Faith", 4, 1, field.Sensitive)
	check("Few", "category", 3, 0.009, field.Coverage)
	check("Empty", "Person.Empty", 0, 0, field.Cardinality)
	check("Age", "LongType", 60, 1, field.ByType)
	check("Income", "LongType", 255, 1, field.ByType)
	check("Name", "category", 255, 1, field.Cardinality)
	check("Member", "BooleanType", 2, 1, field.ByType)
	check("Stamp", "category", 2, 1, field.Leak)
	if !reflect.DeepEqual(choice.Reports, catalogue.Reports()) {
		t.Error("the catalogue reports otherwise than the recommended choice")
	}
	if len(choice.Warnings) != 1 || choice.Warnings[0].Code != "leak" {
		t.Errorf("warnings %+v, want the leak of Stamp", choice.Warnings)
	}
}

func TestNamingAFieldOverridesItsType(t *testing.T) {
	declared := []schemas.Field{{Name: "Code", Type: "StringType"}, {Name: "Street", Type: "StringType"}}
	catalogue := field.New(declared, everybody, []field.Tally{
		strings("Code", 4), strings("Street", 90), numbers("Age", 60), numbers("Income", 900), strings("City", 5),
		values("Member", map[string]field.Count{"true": {All: 400, Source: 40}, "false": {All: 600, Source: 60}}),
	})
	choice, err := catalogue.Choose([]string{"Street", "Code", "Age", "Income", "Member", "Code"})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := used(choice), []string{"Age", "Code", "Income", "Member", "Street"}; !slices.Equal(got, want) {
		t.Fatalf("used %v, want %v", got, want)
	}
	levels := map[string]int{"Age": 16, "Code": 4, "Income": 16, "Member": 2, "Street": 90}
	for _, column := range choice.Columns {
		if column.Levels() != levels[column.Name] {
			t.Errorf("%s has %d levels, want %d", column.Name, column.Levels(), levels[column.Name])
		}
		if binned := column.Bounds != nil; binned != (column.Name == "Age" || column.Name == "Income") {
			t.Errorf("%s is cut into ranges: %v", column.Name, binned)
		}
	}
	if city := report(t, choice.Reports, "City"); city.Used || city.Reason != field.NotAsked {
		t.Errorf("the field that nobody named is reported as %+v", city)
	}
}

func TestANamedFieldThatCannotBeUsedIsRefused(t *testing.T) {
	rare := strings("Rare", 4)
	rare.Present = field.Count{All: 9}
	some := strings("Some", 2)
	some.Overflow = false
	catalogue := field.New(
		[]schemas.Field{{Name: "Faith", Type: "Person.Faith", Sensitive: true}, {Name: "Empty", Type: "LongType"}},
		everybody,
		[]field.Tally{
			strings("Faith", 4), strings("One", 1), rare, strings("City", 3), strings("Crowd", 255),
			values("Stamp", map[string]field.Count{`"vip"`: {All: 100, Source: 100}, `"no"`: {All: 900}}),
			some, {Name: "Some", Overflow: true, Present: field.Count{All: 1}}, {Name: "Late", Unplaced: true},
		},
	)
	check := func(name, reason string) {
		t.Helper()
		choice, err := catalogue.Choose([]string{"City", name})
		var refused *field.Refused
		if !errors.As(err, &refused) {
			t.Fatalf("%s: choice %v, error %v, want a refusal", name, choice, err)
		}
		if refused.Field != name || refused.Reason != reason || refused.Message == "" || refused.Hint == "" {
			t.Errorf("%s is refused as %+v, want reason %s", name, refused, reason)
		}
	}
	check("Faith", field.Sensitive)
	check("One", field.Cardinality)
	check("Empty", field.Cardinality)
	check("Crowd", field.Cardinality)
	check("Rare", field.Coverage)
	check("Stamp", field.Leak)
	check("Some", field.Overflow)
	check("Late", field.NoPlace)
	check("city", field.Unknown)
}

func TestNoUsableFieldIsRefused(t *testing.T) {
	catalogue := field.New(nil, everybody, []field.Tally{numbers("Age", 60)})
	for _, named := range [][]string{nil, {}} {
		var refused *field.Refused
		if _, err := catalogue.Choose(named); !errors.As(err, &refused) || refused.Hint == "" {
			t.Errorf("named %v: error %v, want a refusal with a hint", named, err)
		}
	}
}

func TestTypesAreInferredFromValues(t *testing.T) {
	all := func(name string, counts map[string]int64) field.Tally {
		tally := field.Tally{Name: name}
		for text, n := range counts {
			tally.Values = append(tally.Values, field.Value{Text: text, Count: field.Count{All: n, Source: n / 10}})
			tally.Present.All += n
		}
		return tally
	}
	crowd := func(name string, numbers, texts int64) field.Tally {
		return field.Tally{Name: name, Overflow: true, Present: field.Count{All: numbers + texts},
			Numbers: []field.Range{{Key: format.Key(1), Count: field.Count{All: numbers - 1}}, {Key: format.Key(2.5), Count: field.Count{All: 1}}}}
	}
	catalogue := field.New([]schemas.Field{{Name: "Declared", Type: "LongType"}, {Name: "Wrong", Type: "LongType"}}, everybody, []field.Tally{
		all("Numbers", map[string]int64{"1": 899, `"n/a"`: 99}),
		all("Texts", map[string]int64{`"a"`: 500, `"b"`: 499, "7": 1}),
		all("Mixed", map[string]int64{"1": 899, `"n/a"`: 101}),
		all("Half", map[string]int64{"1": 900, "1.5": 100}),
		all("Flags", map[string]int64{"true": 500, "false": 400, "0": 100}),
		all("Unsure", map[string]int64{"true": 500, `"yes"`: 500}),
		all("Declared", map[string]int64{"1": 300, `"many"`: 700}),
		all("Wrong", map[string]int64{"1": 1, `"many"`: 500, `"few"`: 499}),
		crowd("Crowd", 900, 100), crowd("Names", 899, 101),
	})
	check := func(name, kind string, differ int64) {
		t.Helper()
		if got := report(t, catalogue.Reports(), name); got.Type != kind || got.Differ != differ {
			t.Errorf("%s is taken for %s, from which %d differ, want %s and %d", name, got.Type, got.Differ, kind, differ)
		}
	}
	check("Numbers", "LongType", 99)
	check("Texts", "category", 1)
	check("Mixed", "category", 101)
	check("Half", "DoubleType", 0)
	check("Flags", "BooleanType", 100)
	check("Unsure", "category", 500)
	check("Declared", "LongType", 700)
	check("Wrong", "LongType", 999)
	check("Crowd", "DoubleType", 100)
	check("Names", "category", 101)
}

// What a few customers have that is not of the field's type changes no level of the others.
func TestOddValuesLeaveTheFieldAsItIs(t *testing.T) {
	clean, odd := strings("City", 5), strings("City", 5)
	odd.Values = append(odd.Values, field.Value{Text: "7", Count: field.Count{All: 1}}, field.Value{Text: "true", Count: field.Count{All: 1}})
	odd.Present.All += 2
	everybody := field.Count{All: everybody.All + 2, Source: everybody.Source}
	if got, want := column(t, everybody, odd), column(t, everybody, clean); !slices.Equal(got.Values, want.Values) || got.Level("7") != field.None {
		t.Errorf("with odd values the levels are %+v, without %+v", got, want)
	}
	clean, odd = numbers("Age", 60), numbers("Age", 60)
	odd.Values = append(odd.Values, field.Value{Text: `"40"`, Count: field.Count{All: 2}})
	odd.Present.All += 2
	got, want := column(t, everybody, odd), column(t, everybody, clean)
	if !slices.Equal(got.Bounds, want.Bounds) || got.Level(`"40"`) != got.Absent {
		t.Errorf("with odd values the levels are %+v, without %+v", got, want)
	}
	choice, err := field.New(nil, everybody, []field.Tally{odd}).Choose([]string{"Age"})
	if err != nil || len(choice.Warnings) != 1 || choice.Warnings[0].Code != "mixed_types" {
		t.Errorf("warnings %+v, error %v", choice.Warnings, err)
	}
}

// In a category values count by their text: 7 is "7".
func TestACategoryTakesValuesByTheirText(t *testing.T) {
	zip := column(t, everybody, values("Zip", map[string]field.Count{
		`"0150"`: {All: 500, Source: 50}, `"7"`: {All: 6, Source: 1}, "7": {All: 6, Source: 1}, "5003": {All: 400, Source: 40},
	}))
	if want := []string{`"0150"`, `"5003"`, `"7"`}; !slices.Equal(zip.Values, want) || zip.Level("7") != 2 || zip.Level(`"7"`) != 2 {
		t.Errorf("levels %+v", zip)
	}
}

// A category may be written in numbers: its declaration says that they are names, not amounts.
func TestDeclaredCategoriesOfNumbersAreNotCut(t *testing.T) {
	catalogue := field.New([]schemas.Field{{Name: "Region", Type: "Place.Region"}}, everybody, []field.Tally{numbers("Region", 12)})
	choice, err := catalogue.Choose(nil)
	if err != nil {
		t.Fatal(err)
	}
	if column := choice.Columns[0]; column.Bounds != nil || column.Levels() != 12 || column.Level("7") == field.None {
		t.Errorf("levels %+v", column)
	}
}

func TestTheLastDeclarationCounts(t *testing.T) {
	declared := []schemas.Field{{Name: "City", Type: "StringType"}, {Name: "City", Type: "Place.City"}}
	catalogue := field.New(declared, everybody, []field.Tally{strings("City", 3)})
	if got := report(t, catalogue.Reports(), "City"); got.Type != "Place.City" || !got.Used {
		t.Errorf("reported %+v", got)
	}
}

// Shards meet values in their own order and each counts its own customers.
func TestSpreadOverShardsMakesNoDifference(t *testing.T) {
	tallies := []field.Tally{strings("City", 12), strings("Gender", 2), numbers("Age", 60)}
	named := []string{"Age", "City", "Gender"}
	want, err := field.New(nil, everybody, tallies).Choose(named)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	var spread []field.Tally
	for shard := range 3 {
		for _, whole := range tallies {
			part := field.Tally{Name: whole.Name, Present: slice(whole.Present, shard, 3)}
			for _, v := range whole.Values {
				v.Count = slice(v.Count, shard, 3)
				part.Values = append(part.Values, v)
			}
			for _, n := range whole.Numbers {
				n.Count = slice(n.Count, shard, 3)
				part.Numbers = append(part.Numbers, n)
			}
			rng.Shuffle(len(part.Values), func(i, j int) { part.Values[i], part.Values[j] = part.Values[j], part.Values[i] })
			spread = append(spread, part)
		}
	}
	rng.Shuffle(len(spread), func(i, j int) { spread[i], spread[j] = spread[j], spread[i] })
	got, err := field.New(nil, everybody, spread).Choose(named)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(want, got) {
		t.Errorf("three shards give %+v, one gives %+v", got, want)
	}
}
