package wire

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"time"
)

// ErrCorrupt says that bytes are not what a broker keeps: a wrong checksum, a length that leads outside, compression that
// cannot be undone. Reading the same offset again may help when the network did it; nothing else does.
var ErrCorrupt = errors.New("corrupt record batch")

// ErrOversize says that a record is larger than LargestRecord.
var ErrOversize = errors.New("record too large")

// LargestRecord is how many bytes of a record are read into memory. A topic takes batches of a megabyte by default; a
// compressed one may hold records that are larger than that.
const LargestRecord = 16 << 20

// Damage is part of a partition that cannot be read: an oversize record, or the rest of a corrupt batch. It is the error
// with which Each stops in front of it. Nothing of it was visited.
type Damage struct {
	Offset int64 // of the first record that cannot be read
	Next   int64 // where reading goes on behind it
	Err    error // why: ErrCorrupt or ErrOversize

	transport bool // the network may have done it
	rest      Set  // what was fetched, from Next on; empty when nobody knows where the next batch begins

	// Of an oversize record: all but its value. Key and headers are missing when they are oversize themselves.
	Record Record
	Size   int64             // bytes of the value
	Hash   [sha256.Size]byte // of the value
}

func (d *Damage) Error() string { return fmt.Sprintf("at offset %d: %v", d.Offset, d.Err) }
func (d *Damage) Unwrap() error { return d.Err }

func corrupt(offset, next int64, format string, args ...any) *Damage {
	return &Damage{Offset: offset, Next: next, Err: fmt.Errorf("%w: "+format, append([]any{ErrCorrupt}, args...)...)}
}

// largestPart bounds the key, and the headers, of an oversize record that are kept for whoever has to tell of it.
const largestPart = 64 << 10

// oversize reads a record without keeping its value. The stream is at its beginning, behind the length of size bytes.
func (b batch) oversize(in byteReader, size int64) (*Damage, error) {
	body := &bodyReader{in: in, left: size}
	d := new(Damage)
	body.skip(1) // attributes
	since, delta := body.varint(), body.varint()
	d.Record = Record{Offset: b.baseOffset() + delta, Timestamp: b.firstTime() + since, ProducerID: b.producerID()}
	d.Record.Key = body.keep(body.varint())
	hash := sha256.New()
	d.Size = max(0, body.varint())
	body.copy(hash, d.Size)
	hash.Sum(d.Hash[:0])
	if headers := Headers(body.keep(body.left)); len(headers) > 1 && headers.whole() {
		d.Record.Headers = headers
	}
	d.Offset, d.Next = d.Record.Offset, d.Record.Offset+1
	d.Err = fmt.Errorf("%w: %d bytes", ErrOversize, size)
	return d, body.err
}

func (h Headers) whole() bool { return h.each(func(_, _ []byte) bool { return true }) }

// byteReader is what a bufio.Reader and a bytes.Reader are.
type byteReader interface {
	io.Reader
	io.ByteReader
}

// bodyReader reads the parts of one record. After an error everything is empty.
type bodyReader struct {
	in   byteReader
	left int64 // bytes of the record
	err  error
}

func (r *bodyReader) ReadByte() (byte, error) {
	if r.left <= 0 {
		return 0, io.ErrUnexpectedEOF
	}
	r.left--
	return r.in.ReadByte()
}

func (r *bodyReader) varint() (v int64) {
	if r.err == nil {
		v, r.err = readVarint(r)
	}
	return v
}

// copy hands n bytes to w.
func (r *bodyReader) copy(w io.Writer, n int64) {
	if n > r.left {
		r.err = errors.Join(r.err, io.ErrUnexpectedEOF)
	}
	if r.err == nil {
		r.left -= n
		_, r.err = io.CopyN(w, r.in, n)
	}
}

func (r *bodyReader) skip(n int64) { r.copy(io.Discard, n) }

// keep returns n bytes, or nothing when they are too many; nil for a length of -1.
func (r *bodyReader) keep(n int64) []byte {
	switch {
	case n < 0 || r.err != nil:
		return nil
	case n > largestPart:
		r.skip(n)
		return nil
	}
	kept := sliceWriter{make([]byte, 0, n)}
	r.copy(&kept, n)
	return kept.bytes
}

type sliceWriter struct{ bytes []byte }

func (s *sliceWriter) Write(p []byte) (int, error) {
	s.bytes = append(s.bytes, p...)
	return len(p), nil
}

// readVarint reads a zigzag varint.
func readVarint(in io.ByteReader) (int64, error) {
	var u uint64
	for shift := 0; shift < 64; shift += 7 {
		c, err := in.ReadByte()
		if err != nil {
			if err == io.EOF && shift > 0 {
				err = io.ErrUnexpectedEOF
			}
			return 0, err
		}
		u |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return int64(u>>1) ^ -int64(u&1), nil
		}
	}
	return 0, errors.New("a varint of more than 64 bits")
}

// EachReadable visits the records of f as Each does, and goes on behind what cannot be read. What the network may have spoilt
// is fetched again a few times first; then damaged is called with it. An error of damaged, or of visit, ends the reading and
// is returned, with next at that record.
func EachReadable(ctx context.Context, fetcher Fetcher, f *Fetched, visit func(*Record) error, damaged func(*Damage) error) (next int64, err error) {
	const tries = 3
	end := f.Next()
	bounded := func(r *Record) error {
		if r.Offset >= end { // came with a later fetch of the same offsets
			return nil
		}
		return visit(r)
	}
	for try, at := 1, f.Offset; ; try++ {
		next, err := f.Each(bounded)
		var damage *Damage
		if !errors.As(err, &damage) {
			return min(next, max(end, f.Offset)), err
		}
		if damage.Offset > at {
			try, at = 1, damage.Offset
		}
		if damage.transport && try < tries {
			once, err := again(ctx, fetcher, f, damage.Offset)
			if err != nil {
				return damage.Offset, err
			}
			if once != nil {
				f = once
				continue
			}
		}
		if err := damaged(damage); err != nil {
			return damage.Offset, err
		}
		if damage.Next >= end || len(damage.rest.Data) == 0 {
			return damage.Next, nil
		}
		f = f.behind(damage)
	}
}

// again fetches what lies at an offset of f's partition; nil: nothing came.
func again(ctx context.Context, fetcher Fetcher, f *Fetched, offset int64) (*Fetched, error) {
	position := f.Position
	position.Offset = offset
	fetched, err := fetcher.Fetch(ctx, []Position{position}, time.Second)
	if err != nil {
		return nil, err
	}
	if len(fetched) != 1 || len(fetched[0].Data) == 0 {
		return nil, nil
	}
	return &fetched[0], nil
}

// behind returns what was fetched behind damage.
func (f *Fetched) behind(d *Damage) *Fetched {
	rest := *f
	rest.Offset, rest.Set = d.Next, d.rest
	return &rest
}
