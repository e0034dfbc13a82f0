package wire

import "iter"

// Len returns the number of headers.
func (h Headers) Len() int {
	count, size := varint(h)
	if size == 0 || count < 0 {
		return 0
	}
	return int(count)
}

// Get returns the value of the last header with this key, as Kafka's own clients do. It allocates nothing.
func (h Headers) Get(key string) (value []byte, ok bool) {
	h.each(func(k, v []byte) bool {
		if string(k) == key {
			value, ok = v, true
		}
		return true
	})
	return value, ok
}

// First returns the key of the first header, and the bytes of those behind it.
func (h Headers) First() (key, rest []byte) {
	count, size := varint(h)
	if count <= 0 {
		return nil, nil
	}
	key, rest, _ = chunk(h[size:])
	_, rest, _ = chunk(rest)
	return key, rest
}

// All goes over the headers in their order. A value may be nil. It ends early where h is malformed, which headers
// that came out of a Set never are.
func (h Headers) All() iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		h.each(func(k, v []byte) bool { return yield(string(k), v) })
	}
}

// each visits key and value of every header; whole is false when h is malformed or has bytes left over.
func (h Headers) each(visit func(key, value []byte) bool) (whole bool) {
	if len(h) == 0 {
		return true
	}
	count, size := varint(h)
	if size == 0 || count < 0 {
		return false
	}
	rest := []byte(h[size:])
	for ; count > 0; count-- {
		if k := short(rest, 0); k >= 0 {
			if v := short(rest, k); v >= 0 {
				if !visit(rest[1:k:k], rest[k+1:v:v]) {
					return true
				}
				rest = rest[v:]
				continue
			}
		}
		key, after, ok := chunk(rest)
		if !ok || key == nil { // a key may be empty, not null
			return false
		}
		value, after, ok := chunk(after)
		if !ok {
			return false
		}
		if !visit(key, value) {
			return true
		}
		rest = after
	}
	return len(rest) == 0
}

// AppendHeaders puts more headers behind those of dst. dst[:0] of an old one reuses its memory; nil is none.
func AppendHeaders(dst Headers, more ...Header) Headers {
	if len(more) == 0 {
		return dst
	}
	dst = recount(dst, dst.Len()+len(more))
	for i := range more {
		dst = appendVarint(dst, int64(len(more[i].Key)))
		dst = append(dst, more[i].Key...)
		if more[i].Value == nil {
			dst = appendVarint(dst, -1)
			continue
		}
		dst = appendVarint(dst, int64(len(more[i].Value)))
		dst = append(dst, more[i].Value...)
	}
	return dst
}

// recount writes a new count in front, moving what follows when the count needs more bytes than before.
func recount(h Headers, count int) Headers {
	_, old := varint(h)
	size := varintSize(int64(count))
	for i := old; i < size; i++ {
		h = append(h, 0)
	}
	if old > 0 && size > old {
		copy(h[size:], h[old:len(h)-(size-old)])
	}
	appendVarint(h[:0], int64(count))
	return h
}
