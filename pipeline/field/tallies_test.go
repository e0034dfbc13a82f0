package field_test

import (
	"slices"
	"strconv"
	"testing"

	"kindred/pipeline/format"

	"kindred/pipeline/field"
	"kindred/schemas"
)

// everybody is 1,000 customers, of whom 100 are in the source.
var everybody = field.Count{All: 1_000, Source: 100}

// strings is a field whose n values are spread evenly, in the source as elsewhere.
func strings(name string, n int) field.Tally { return spread(name, everybody, n) }

func spread(name string, customers field.Count, n int) field.Tally {
	t := field.Tally{Name: name, Present: customers}
	for i := range n {
		t.Values = append(t.Values, field.Value{Text: strconv.Quote("v" + strconv.Itoa(i)), Count: slice(customers, i, n)})
	}
	return t
}

// numbers is a field of the whole numbers 0 to n-1, spread evenly.
func numbers(name string, n int) field.Tally {
	t := field.Tally{Name: name, Present: everybody, Overflow: n > 254}
	for i := range n {
		count := slice(everybody, i, n)
		if t.Overflow {
			t.Numbers = append(t.Numbers, field.Range{Key: format.Key(float64(i)), Count: count})
		} else {
			t.Values = append(t.Values, field.Value{Text: strconv.Itoa(i), Count: count})
		}
	}
	return t
}

// slice is the i-th of n parts.
func slice(c field.Count, i, n int) field.Count {
	part := func(whole int64) int64 { return whole*int64(i+1)/int64(n) - whole*int64(i)/int64(n) }
	return field.Count{All: part(c.All), Source: part(c.Source)}
}

// values is a field with these values, each of which so many customers, and source members, have.
func values(name string, counts map[string]field.Count) field.Tally {
	t := field.Tally{Name: name}
	for text, count := range counts {
		t.Values = append(t.Values, field.Value{Text: text, Count: count})
		t.Present.All += count.All
		t.Present.Source += count.Source
	}
	return t
}

func used(choice *field.Choice) (names []string) {
	for i := range choice.Columns {
		names = append(names, choice.Columns[i].Name)
	}
	return names
}

func report(t *testing.T, reports []schemas.FieldReport, name string) schemas.FieldReport {
	t.Helper()
	i := slices.IndexFunc(reports, func(r schemas.FieldReport) bool { return r.Name == name })
	if i < 0 {
		t.Fatalf("field %s is not reported", name)
	}
	return reports[i]
}
