package train

import "math"

// place is where something stood, and the key by which it is put in order.
type place struct {
	key uint64
	at  int
}

const (
	digit  = 11 // bits that a pass puts in order
	digits = (64 + digit - 1) / digit
)

// inOrder returns places in the order of their keys, those of equal keys as they stood: digit by digit, the lowest first. It
// takes the given ones as room to work in. For the many rows of a sample that is several times as fast as comparing them.
func inOrder(places []place) []place {
	var counts [digits][1 << digit]int32
	for _, p := range places {
		for d := range digits {
			counts[d][p.key>>(d*digit)%(1<<digit)]++
		}
	}
	other := make([]place, len(places))
	for d := range digits {
		next := &counts[d]
		begin := int32(0)
		for value, n := range next {
			next[value] = begin
			begin += n
		}
		for _, p := range places {
			value := p.key >> (d * digit) % (1 << digit)
			other[next[value]] = p
			next[value]++
		}
		places, other = other, places
	}
	return places
}

// descending returns a key that is the lower, the higher a number is. Both zeros have the same.
func descending(x float64) uint64 {
	key := math.Float64bits(x)
	if x < 0 {
		return key
	}
	return ^key &^ (1 << 63)
}
