// Package random makes random numbers that follow from a seed and the number of a customer, so that made-up customers are
// the same whoever asks for them, in any order.
package random

import "math/bits"

// Stream is a stream of random numbers, by splitmix64.
type Stream uint64

// Of returns the stream of a customer.
func Of(seed uint64, customer int) Stream {
	high, low := bits.Mul64(seed^0x9e3779b97f4a7c15, uint64(customer)+0xd1b54a32d192ed03)
	return Stream(high ^ low)
}

// Next returns the next 64 bits.
func (s *Stream) Next() uint64 {
	*s += 0x9e3779b97f4a7c15
	z := uint64(*s)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
