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

// For every key but those of NaN, Nearest and Least return numbers that have this key, and no number of the key lies
// outside them.
func TestAKeyGivesItsNumbersBack(t *testing.T) {
	for key := format.Key(math.Inf(-1)) + 1; key < format.Key(math.Inf(1)); key++ {
		nearest, least := format.Nearest(key), format.Least(key)
		if format.Key(nearest) != key || format.Key(least) != key {
			t.Fatalf("key %d gives %v and %v, whose keys are %d and %d", key, nearest, least, format.Key(nearest), format.Key(least))
		}
		below := float64(math.Nextafter32(float32(least), float32(math.Inf(-1))))
		toZero := float64(math.Nextafter32(float32(nearest), 0))
		if format.Key(below) == key || nearest != 0 && format.Key(toZero) == key {
			t.Fatalf("key %d also has %v or %v, beyond %v and %v", key, below, toZero, least, nearest)
		}
	}
}

func ExampleKey() {
	key := format.Key(2016)
	fmt.Println(format.Least(key), format.Key(2023) == key, format.Key(2080) == key)
	// Output: 2016 true false
}
