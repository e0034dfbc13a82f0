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

	ordinarySize = 1 << 20 // pieces of memory up to this are not counted
)

// budget bounds how much memory all batches that are being inflated take together, beyond pieces of ordinarySize.
type budget struct {
	*semaphore.Weighted
	bytes int64
}

// A batch takes from windows first, once, and from records then: in this order nobody can wait for who waits for him.
var (
	windows = newBudget(128 << 20) // of what a codec looks back at, or decodes as a whole
	records = newBudget(64 << 20)  // of records that are larger than the pieces that a stream is read in
)

func newBudget(bytes int64) budget { return budget{semaphore.NewWeighted(bytes), bytes} }

// reserve waits until the process may take so many bytes. The returned function gives them back.
func (b budget) reserve(size int64) (release func()) {
	if size <= ordinarySize {
		return func() {}
	}
	size = min(size, b.bytes)
	_ = b.Acquire(context.Background(), size) // without an end there is no error; whoever holds some goes on
	return func() { b.Release(size) }
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
	release := windows.reserve(int64(header.WindowSize))
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
	memory []byte // as large as the largest block
}

var snappyMagic = []byte("\x82SNAPPY\x00")

const snappyHeader = 16 // bytes: magic, two version numbers

func openSnappy(packed []byte) (io.Reader, func(), error) {
	s := &snappyReader{packed: packed}
	if bytes.HasPrefix(packed, snappyMagic) {
		if len(packed) < snappyHeader {
			return nil, nil, io.ErrUnexpectedEOF
		}
		s.packed, s.framed = packed[snappyHeader:], true
	}
	largest := s.largest()
	if largest > largestBlock {
		return nil, nil, fmt.Errorf("a block of %d bytes", largest)
	}
	release := windows.reserve(int64(largest))
	s.memory = make([]byte, largest)
	return s, release, nil
}

// largest returns how many bytes the largest block has when it is decoded, as far as the blocks can be told apart.
func (s *snappyReader) largest() (size int) {
	ahead := *s
	for len(ahead.packed) > 0 {
		block, err := ahead.cut()
		if err != nil {
			break
		}
		if n, err := snappy.DecodedLen(block); err == nil {
			size = max(size, n)
		}
	}
	return size
}

// cut takes the next block from packed.
func (s *snappyReader) cut() (block []byte, err error) {
	block = s.packed
	if !s.framed {
		s.packed = nil
		return block, nil
	}
	if len(block) < 4 {
		return nil, io.ErrUnexpectedEOF
	}
	length := int64(binary.BigEndian.Uint32(block))
	if length > int64(len(block)-4) {
		return nil, io.ErrUnexpectedEOF
	}
	s.packed = block[4+length:]
	return block[4 : 4+length], nil
}

func (s *snappyReader) Read(p []byte) (int, error) {
	for len(s.block) == 0 {
		if len(s.packed) == 0 {
			return 0, io.EOF
		}
		block, err := s.cut()
		if err != nil {
			return 0, err
		}
		if s.block, err = snappy.Decode(s.memory, block); err != nil {
			return 0, err
		}
	}
	n := copy(p, s.block)
	s.block = s.block[n:]
	return n, nil
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
