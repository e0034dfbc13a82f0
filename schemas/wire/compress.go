package wire

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// Compression is how a batch's records are packed. Its numbers are those of a batch's attributes.
type Compression uint8

const (
	Uncompressed Compression = 0
	Gzip         Compression = 1
	Snappy       Compression = 2
	LZ4          Compression = 3
	Zstd         Compression = 4
)

// Compressions are all that Kafka knows.
var Compressions = []Compression{Uncompressed, Gzip, Snappy, LZ4, Zstd}

// ParseCompression reads the name of a compression.
func ParseCompression(name string) (Compression, error) {
	for _, c := range Compressions {
		if c.String() == name {
			return c, nil
		}
	}
	return 0, fmt.Errorf("compression %q is none of %v", name, Compressions)
}

func (c Compression) String() string {
	if c == Uncompressed {
		return "none"
	}
	return codecs[uint16(c)].name
}

// appendPacked appends records as a compression packs them. The same records make the same bytes.
func (c Compression) appendPacked(dst, records []byte) []byte {
	switch c {
	case Gzip:
		z := gzipWriters.Get().(*gzip.Writer)
		defer gzipWriters.Put(z)
		return stream(z, dst, records)
	case Snappy: // one block without a frame, as most clients but Java's write it
		most := s2.MaxEncodedLen(len(records))
		dst = slices.Grow(dst, most)
		block := s2.EncodeSnappy(dst[len(dst):len(dst)+most], records)
		return dst[:len(dst)+len(block)]
	case LZ4:
		z := lz4Writers.Get().(*lz4.Writer)
		defer lz4Writers.Put(z)
		return stream(z, dst, records)
	case Zstd:
		return zstdWriter().EncodeAll(records, dst)
	}
	return append(dst, records...)
}

// packer compresses a stream.
type packer interface {
	io.WriteCloser
	Reset(to io.Writer)
}

// stream appends what a packer makes of the records. Packers have no errors but those of what they write to.
func stream(z packer, dst, records []byte) []byte {
	out := bytes.NewBuffer(dst)
	z.Reset(out)
	_, _ = z.Write(records)
	_ = z.Close()
	return out.Bytes()
}

var gzipWriters = sync.Pool{New: func() any {
	z, err := gzip.NewWriterLevel(nil, gzip.BestSpeed)
	if err != nil {
		panic(err) // the level is constant
	}
	return z
}}

// A reader in Java takes memory of a block's size for every batch, so blocks are small. The batch has a checksum already.
var lz4Writers = sync.Pool{New: func() any {
	z := lz4.NewWriter(nil)
	if err := z.Apply(lz4.BlockSizeOption(lz4.Block64Kb), lz4.ChecksumOption(false), lz4.ConcurrencyOption(1)); err != nil {
		panic(err) // the options are constant
	}
	return z
}}

// zstdWriter is for concurrent use. It keeps some memory for each core, so it is made when it is needed.
var zstdWriter = sync.OnceValue(func() *zstd.Encoder {
	z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(false), zstd.WithLowerEncoderMem(true))
	if err != nil {
		panic(err) // the options are constant
	}
	return z
})
