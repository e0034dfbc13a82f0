package field_test

import (
	"slices"
	"testing"

	"kindred/pipeline/field"
)

// judge returns leak, or ruled when the field seems to be part of the source's rule, or nothing.
func judge(customers field.Count, tally field.Tally) string {
	choice, err := field.New(nil, customers, []field.Tally{tally, spread("Other", customers, 3)}).Choose([]string{"Other", tally.Name})
	if refused, ok := err.(*field.Refused); ok {
		return refused.Reason
	}
	if slices.Contains(choice.Ruled, tally.Name) {
		return "ruled"
	}
	return ""
}

func TestLeaks(t *testing.T) {
	customers := field.Count{All: 10_000, Source: 1_000}
	check := func(what, want string, counts map[string]field.Count) {
		t.Helper()
		if got := judge(customers, values("F", counts)); got != want {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	check("one value is the source", field.Leak, map[string]field.Count{
		`"a"`: {All: 1_000, Source: 995}, `"b"`: {All: 9_000, Source: 5},
	})
	check("three values together are the source", field.Leak, map[string]field.Count{
		`"a"`: {All: 500, Source: 498}, `"b"`: {All: 400, Source: 398}, `"c"`: {All: 100, Source: 99}, `"d"`: {All: 9_000, Source: 5},
	})
	check("absence is the source", field.Leak, map[string]field.Count{`"a"`: {All: 4_000}, `"b"`: {All: 5_000}})
	check("precise, but only half of the source", "", map[string]field.Count{
		`"a"`: {All: 500, Source: 500}, `"b"`: {All: 9_500, Source: 500},
	})
	check("complete, but half are others", field.Leak, map[string]field.Count{
		`"a"`: {All: 1_000, Source: 990}, `"b"`: {All: 9_000, Source: 10},
	})
	check("98 % precise", "ruled", map[string]field.Count{
		`"a"`: {All: 1_010, Source: 990}, `"b"`: {All: 8_990, Source: 10},
	})
	check("no sign of anything", "", map[string]field.Count{
		`"a"`: {All: 5_000, Source: 700}, `"b"`: {All: 5_000, Source: 300},
	})
}

func TestNumbersLeakByAThreshold(t *testing.T) {
	spent := field.Tally{Name: "Spent", Present: field.Count{All: 1_000, Source: 50}, Overflow: true}
	for i := range 1_000 { // the source: whoever spent more than 949, which is no bound of a tenth
		count := field.Count{All: 1}
		if i >= 950 {
			count.Source = 1
		}
		spent.Numbers = append(spent.Numbers, field.Range{Key: uint32(0x8100+i) << 16, Count: count})
	}
	if got := judge(spent.Present, spent); got != field.Leak {
		t.Errorf("a threshold: %q, want a leak", got)
	}
	for i := range spent.Numbers { // each of them has a number of its own, as any customer has
		spent.Numbers[i].Source = 0
		if i%20 == 0 {
			spent.Numbers[i].Source = 1
		}
	}
	if got := judge(spent.Present, spent); got != "" {
		t.Errorf("numbers that are nearly ids: %q, want nothing", got)
	}
}

// Everybody but a handful is in the source: then any field would "find" it.
func TestASourceOfNearlyAllLeaksNowhere(t *testing.T) {
	customers := field.Count{All: 1_000, Source: 995}
	got := judge(customers, values("F", map[string]field.Count{`"a"`: {All: 500, Source: 498}, `"b"`: {All: 500, Source: 497}}))
	if got != "" {
		t.Errorf("%q, want nothing", got)
	}
}

func TestFieldsOfTheSourcesOwnRuleAreFound(t *testing.T) {
	customers := field.Count{All: 10_000, Source: 1_000}
	byRule := map[string]field.Count{`"a"`: {All: 3_000, Source: 1_000}, `"b"`: {All: 3_500}, `"c"`: {All: 3_500}}
	if got := judge(customers, values("F", byRule)); got != "ruled" {
		t.Errorf("a rule's field: %q", got)
	}
	quarter := map[string]field.Count{`"a"`: {All: 7_500, Source: 1_000}, `"b"`: {All: 2_500}}
	if got := judge(customers, values("F", quarter)); got != "" {
		t.Errorf("a quarter of the others: %q, want nothing", got)
	}
	// Of 250 members over 250 values, none has many a value; and of 40, none may have one that a third of the others
	// have: that is chance, or a strong trait, but no rule.
	few := field.Count{All: 10_000, Source: 250}
	colours := field.Tally{Name: "F", Present: few}
	for i := range 250 {
		count := field.Count{All: 40}
		if i < 125 {
			count.Source = 2
		}
		colours.Values = append(colours.Values, field.Value{Text: string(rune('a' + i)), Count: count})
	}
	if got := judge(few, colours); got != "" {
		t.Errorf("250 members over 250 values: %q, want nothing", got)
	}
	third := map[string]field.Count{`"a"`: {All: 6_700, Source: 40}, `"b"`: {All: 3_300}}
	if got := judge(field.Count{All: 10_000, Source: 40}, values("F", third)); got != "" {
		t.Errorf("40 members: %q, want nothing", got)
	}
}
