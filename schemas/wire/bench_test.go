package wire_test

import (
	"testing"

	"kindred/schemas/wire"
)

// An op is a record of 350 bytes.
func BenchmarkBuild(b *testing.B) {
	var batch wire.Builder
	key, value := []byte("customer-00001"), make([]byte, 350)
	b.SetBytes(350)
	for i := range b.N {
		if i%1500 == 0 {
			batch.Finish(1, 0, 0, false)
			batch.Reset()
		}
		batch.Add(int64(i), key, value, nil)
	}
}

func BenchmarkEach(b *testing.B) {
	for _, c := range wire.Compressions {
		b.Run(c.String(), func(b *testing.B) { each(b, c) })
	}
}

func each(b *testing.B, c wire.Compression) {
	var batch wire.Builder
	key, value := []byte("customer-00001"), make([]byte, 350)
	for i := range value {
		value[i] = "abcdefgh"[i*i%61%8]
	}
	for i := range 1500 {
		batch.Add(int64(i), key, value, nil)
	}
	batch.Compress(c)
	data := batch.Finish(1, 0, 0, false)
	b.SetBytes(350)
	n := 0
	for n < b.N {
		wire.Set{Data: data}.Each(func(r *wire.Record) error { n += min(1, len(r.Key)); return nil })
	}
}
