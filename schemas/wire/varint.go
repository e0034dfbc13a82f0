package wire

import "encoding/binary"

// varint reads a zigzag varint at the start of b; size is 0 when there is none.
func varint(b []byte) (value int64, size int) {
	if len(b) > 0 && b[0] < 0x80 { // nearly all of them
		return int64(b[0]>>1) ^ -int64(b[0]&1), 1
	}
	if len(b) > 1 && b[1] < 0x80 { // as the length of a profile, and where it lies in a batch
		u := uint64(b[0]&0x7f) | uint64(b[1])<<7
		return int64(u>>1) ^ -int64(u&1), 2
	}
	value, size = binary.Varint(b)
	if size < 0 {
		return 0, 0 // more than 64 bits
	}
	return value, size
}

// varintSize returns the number of bytes that v takes.
func varintSize(v int64) int {
	n := 1
	for u := uint64(v)<<1 ^ uint64(v>>63); u >= 0x80; u >>= 7 {
		n++
	}
	return n
}

// appendVarint is binary.AppendVarint, quick for what fits into one byte.
func appendVarint(dst []byte, v int64) []byte {
	if u := uint64(v)<<1 ^ uint64(v>>63); u < 0x80 {
		return append(dst, byte(u))
	}
	return binary.AppendVarint(dst, v)
}

// chunk reads bytes that are preceded by their length as a varint. A length of -1 means nil. ok is false when b is
// malformed.
func chunk(b []byte) (bytes, rest []byte, ok bool) {
	length, size := varint(b)
	b = b[size:]
	switch {
	case size == 0 || length < -1 || length > int64(len(b)):
		return nil, nil, false
	case length == -1:
		return nil, b, true
	}
	return b[:length:length], b[length:], true
}

// short returns the end of bytes whose length is at an offset and fits into one byte; -1: chunk must read them. It is inlined.
func short(b []byte, at int) (end int) {
	if at < len(b) && b[at]&0x81 == 0 {
		if end = at + 1 + int(b[at]/2); end <= len(b) {
			return end
		}
	}
	return -1
}
