package cache

import (
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/cespare/xxhash/v2"

	"kindred/schemas"
)

// packedBytes is how long a text may be to be told by its packed form alone.
const packedBytes = 16

// packed is a value in a form that compares and hashes quickly. 41 is 41.0. Two texts of the same length that differ
// within packedBytes differ here; of longer ones this is the beginning and the end.
type packed struct {
	low, high uint64
	size      uint32 // of a text
	kind      schemas.Kind
}

func pack(v *schemas.FieldValue) packed {
	p := packed{kind: v.Kind}
	switch v.Kind {
	case schemas.String:
		p.low, p.high = packText(v.Text)
		p.size = uint32(len(v.Text))
	case schemas.Number:
		p.low = math.Float64bits(v.Number)
	case schemas.Bool:
		if v.Bool {
			p.low = 1
		}
	}
	return p
}

// packText takes the first and the last 8 bytes, which overlap in a shorter text.
func packText(text []byte) (low, high uint64) {
	switch n := len(text); {
	case n >= 8:
		return binary.LittleEndian.Uint64(text), binary.LittleEndian.Uint64(text[n-8:])
	case n >= 4:
		return uint64(binary.LittleEndian.Uint32(text)), uint64(binary.LittleEndian.Uint32(text[n-4:]))
	case n > 0:
		return uint64(text[0]), uint64(text[n/2])<<8 | uint64(text[n-1])
	}
	return 0, 0
}

// hash is not seeded: it decides only where a value lies.
func (p *packed) hash(text []byte) uint64 {
	if p.size > packedBytes {
		return xxhash.Sum64(text)
	}
	high, low := bits.Mul64(p.low^0x9e3779b97f4a7c15, p.high^0xd6e8feb86659fd93^uint64(p.size)<<32)
	return (high ^ low) * 0x9fb21c651e98df25
}

// key is a value of a dictionary.
type key struct {
	packed
	text string // of a String
}

func (k *key) is(p *packed, text []byte) bool {
	return k.packed == *p && (p.size <= packedBytes || k.text == string(text))
}

func (k *key) hash() uint64 { return k.packed.hash([]byte(k.text)) }
