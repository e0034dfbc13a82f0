package format_test

import (
	"math"
	"testing"

	"kindred/pipeline/format"
)

func TestValuesAndRangesAreSaidInWords(t *testing.T) {
	for text, want := range map[string]string{
		`"Oslo"`: "Oslo", `"a \"b\""`: `a "b"`, `""`: `""`, "41": "41", "2016": "2,016", "-1234567": "-1,234,567", "12.5": "12.5", "true": "true",
	} {
		if got := format.Words(text); got != want {
			t.Errorf("%s is %q, want %q", text, got, want)
		}
	}
	below, above := math.Inf(-1), math.Inf(1)
	for _, c := range []struct {
		from, to float64
		whole    bool
		want     string
	}{
		{2016, 2020, true, "2,016 to 2,019"},
		{2015.5, 2019.25, true, "2,016 to 2,019"}, // the whole numbers in it
		{41, 42, true, "41"},
		{below, 20, true, "up to 19"},
		{40, above, true, "40 and more"},
		{2016, 2020, false, "2,016 to under 2,020"},
		{0.0999755859375, 12.5, false, "0.0999756 to under 12.5"},
		{below, -12.5, false, "under -12.5"},
		{below, above, true, "any number"},
	} {
		if got := format.Range(c.from, c.to, c.whole); got != c.want {
			t.Errorf("%v to %v is %q, want %q", c.from, c.to, got, c.want)
		}
	}
}
