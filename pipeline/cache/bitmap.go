package cache

import "math/bits"

// A bitmap is stored in chunks of 16 blocks' rows, lowest bit first.
const (
	chunkRows  = 16 * BlockRows
	chunkBytes = chunkRows / 8
)

// bitmap is a set of rows.
type bitmap struct {
	chunks sparse // used: the rows in a chunk
	size   int64
}

// has reports whether a row is in the set.
func (b *bitmap) has(row int) bool {
	chunk := b.chunks.at(row / chunkRows)
	if chunk == nil {
		return false
	}
	i := row % chunkRows
	return chunk[i/8]>>(i%8)&1 != 0
}

// Stretch is who of one block's rows is in a set: quicker than asking for row after row. It is for reading a set that
// does not change.
type Stretch struct {
	bytes []byte // of the chunk; nil: empty
	first uint   // bit of the block's first row
}

func (b *bitmap) stretch(block int) Stretch {
	first := block * BlockRows
	return Stretch{b.chunks.at(first / chunkRows), uint(first % chunkRows)}
}

// Has reports whether the block's i-th row is in the set.
func (s Stretch) Has(i int) bool {
	bit := s.first + uint(i)
	return s.bytes != nil && s.bytes[bit/8]>>(bit%8)&1 != 0
}

// Each visits those of the block's first n rows that are in the set, in order.
func (s Stretch) Each(n int, visit func(i int)) {
	end := s.first + uint(n)
	for bit := s.first; s.bytes != nil && bit < end; bit++ {
		rest := s.bytes[bit/8] >> (bit % 8)
		if rest == 0 {
			bit |= 7 // the last of this byte
			continue
		}
		if bit += uint(bits.TrailingZeros8(rest)); bit < end {
			visit(int(bit - s.first))
		}
	}
}

// set puts a row in or takes it out and reports whether that changed anything.
func (b *bitmap) set(row int, in bool) bool {
	if b.has(row) == in {
		return false
	}
	by := int32(-1)
	if in {
		by = 1
	}
	chunk, i := row/chunkRows, row%chunkRows
	b.chunks.need(chunk, chunkBytes)[i/8] ^= 1 << (i % 8)
	b.chunks.dirty.whole(chunk)
	b.chunks.count(chunk, by)
	b.size += int64(by)
	return true
}

// put takes a chunk as it was stored.
func (b *bitmap) put(chunk int, bytes []byte) {
	size := ones(bytes)
	b.chunks.put(chunk, bytes, size)
	b.size += int64(size)
}

// replace puts another set in the place of this one, and returns how many rows are in one of the two only.
func (b *bitmap) replace(by bitmap) (differences int64) {
	dirty := b.chunks.dirty
	for chunk := range max(len(b.chunks.blocks), len(by.chunks.blocks)) {
		was, is := b.chunks.at(chunk), by.chunks.at(chunk)
		if was != nil || is != nil {
			dirty.whole(chunk)
		}
		switch {
		case was == nil:
			differences += int64(ones(is))
		case is == nil:
			differences += int64(ones(was))
		default:
			for i := range was {
				differences += int64(bits.OnesCount8(was[i] ^ is[i]))
			}
		}
	}
	*b = by
	b.chunks.dirty = dirty
	return differences
}

func ones(bytes []byte) int32 {
	n := 0
	for _, b := range bytes {
		n += bits.OnesCount8(b)
	}
	return int32(n)
}
