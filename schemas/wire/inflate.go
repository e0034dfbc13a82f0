package wire

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"golang.org/x/sync/semaphore"
)

// What a compressed batch may make of itself. A broker bounds what it takes, not what becomes of it: a megabyte of zeros
// takes a kilobyte of gzip, and less of zstd.
const (
	largestInflated = 128 << 20 // bytes of a batch; what lies behind is not read
	largestWindow   = 64 << 20  // bytes that zstd looks back; producers use 8 MB at most unless told otherwise
	largestBlock    = 32 << 20  // bytes of a snappy block, which is decoded as a whole

	// budget is how much memory all batches that are being inflated may take together, beyond pieces of ordinarySize.
	budget       = 192 << 20
	ordinarySize = 1 << 20
)

var inflating = semaphore.NewWeighted(budget)

// reserve waits until the process may take so many bytes. The returned function gives them back.
func reserve(size int64) (release func()) {
	if size <= ordinarySize {
		return func() {}
	}
	size = min(size, budget)
	_ = inflating.Acquire(context.Background(), size) // without an end there is no error; whoever holds some goes on
	return func() { inflating.Release(size) }
}

// codecs are the compressions of a batch by their number in its attributes. Each returns a stream of what packed holds, and
// what to do when it is not needed any more.
var codecs = map[uint16]struct {
	name string
	open func(packed []byte) (io.Reader, func(), error)
}{
	1: {"gzip", openGzip},
	2: {"snappy", openSnappy},
	3: {"lz4", openLZ4},
	4: {"zstd", openZstd},
}

var gzipReaders = sync.Pool{New: func() any { return new(gzip.Reader) }}

func openGzip(packed []byte) (io.Reader, func(), error) {
	reader := gzipReaders.Get().(*gzip.Reader)
	if err := reader.Reset(bytes.NewReader(packed)); err != nil {
		return nil, nil, err
	}
	return reader, func() { gzipReaders.Put(reader) }, nil
}

var lz4Readers = sync.Pool{New: func() any { return lz4.NewReader(nil) }}

func openLZ4(packed []byte) (io.Reader, func(), error) {
	reader := lz4Readers.Get().(*lz4.Reader)
	reader.Reset(bytes.NewReader(packed))
	return reader, func() { lz4Readers.Put(reader) }, nil
}

var zstdReaders = sync.Pool{New: func() any {
	reader, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(largestWindow))
	if err != nil {
		panic(err) // the options are constant
	}
	return reader
}}

func openZstd(packed []byte) (io.Reader, func(), error) {
	var header zstd.Header
	if err := header.Decode(packed); err != nil {
		return nil, nil, err
	}
	if header.WindowSize > largestWindow {
		return nil, nil, fmt.Errorf("it looks back %d bytes", header.WindowSize)
	}
	release := reserve(int64(header.WindowSize))
	reader := zstdReaders.Get().(*zstd.Decoder)
	if err := reader.Reset(bytes.NewReader(packed)); err != nil {
		release()
		return nil, nil, err
	}
	return reader, func() {
		_ = reader.Reset(nil) // lets go of packed
		if header.WindowSize <= ordinarySize {
			zstdReaders.Put(reader)
		} else {
			reader.Close() // it would keep its window
		}
		release()
	}, nil
}

// snappyReader reads what snappy-java frames: a header of 16 bytes, then blocks with their length in front. Others write one
// block without any frame.
type snappyReader struct {
	packed []byte // blocks that are left
	framed bool
	block  []byte // decoded, what of it is left
	memory []byte
	free   func()
}

var snappyMagic = []byte("\x82SNAPPY\x00")

const snappyHeader = 16 // bytes: magic, two version numbers

func openSnappy(packed []byte) (io.Reader, func(), error) {
	s := &snappyReader{packed: packed, free: func() {}}
	if bytes.HasPrefix(packed, snappyMagic) {
		if len(packed) < snappyHeader {
			return nil, nil, io.ErrUnexpectedEOF
		}
		s.packed, s.framed = packed[snappyHeader:], true
	}
	return s, func() { s.free() }, nil
}

func (s *snappyReader) Read(p []byte) (int, error) {
	for len(s.block) == 0 {
		if len(s.packed) == 0 {
			return 0, io.EOF
		}
		if err := s.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, s.block)
	s.block = s.block[n:]
	return n, nil
}

// next decodes the next block. Its length is looked at before memory is taken for it.
func (s *snappyReader) next() (err error) {
	block := s.packed
	if s.framed {
		if len(block) < 4 {
			return io.ErrUnexpectedEOF
		}
		length := int64(binary.BigEndian.Uint32(block))
		if length > int64(len(block)-4) {
			return io.ErrUnexpectedEOF
		}
		block = block[4 : 4+length]
		s.packed = s.packed[4+length:]
	} else {
		s.packed = nil
	}
	size, err := snappy.DecodedLen(block)
	if err != nil {
		return err
	}
	if size > largestBlock {
		return fmt.Errorf("a block of %d bytes", size)
	}
	if size > cap(s.memory) {
		s.free()
		s.free, s.memory = reserve(int64(size)), make([]byte, size)
	}
	s.block, err = snappy.Decode(s.memory[:cap(s.memory)], block)
	return err
}

var errInflated = errors.New("there is more in it than a batch may hold")

// bounded reads a stream up to a number of bytes. More is an error.
type bounded struct {
	io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errInflated
	}
	n, err := b.Reader.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}
