package cache

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"

	"kindred/schemas"
)

// packedBytes is up to how long a text is known from others of its length by its packed form alone.
const packedBytes = 16

// packed is a value in a form that compares and hashes quickly. 41 is 41.0. Two texts of the same length that differ
// within packedBytes differ here; of longer ones this is the beginning and the end.
type packed struct {
	low, high uint64
	size      uint32 // of a text
	kind      schemas.Kind
}

// pack packs a value that a dictionary can hold. Any other would come back as damage when the cache is loaded.
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
	default:
		panic(fmt.Sprintf("a value of kind %d in a dictionary", v.Kind))
	}
	return p
}

// unpack returns the value again, of a text with its bytes.
func (p *packed) unpack(text []byte) schemas.FieldValue {
	v := schemas.FieldValue{Kind: p.kind}
	switch p.kind {
	case schemas.String:
		v.Text = text
	case schemas.Number:
		v.Number = math.Float64frombits(p.low)
	case schemas.Bool:
		v.Bool = p.low == 1
	}
	return v
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

// hash is not seeded: it decides only where a value lies in a table.
func (p *packed) hash(text []byte) uint64 {
	if p.size > packedBytes {
		return xxhash.Sum64(text)
	}
	high, low := bits.Mul64(p.low^0x9e3779b97f4a7c15, p.high^0xd6e8feb86659fd93^uint64(p.size)<<32)
	return (high ^ low) * 0x9fb21c651e98df25
}

// key is a value of a dictionary, for looking it up.
type key struct {
	packed
	text string // of a String
}

func (k *key) is(p *packed, text []byte) bool {
	return k.packed == *p && (p.size <= packedBytes || k.text == string(text))
}

func (k *key) hash() uint64 { return k.packed.hash([]byte(k.text)) }

// entry is a value on its way into a dictionary.
type entry struct {
	key  key
	text string // canonical JSON
}

func newEntry(v *schemas.FieldValue, p packed) entry {
	e := entry{key{packed: p}, string(schemas.AppendCanonical(nil, v))}
	if v.Kind == schemas.String {
		e.key.text = string(v.Text)
	}
	return e
}

// parse makes the key of a value from its canonical JSON.
func (k *key) parse(text string) (err error) {
	v := schemas.FieldValue{Kind: schemas.Bool}
	switch {
	case strings.HasPrefix(text, `"`):
		v.Kind = schemas.String
		err = json.Unmarshal([]byte(text), &k.text)
		v.Text = []byte(k.text)
	case text == "true":
		v.Bool = true
	case text == "false":
	default:
		v.Kind = schemas.Number
		v.Number, err = strconv.ParseFloat(text, 64)
	}
	if err != nil {
		return fmt.Errorf("a value is no JSON: %w", errTorn)
	}
	k.packed = pack(&v)
	return nil
}
