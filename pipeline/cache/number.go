package cache

import "math"

// PackNumber rounds a number to two bytes that are in the order of the numbers: the upper half of its float32, with
// the bits turned for negative ones. No number gives 0, which stands for none.
func PackNumber(number float64) uint16 {
	b := math.Float32bits(float32(number))
	if b>>31 == 1 {
		return uint16(^b >> 16)
	}
	return uint16(b>>16) | 1<<15
}

// UnpackNumber gives the number nearest to zero among those that PackNumber makes the same.
func UnpackNumber(packed uint16) float64 {
	b := uint32(packed&^(1<<15)) << 16
	if packed>>15 == 0 {
		b = uint32(^packed) << 16
	}
	return float64(math.Float32frombits(b))
}
