// Package format is the form in which the customers of a shard are kept: where in a row a field lies, what its codes mean
// there, and how a number is rounded to four bytes. The cache writes rows in this form; models and the learning of models
// read them.
//
// It is values and arithmetic only, and imports nothing of the pipeline.
package format

import (
	"math"
	"strconv"
	"strings"
)

// Field is where a field is kept in a shard's rows, and what its codes mean there. Codes mean nothing outside the shard.
type Field struct {
	Name     string
	Code     int      // where in a row its code is: 0 absent, 255 a value of a field that has too many
	Number   int      // where in a row the four bytes of its number are, little-endian, 0 none; -1: there never was one
	Values   []string // by code: canonical JSON text; [0] is unused, "" is a code that means nothing now
	Overflow bool     // it has had more than 254 values: none is kept, every code is 255; keys of numbers are
	Version  uint64   // differs whenever anything above does, of this field or of another
}

// Key rounds a number down to four bytes that are in the order of the numbers: the greatest float32 that is not above it,
// all bits turned for a negative number, the sign bit set for a positive one. No number has the key 0, which stands for none.
func Key(number float64) uint32 {
	rounded := float32(number)
	if float64(rounded) > number {
		rounded = math.Nextafter32(rounded, float32(math.Inf(-1)))
	}
	bits := math.Float32bits(rounded)
	if bits>>31 == 1 {
		return ^bits
	}
	return bits | 1<<31
}

// Least returns the least number that has this key.
func Least(key uint32) float64 {
	if key>>31 == 1 {
		return float64(math.Float32frombits(key &^ (1 << 31)))
	}
	return float64(math.Float32frombits(^key))
}

// Number returns the number that a canonical JSON text is of, if it is one.
func Number(text string) (number float64, ok bool) {
	if text == "" || !strings.ContainsAny(text[:1], "-0123456789") {
		return 0, false
	}
	number, err := strconv.ParseFloat(text, 64)
	return number, err == nil
}

// Text returns the canonical JSON text by which a value counts in a category: 7 and true count as "7" and "true".
func Text(text string) string {
	if text == "" || text[0] == '"' {
		return text
	}
	return `"` + text + `"`
}
