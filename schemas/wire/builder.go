package wire

import (
	"encoding/binary"
	"hash/crc32"
)

// Where things lie in a batch. The checksum covers all from attributes on; the length counts all behind itself.
const (
	atLength     = 8
	atMagic      = 16
	atChecksum   = 17
	atAttributes = 21
	atLastDelta  = 23
	atFirstTime  = 27
	atMaxTime    = 35
	atProducer   = 43
	atEpoch      = 51
	atSequence   = 53
	atCount      = 57
	atRecords    = 61 // the size of a batch's header
)

// Bits of a batch's attributes.
const (
	codecBits     = 0b0000111
	logAppendTime = 0b0001000
	transactional = 0b0010000
	control       = 0b0100000
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Builder builds one batch. Its zero value is an empty batch; it is not for concurrent use.
type Builder struct {
	batch       []byte      // header, then records; empty until the first Add
	packed      []byte      // header, then the same records compressed; empty: they are not
	compression Compression // of packed
	count       int
	first, last int64 // ms: the first record's timestamp, the greatest one
}

// Add puts a record at the end. A nil key or value is null, an empty one empty; a nil h is no headers. All is copied.
func (b *Builder) Add(timestamp int64, key, value []byte, h Headers) {
	if b.count == 0 {
		b.batch = append(b.batch[:0], make([]byte, atRecords)...)
		b.first, b.last = timestamp, timestamp
	}
	b.packed = b.packed[:0]
	b.last = max(b.last, timestamp)
	since, at := timestamp-b.first, int64(b.count)
	size := 1 + varintSize(since) + varintSize(at) + chunkSize(key) + chunkSize(value) + max(1, len(h))

	dst := appendVarint(b.batch, int64(size))
	dst = append(dst, 0) // attributes: none are defined
	dst = appendVarint(dst, since)
	dst = appendVarint(dst, at)
	dst = appendChunk(dst, key)
	dst = appendChunk(dst, value)
	if len(h) == 0 {
		dst = append(dst, 0)
	} else {
		dst = append(dst, h...)
	}
	b.batch = dst
	b.count++
}

// Len returns the number of records added since the last Reset.
func (b *Builder) Len() int { return b.count }

// Size returns the number of bytes that Finish will return: 0 without records. A broker takes 1,048,588 by default.
func (b *Builder) Size() int {
	if b.count == 0 {
		return 0
	}
	return len(b.sent())
}

// Reset empties the batch and keeps its memory.
func (b *Builder) Reset() { b.batch, b.packed, b.count = b.batch[:0], b.packed[:0], 0 }

// Compress compresses the records that were added, unless that saves less than an eighth: a single record is hardly ever worth
// anybody's inflating. Until the next Add or Reset, Size, Finish and AppendTo are about the compressed batch.
func (b *Builder) Compress(c Compression) {
	b.packed = b.packed[:0]
	if b.count == 0 || c == Uncompressed {
		return
	}
	b.packed = c.appendPacked(append(b.packed, b.batch[:atRecords]...), b.batch[atRecords:])
	b.compression = c
	if len(b.packed) > len(b.batch)-len(b.batch)/8 {
		b.packed = b.packed[:0]
	}
}

// sent returns the memory of the batch that goes to the broker.
func (b *Builder) sent() []byte {
	if len(b.packed) > 0 {
		return b.packed
	}
	return b.batch
}

// Halves returns two batches that hold the first and the second half of the records, compressed as the builder is, which is
// only read.
func (b *Builder) Halves() (first, second *Builder) {
	first, second = new(Builder), new(Builder)
	half := first
	rest, r := b.batch[atRecords:], new(Record)
	for i := range b.count {
		if i == b.count/2 {
			half = second
		}
		var body []byte
		body, rest, _ = chunk(rest)
		r.read(body, 0, b.first)
		half.Add(r.Timestamp, r.Key, r.Value, r.Headers)
	}
	if len(b.packed) > 0 {
		first.Compress(b.compression)
		second.Compress(b.compression)
	}
	return first, second
}

// Finish returns the batch as it goes to a broker; nil without records. It may be called again: with the same arguments it
// returns the same bytes. They are the builder's, and valid until the next Add, Compress, Reset or Finish. A producer that is not
// idempotent has id -1, epoch -1 and sequence -1.
func (b *Builder) Finish(producerID int64, epoch int16, sequence int32, inTransaction bool) []byte {
	if b.count == 0 {
		return nil
	}
	batch := b.sent()
	b.putHeader(batch, producerID, epoch, sequence, inTransaction)
	return batch
}

// AppendTo is Finish into memory of the caller's: the builder is only read.
func (b *Builder) AppendTo(dst []byte, producerID int64, epoch int16, sequence int32, inTransaction bool) []byte {
	if b.count == 0 {
		return dst
	}
	start := len(dst)
	dst = append(dst, b.sent()...)
	b.putHeader(dst[start:], producerID, epoch, sequence, inTransaction)
	return dst
}

// putHeader writes the 61 bytes of the header over the start of a batch whose records lie behind it already.
func (b *Builder) putHeader(batch []byte, producerID int64, epoch int16, sequence int32, inTransaction bool) {
	var attributes uint16
	if len(b.packed) > 0 {
		attributes = uint16(b.compression)
	}
	if inTransaction {
		attributes |= transactional
	}
	be := binary.BigEndian
	be.PutUint64(batch, 0) // base offset: the broker sets it
	be.PutUint32(batch[atLength:], uint32(len(batch)-atLength-4))
	be.PutUint32(batch[12:], 0xffffffff) // leader epoch: the broker sets it
	batch[atMagic] = 2
	be.PutUint16(batch[atAttributes:], attributes)
	be.PutUint32(batch[atLastDelta:], uint32(b.count-1))
	be.PutUint64(batch[atFirstTime:], uint64(b.first))
	be.PutUint64(batch[atMaxTime:], uint64(b.last))
	be.PutUint64(batch[atProducer:], uint64(producerID))
	be.PutUint16(batch[atEpoch:], uint16(epoch))
	be.PutUint32(batch[atSequence:], uint32(sequence))
	be.PutUint32(batch[atCount:], uint32(b.count))
	be.PutUint32(batch[atChecksum:], crc32.Checksum(batch[atAttributes:], castagnoli))
}

func chunkSize(b []byte) int {
	if b == nil {
		return 1
	}
	return varintSize(int64(len(b))) + len(b)
}

// appendChunk appends bytes with their length in front, as chunk reads them.
func appendChunk(dst, b []byte) []byte {
	if b == nil {
		return appendVarint(dst, -1)
	}
	return append(appendVarint(dst, int64(len(b))), b...)
}
