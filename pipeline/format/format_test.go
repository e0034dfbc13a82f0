package format_test

import (
	"fmt"
	"math"
	"testing"

	"pgregory.net/rapid"

	"kindred/pipeline/format"
)

func TestKeysAreInTheOrderOfTheNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Float64().Draw(t, "a"), rapid.Float64().Draw(t, "b")
		if a > b {
			a, b = b, a
		}
		if format.Key(a) > format.Key(b) {
			t.Fatalf("%v has key %d, %v has %d", a, format.Key(a), b, format.Key(b))
		}
	})
}

func TestNoNumberHasTheKeyThatStandsForNone(t *testing.T) {
	for _, number := range []float64{0, math.Copysign(0, -1), -math.MaxFloat64, math.MaxFloat64, -1, 1e-300, math.Inf(-1)} {
		if format.Key(number) == 0 {
			t.Errorf("%v has key 0", number)
		}
	}
}

// A number is at or above the least number of a key exactly when its own key is: so it does not matter whether numbers are
// compared, or their keys.
func TestTheLeastNumberOfAKeyStandsForIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := format.Key(float64(rapid.Float32().Draw(t, "key")))
		least := format.Least(key)
		if format.Key(least) != key {
			t.Fatalf("key %d gives %v, whose key is %d", key, least, format.Key(least))
		}
		for _, number := range []float64{
			math.Nextafter(least, math.Inf(-1)), math.Nextafter(least, math.Inf(1)), rapid.Float64().Draw(t, "number"),
		} {
			if (number >= least) != (format.Key(number) >= key) {
				t.Fatalf("%v has key %d; %v has %d", number, format.Key(number), least, key)
			}
		}
	})
}

func ExampleKey() {
	const november, december = 1_761_955_200, 1_764_547_200 // in seconds
	fmt.Println(format.Least(format.Key(2016)), format.Key(december) > format.Key(november), format.Key(20251130) < format.Key(20251201))
	fmt.Println(format.Key(0.1) == format.Key(0.1+1e-9))
	// Output:
	// 2016 true true
	// true
}

func TestInACategoryAValueCountsByItsText(t *testing.T) {
	for text, want := range map[string]string{`"7"`: `"7"`, `7`: `"7"`, `-7.5`: `"-7.5"`, `true`: `"true"`, `"a \"b\""`: `"a \"b\""`} {
		if got := format.Text(text); got != want {
			t.Errorf("%s counts as %s, want %s", text, got, want)
		}
	}
	if _, is := format.Number(`"7"`); is {
		t.Error("a text of digits is no number")
	}
	if number, is := format.Number("1e+21"); !is || number != 1e21 {
		t.Errorf("1e+21 is %v, %v", number, is)
	}
}
