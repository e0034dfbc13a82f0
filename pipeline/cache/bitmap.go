package cache

import "math/bits"

// A bitmap is stored in chunks of 16 blocks' rows, lowest bit first.
const (
	chunkRows  = 16 * BlockRows
	chunkBytes = chunkRows / 8
)

// bitmap is a set of rows. A nil chunk is empty.
type bitmap struct {
	chunks [][]byte
	sizes  []int32 // rows in each chunk
	size   int64
}

// has says whether a row is in the set.
func (b *bitmap) has(row int) bool {
	chunk := row / chunkRows
	if chunk >= len(b.chunks) || b.chunks[chunk] == nil {
		return false
	}
	i := row % chunkRows
	return b.chunks[chunk][i/8]>>(i%8)&1 != 0
}

// Stretch is who of one block's rows is in a set: quicker than asking for row after row. It is for reading a set that
// does not change.
type Stretch struct {
	bytes []byte // of the chunk; nil: empty
	first uint   // bit of the block's first row
}

func (b *bitmap) stretch(block int) Stretch {
	first := block * BlockRows
	return Stretch{b.chunk(first / chunkRows), uint(first % chunkRows)}
}

// Has says whether the block's i-th row is in the set.
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

// set puts a row in or takes it out and says whether that changed anything.
func (b *bitmap) set(row int, in bool) bool {
	if b.has(row) == in {
		return false
	}
	chunk, i := row/chunkRows, row%chunkRows
	b.reach(chunk)
	if b.chunks[chunk] == nil {
		b.chunks[chunk] = make([]byte, chunkBytes)
	}
	b.chunks[chunk][i/8] ^= 1 << (i % 8)
	if in {
		b.sizes[chunk]++
		b.size++
		return true
	}
	b.sizes[chunk]--
	b.size--
	if b.sizes[chunk] == 0 {
		b.chunks[chunk] = nil
	}
	return true
}

func (b *bitmap) reach(chunk int) {
	for chunk >= len(b.chunks) {
		b.chunks = append(b.chunks, nil)
		b.sizes = append(b.sizes, 0)
	}
}

// put takes a chunk as it was stored.
func (b *bitmap) put(chunk int, bytes []byte) {
	b.reach(chunk)
	size := ones(bytes)
	b.size += int64(size - b.sizes[chunk])
	b.chunks[chunk], b.sizes[chunk] = bytes, size
	if size == 0 {
		b.chunks[chunk] = nil
	}
}

// differences counts the rows that are in one of the two only.
func (b *bitmap) differences(c *bitmap) int64 {
	var n int64
	for chunk := range max(len(b.chunks), len(c.chunks)) {
		mine, other := b.chunk(chunk), c.chunk(chunk)
		switch {
		case mine == nil:
			n += int64(ones(other))
		case other == nil:
			n += int64(ones(mine))
		default:
			for i := range mine {
				n += int64(bits.OnesCount8(mine[i] ^ other[i]))
			}
		}
	}
	return n
}

func (b *bitmap) chunk(chunk int) []byte {
	if chunk < len(b.chunks) {
		return b.chunks[chunk]
	}
	return nil
}

func ones(bytes []byte) int32 {
	n := 0
	for _, b := range bytes {
		n += bits.OnesCount8(b)
	}
	return int32(n)
}

// present lists the chunks (or blocks) that are not nil, as a bitmap of their own.
func present(chunks [][]byte) []byte {
	list := make([]byte, (len(chunks)+7)/8)
	for i, chunk := range chunks {
		if chunk != nil {
			list[i/8] |= 1 << (i % 8)
		}
	}
	return list
}

// listed gives the numbers in a list that present has made.
func listed(list []byte) []int {
	var numbers []int
	for i := range 8 * len(list) {
		if list[i/8]>>(i%8)&1 != 0 {
			numbers = append(numbers, i)
		}
	}
	return numbers
}
