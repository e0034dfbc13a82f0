package wire

import (
	"encoding/binary"
	"fmt"
	"io"
)

// maxFrame bounds a response: what announces more is not Kafka.
const maxFrame = 1 << 30

// AppendRequest begins a request with header version 1 (so for no flexible version of a request): put the body behind
// it, then call FinishRequest. clientID may be empty.
func AppendRequest(dst []byte, apiKey, version int16, correlation int32, clientID string) []byte {
	dst = binary.BigEndian.AppendUint32(dst, 0) // the size, see FinishRequest
	dst = binary.BigEndian.AppendUint16(dst, uint16(apiKey))
	dst = binary.BigEndian.AppendUint16(dst, uint16(version))
	dst = binary.BigEndian.AppendUint32(dst, uint32(correlation))
	return AppendString(dst, clientID)
}

// FinishRequest writes the size in front of a request that began at the start of frame.
func FinishRequest(frame []byte) { binary.BigEndian.PutUint32(frame, uint32(len(frame)-4)) }

// AppendString appends a string with its length in two bytes.
func AppendString(dst []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint16(dst, uint16(len(s))), s...)
}

// AppendNullable is AppendString, but the empty string becomes null.
func AppendNullable(dst []byte, s string) []byte {
	if s == "" {
		return append(dst, 0xff, 0xff)
	}
	return AppendString(dst, s)
}

// ReadResponse reads one response with header version 0 and returns its body, which lies in buffer when that is large
// enough. Whoever reads it must be the only one to use the connection.
func ReadResponse(r io.Reader, correlation int32, buffer []byte) (body []byte, err error) {
	buffer = grow(buffer, 8)
	if _, err := io.ReadFull(r, buffer); err != nil {
		return nil, fmt.Errorf("read response: %w", err)
	}
	size, id := int32(binary.BigEndian.Uint32(buffer)), int32(binary.BigEndian.Uint32(buffer[4:]))
	if size < 4 || size > maxFrame {
		return nil, fmt.Errorf("read response: a size of %d bytes", size)
	}
	if id != correlation {
		return nil, fmt.Errorf("read response: it answers request %d, want %d", id, correlation)
	}
	body = grow(buffer, int(size)-4)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, fmt.Errorf("read response: %w", err)
	}
	return body, nil
}

func grow(buffer []byte, size int) []byte {
	if cap(buffer) < size {
		return make([]byte, size)
	}
	return buffer[:size]
}

// Body reads the fields of a response one after the other. Behind its end, or after a length that leads there, all
// fields are zero and Err is not nil: check it once, at the end.
type Body struct {
	Rest []byte
	bad  bool
}

// Err returns an error unless everything read so far was there.
func (b *Body) Err() error {
	if b.bad {
		return fmt.Errorf("response: %w", io.ErrUnexpectedEOF)
	}
	return nil
}

func (b *Body) take(n int) []byte {
	if n < 0 || n > len(b.Rest) {
		b.bad, b.Rest = true, nil
		return nil
	}
	taken := b.Rest[:n:n]
	b.Rest = b.Rest[n:]
	return taken
}

// Int8 reads one byte.
func (b *Body) Int8() int8 {
	if v := b.take(1); v != nil {
		return int8(v[0])
	}
	return 0
}

// Int16 reads two bytes.
func (b *Body) Int16() int16 {
	if v := b.take(2); v != nil {
		return int16(binary.BigEndian.Uint16(v))
	}
	return 0
}

// Int32 reads four bytes.
func (b *Body) Int32() int32 {
	if v := b.take(4); v != nil {
		return int32(binary.BigEndian.Uint32(v))
	}
	return 0
}

// Int64 reads eight bytes.
func (b *Body) Int64() int64 {
	if v := b.take(8); v != nil {
		return int64(binary.BigEndian.Uint64(v))
	}
	return 0
}

// Text reads a string; nil when it is null. It aliases the body.
func (b *Body) Text() []byte {
	n := int(b.Int16())
	if n < 0 {
		return nil
	}
	return b.take(n)
}

// Bytes reads bytes with their length in four bytes, such as a set of batches; nil when null. They alias the body.
func (b *Body) Bytes() []byte {
	n := int(b.Int32())
	if n < 0 {
		return nil
	}
	return b.take(n)
}

// Count reads the number of elements of an array; 0 when it is null. Every element takes at least a byte: a count
// beyond what is left is bad, so it may be used to allocate.
func (b *Body) Count() int {
	n := int(b.Int32())
	if n > len(b.Rest) {
		b.bad, b.Rest = true, nil
	}
	if n < 0 || b.bad {
		return 0
	}
	return n
}
