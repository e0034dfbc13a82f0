package wire

import "encoding/binary"

// In flexible versions of a request and its answer, lengths are unsigned varints that are one greater than what they
// count, and every structure ends with tagged fields, which not everybody knows. We send none and skip those that come.

// AppendCompactLength appends the number of elements of an array, or of bytes.
func AppendCompactLength(dst []byte, n int) []byte { return binary.AppendUvarint(dst, uint64(n)+1) }

// AppendCompactString appends a string as flexible versions have it.
func AppendCompactString(dst []byte, s string) []byte {
	return append(AppendCompactLength(dst, len(s)), s...)
}

// AppendNoTags ends a structure without tagged fields. The header of a flexible request ends so, too.
func AppendNoTags(dst []byte) []byte { return append(dst, 0) }

// FlexibleBody is Body for the answer to a flexible version. The answer's header ends with tagged fields: skip them first.
type FlexibleBody struct{ Body }

// uvarint reads an unsigned varint. Everything that is counted takes at least a byte: a count beyond what is left is bad.
func (b *FlexibleBody) uvarint() int {
	v, n := binary.Uvarint(b.Rest)
	if n <= 0 || v > uint64(len(b.Rest)) {
		b.bad, b.Rest = true, nil
		return 0
	}
	b.Rest = b.Rest[n:]
	return int(v)
}

// Count reads the number of elements of an array, or of bytes; 0 when it is null. It may be used to allocate.
func (b *FlexibleBody) Count() int { return max(0, b.uvarint()-1) }

// Text reads a string; empty when it is null. It aliases the body.
func (b *FlexibleBody) Text() []byte { return b.take(b.Count()) }

// Tags skips tagged fields: of each its number, its size and its bytes.
func (b *FlexibleBody) Tags() {
	for n := b.uvarint(); n > 0 && !b.bad; n-- {
		b.uvarint()
		b.take(b.uvarint())
	}
}

// UUID reads sixteen bytes.
func (b *FlexibleBody) UUID() (id [16]byte) {
	copy(id[:], b.take(len(id)))
	return id
}
