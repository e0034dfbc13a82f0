package wire

import (
	"bufio"
	"errors"
	"io"
	"sync"
)

// unpacker takes the records of a compressed batch out of the stream that its codec makes. Most lie whole in the stream's buffer,
// and are not copied.
type unpacker struct {
	stream *bufio.Reader
	ahead  []byte // of the stream's buffer, behind the last record
	used   int    // bytes of records in the buffer before that, which are still to be discarded
	record []byte // memory for a record that does not lie whole in the buffer
	free   func() // gives back what was reserved for record
}

const (
	// A decoder of lz4 or zstd writes a block of usual size, 64 or 128 KB, straight into a buffer that has room for it.
	unpackedAhead = 192 << 10

	keptRecord = 64 << 10 // largest memory for a record that is kept for the next batch
)

var unpackers = sync.Pool{New: func() any { return &unpacker{stream: bufio.NewReaderSize(nil, unpackedAhead)} }}

func (u *unpacker) start(inflated io.Reader) {
	u.stream.Reset(&bounded{inflated, largestInflated})
	u.free = func() {}
}

// end puts the unpacker back for the next batch.
func (u *unpacker) end() {
	u.stream.Reset(nil)
	u.ahead, u.used = nil, 0
	if cap(u.record) > keptRecord {
		u.record = nil
	}
	u.free()
	unpackers.Put(u)
}

// next returns the next record, which is good until it is called again. Of one that is larger than LargestRecord it returns the
// size only: the stream is at its beginning then.
func (u *unpacker) next() (body []byte, size int64, err error) {
	if body, rest, ok := chunk(u.ahead); ok && body != nil {
		u.used += len(u.ahead) - len(rest)
		u.ahead = rest
		return body, int64(len(body)), nil
	}
	_, _ = u.stream.Discard(u.used) // all of it is in the buffer
	u.ahead, u.used = nil, 0
	if size, err = readVarint(u.stream); err != nil || size > LargestRecord {
		return nil, size, err
	}
	if size < 0 {
		return nil, size, errors.New("a record of a negative length")
	}
	if size > int64(cap(u.record)) {
		u.free()
		u.free, u.record = records.reserve(size), make([]byte, size)
	}
	if _, err = io.ReadFull(u.stream, u.record[:size]); err != nil {
		return nil, size, err
	}
	u.ahead, err = u.stream.Peek(u.stream.Buffered())
	return u.record[:size], size, err
}
