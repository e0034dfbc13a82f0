package consumers

import (
	"encoding/binary"
	"errors"

	"kindred/schemas/wire"
)

// In flexible versions of a request and its answer, lengths are unsigned varints that are one greater than what they
// count, and every structure ends with tagged fields, which not everybody knows. We send none and skip those that come.

func (e *encoder) length(n int)        { e.b = binary.AppendUvarint(e.b, uint64(n)+1) }
func (e *encoder) compactStr(s string) { e.length(len(s)); e.b = append(e.b, s...) }
func (e *encoder) noTags()             { e.b = append(e.b, 0) }

// flexibleBody reads the answer to a flexible version. Behind its end, or after a length that leads there, everything is
// zero and err says so.
type flexibleBody struct {
	wire.Body
	bad bool
}

func (b *flexibleBody) uvarint() int {
	v, n := binary.Uvarint(b.Rest)
	if n <= 0 || v > uint64(len(b.Rest)) { // everything that is counted takes at least a byte
		b.bad, b.Rest = true, nil
		return 0
	}
	b.Rest = b.Rest[n:]
	return int(v)
}

func (b *flexibleBody) take(n int) []byte {
	if n > len(b.Rest) {
		b.bad, b.Rest = true, nil
		return nil
	}
	taken := b.Rest[:n]
	b.Rest = b.Rest[n:]
	return taken
}

// count reads the number of elements of an array, or of bytes; 0 when it is null.
func (b *flexibleBody) count() int { return max(0, b.uvarint()-1) }

func (b *flexibleBody) text() []byte { return b.take(b.count()) }

// tags skips tagged fields: of each its number, its size and its bytes.
func (b *flexibleBody) tags() {
	for n := b.uvarint(); n > 0 && !b.bad; n-- {
		b.uvarint()
		b.take(b.uvarint())
	}
}

func (b *flexibleBody) err() error {
	if b.bad {
		return errors.New("response: a length that leads outside")
	}
	return b.Err()
}
