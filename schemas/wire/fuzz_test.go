package wire_test

import (
	"testing"

	"kindred/schemas/wire"
)

// Whatever comes, reading ends, does not panic, goes forward and stays inside the data.
func FuzzEach(f *testing.F) {
	for _, name := range []string{"none", "gzip", "snappy", "lz4", "zstd", "appendtime", "tx", "cleaned"} {
		f.Add(file(f, name), int64(0), int64(7), int64(0))
	}
	f.Fuzz(func(t *testing.T, data []byte, from, producer, first int64) {
		if len(data) < 61 || from < 0 {
			return
		}
		// Let the first batch pass the checksum, so that what lies behind it is tried.
		if length := int(int32(uint32(data[8])<<24 | uint32(data[9])<<16 | uint32(data[10])<<8 | uint32(data[11]))); length != len(data)-12 {
			data = append([]byte(nil), data...)
			data = sealed(data)
		}
		data[16] = 2
		data = sealed(data)
		last := from - 1
		aborted := []wire.Aborted{{ProducerID: producer, FirstOffset: first}}
		next, err := wire.Set{Data: data, From: from, Aborted: aborted}.Each(func(r *wire.Record) error {
			if r.Offset < from {
				t.Fatalf("offset %d, asked for %d", r.Offset, from)
			}
			for range r.Headers.All() {
			}
			last = r.Offset
			return nil
		})
		if err == nil && next < last+1 {
			t.Fatalf("next %d after offset %d", next, last)
		}
	})
}

func FuzzHeaders(f *testing.F) {
	f.Add([]byte{2, 2, 'a', 2, 'b'})
	f.Add([]byte{4, 2, 'a', 1, 0, 0})
	f.Fuzz(func(t *testing.T, raw []byte) {
		h := wire.Headers(raw)
		n := 0
		for range h.All() {
			n++
		}
		h.Get("a")
		h.Len()
		_ = n
	})
}
