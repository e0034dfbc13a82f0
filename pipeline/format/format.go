// Package format is the form in which the customers of a shard are kept: where in a row a field lies, what its codes mean
// there, and how a number is rounded to two bytes. The cache writes rows in this form; models and the learning of models
// read them.
//
// It is values and arithmetic only, and imports nothing of the pipeline.
package format

import "math"

// Field is where a field is kept in a shard's rows, and what its codes mean there. Codes mean nothing outside the shard.
type Field struct {
	Name     string
	Code     int      // where in a row its code is: 0 absent, 255 a value of a field that has too many
	Number   int      // where in a row the two bytes of its number are, little-endian, 0 none; -1: there never was one
	Values   []string // by code: canonical JSON text; [0] is unused, "" is a code that means nothing now
	Overflow bool     // it had more than 254 values at a time: none is kept until the shard is rebuilt, every code is 255
	Version  uint64   // differs whenever anything above does, of this field or of another
}

// Key rounds a number to two bytes that are in the order of the numbers: the upper half of its float32, all bits turned for
// a negative number, the sign bit set for a positive one. No number has the key 0, which stands for none.
func Key(number float64) uint16 {
	bits := math.Float32bits(float32(number))
	if bits>>31 == 1 {
		return uint16(^bits >> 16)
	}
	return uint16(bits>>16) | 1<<15
}

// Nearest returns the number nearest to zero among those that have this key.
func Nearest(key uint16) float64 { return number(key, 0) }

// Least returns the least number that has this key.
func Least(key uint16) float64 {
	if key >= 1<<15 {
		return Nearest(key)
	}
	return number(key, 0xffff) // the one farthest from zero
}

// number returns the number of a key with the lower half that Key has cut off.
func number(key, lower uint16) float64 {
	upper := ^key
	if key >= 1<<15 {
		upper = key &^ (1 << 15)
	}
	return float64(math.Float32frombits(uint32(upper)<<16 | uint32(lower)))
}
