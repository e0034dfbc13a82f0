package wire_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"kindred/schemas/wire"
)

// compressed makes a compressed batch of what the builder holds: compress writes the records' bytes.
func compressed(t *testing.T, b *wire.Builder, codec byte, compress func(io.Writer, []byte)) []byte {
	t.Helper()
	plain := b.Finish(-1, -1, -1, false)
	var out bytes.Buffer
	compress(&out, plain[61:])
	data := append(slices.Clone(plain[:61]), out.Bytes()...)
	data[22] |= codec
	return sealed(data)
}

func gzipped(w io.Writer, data []byte) {
	z := gzip.NewWriter(w)
	_, _ = z.Write(data)
	_ = z.Close()
}

// readable reads a partition that holds data, from offset 0 to its end, as a consumer would that survives everything.
func readable(t *testing.T, data []byte, end int64) (keys []string, damages []*wire.Damage) {
	t.Helper()
	f := &wire.Fetched{Position: wire.Position{Topic: "t"}, Set: wire.Set{Data: data}, HighWatermark: end, Stable: end}
	next, err := wire.EachReadable(t.Context(), repeating{f}, f, func(r *wire.Record) error {
		keys = append(keys, string(r.Key))
		return nil
	}, func(d *wire.Damage) error {
		damages = append(damages, d)
		return nil
	})
	if err != nil || next != end || f.Next() != end {
		t.Errorf("goes on at %d (foreseen: %d), want %d: %v", next, f.Next(), end, err)
	}
	return keys, damages
}

// repeating answers every fetch with the same bytes.
type repeating struct{ *wire.Fetched }

func (s repeating) Fetch(_ context.Context, from []wire.Position, _ time.Duration) ([]wire.Fetched, error) {
	f := *s.Fetched
	f.Position, f.Set.From = from[0], from[0].Offset
	return []wire.Fetched{f}, nil
}

func TestAnOversizeRecordIsToldOfAndItsNeighboursAreRead(t *testing.T) {
	value := []byte(strings.Repeat("0123456789", 2_000_000)) // 20 MB, in 40 KB of gzip
	headers := wire.AppendHeaders(nil, wire.Header{Key: "kind", Value: []byte("large")})
	var b wire.Builder
	b.Add(1, []byte("before"), []byte("1"), nil)
	b.Add(2, []byte("large"), value, headers)
	b.Add(3, []byte("after"), []byte("3"), nil)
	for name, data := range map[string][]byte{
		"plain": slices.Clone(b.Finish(-1, -1, -1, false)), "gzip": compressed(t, &b, 1, gzipped),
	} {
		keys, damages := readable(t, data, 3)
		if !slices.Equal(keys, []string{"before", "after"}) || len(damages) != 1 {
			t.Fatalf("%s: read %q, damaged are %v", name, keys, damages)
		}
		d := damages[0]
		kind, _ := d.Record.Headers.Get("kind")
		if !errors.Is(d, wire.ErrOversize) || d.Offset != 1 || d.Next != 2 || string(d.Record.Key) != "large" ||
			string(kind) != "large" || d.Record.Timestamp != 2 || d.Size != int64(len(value)) || d.Hash != sha256.Sum256(value) {
			t.Errorf("%s: told %+v of the large record", name, d)
		}
	}
}

// Whatever a broker may store: it ends, takes little memory, and what lies behind it is read.
func TestNoBatchCanStopAReader(t *testing.T) {
	var good wire.Builder
	good.Add(1, []byte("good"), []byte("{}"), nil)
	corruptions := map[string]func() []byte{
		"200 MB in 200 KB of gzip": func() []byte {
			return compressed(t, &good, 1, func(w io.Writer, _ []byte) {
				z, _ := gzip.NewWriterLevel(w, gzip.BestSpeed)
				record := binary.AppendVarint(nil, 200<<20)
				_, _ = z.Write(append(record, 0, 0, 0, 1)) // attributes, time, offset, no key
				_, _ = z.Write(binary.AppendVarint(nil, 199<<20))
				for range 199 {
					_, _ = z.Write(make([]byte, 1<<20))
				}
				_ = z.Close()
			})
		},
		"no gzip": func() []byte {
			return compressed(t, &good, 1, func(w io.Writer, _ []byte) { _, _ = w.Write([]byte("not gzip at all")) })
		},
		"gzip that ends early": func() []byte {
			return compressed(t, &good, 1, func(w io.Writer, data []byte) {
				var whole bytes.Buffer
				gzipped(&whole, data)
				_, _ = w.Write(whole.Bytes()[:whole.Len()/2])
			})
		},
		"a snappy block of 4 GB": func() []byte {
			return compressed(t, &good, 2, func(w io.Writer, _ []byte) { _, _ = w.Write([]byte{0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0}) })
		},
		"a framed snappy block of 4 GB": func() []byte {
			return compressed(t, &good, 2, func(w io.Writer, _ []byte) {
				_, _ = w.Write([]byte("\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01\xff\xff\xff\xf0"))
			})
		},
		"a zstd window of 512 MB": func() []byte {
			return compressed(t, &good, 4, func(w io.Writer, data []byte) {
				z, err := zstd.NewWriter(w, zstd.WithWindowSize(512<<20), zstd.WithSingleSegment(false))
				if err != nil {
					t.Fatal(err)
				}
				_, _ = z.Write(data)
				_ = z.Flush()
				_, _ = z.Write(make([]byte, 1<<20))
				_ = z.Close()
			})
		},
		"an unknown compression": func() []byte { return compressed(t, &good, 7, func(w io.Writer, data []byte) { _, _ = w.Write(data) }) },
		"2^31 headers": func() []byte {
			var b wire.Builder
			b.Add(1, []byte("k"), []byte("v"), wire.Headers(binary.AppendVarint(nil, 1<<31)))
			return slices.Clone(b.Finish(-1, -1, -1, false))
		},
		"a record of a negative length": func() []byte {
			return compressed(t, &good, 1, func(w io.Writer, _ []byte) { gzipped(w, []byte{1, 0, 0}) })
		},
		"a record that is longer than its batch": func() []byte {
			data := slices.Clone(good.Finish(-1, -1, -1, false))
			data[61] = 0x7e
			return sealed(data)
		},
		"a wrong checksum": func() []byte {
			data := slices.Clone(good.Finish(-1, -1, -1, false))
			data[len(data)-1] ^= 1
			return data
		},
		"a million records in nothing": func() []byte {
			data := slices.Clone(good.Finish(-1, -1, -1, false))
			binary.BigEndian.PutUint32(data[57:], 1_000_000)
			return sealed(data)
		},
	}
	for name, make := range corruptions {
		data := make()
		behind := slices.Clone(good.Finish(-1, -1, -1, false))
		binary.BigEndian.PutUint64(behind, 1)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		keys, damages := readable(t, append(data, behind...), 2)
		runtime.ReadMemStats(&after)
		if len(keys) == 0 || keys[len(keys)-1] != "good" || len(damages) != 1 || damages[0].Offset > 1 || damages[0].Next != 1 {
			t.Errorf("%s: read %q, damaged are %v", name, keys, damages)
		}
		if taken := after.TotalAlloc - before.TotalAlloc; taken > 40<<20 {
			t.Errorf("%s of %d bytes took %d MB", name, len(data), taken>>20)
		}
	}
}

// A transaction that ended before the place where reading goes on has ended there, too.
// Batches that need most of the memory that all may take, for what they look back at and for a record, are read one after the
// other. That nobody waits for ever is what is tested: go test would end it.
func TestReadersThatNeedMuchMemoryDoNotWaitForEachOther(t *testing.T) {
	var b wire.Builder
	b.Add(1, []byte("large"), bytes.Repeat([]byte("0123456789"), 300_000), nil)
	data := compressed(t, &b, 4, func(w io.Writer, data []byte) {
		z, err := zstd.NewWriter(w, zstd.WithWindowSize(64<<20), zstd.WithSingleSegment(false))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = z.Write(data)
		_ = z.Flush()
		_ = z.Close()
	})
	var readers sync.WaitGroup
	for range 6 {
		readers.Go(func() {
			for range 3 {
				if keys, damages := readable(t, data, 1); len(keys) != 1 || len(damages) != 0 {
					t.Errorf("read %q, damages %v", keys, damages)
				}
			}
		})
	}
	readers.Wait()
}

func TestReadingGoesOnInTheRightTransaction(t *testing.T) {
	data := file(t, "tx")
	each := func(from int64) (offsets []int64) {
		_, err := wire.Set{Data: data, From: from, Aborted: []wire.Aborted{{ProducerID: 8, FirstOffset: 8}, {ProducerID: 7, FirstOffset: 0}}}.Each(func(r *wire.Record) error {
			offsets = append(offsets, r.Offset)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return offsets
	}
	all := each(0)
	for _, from := range all {
		want := all[slices.Index(all, from):]
		if got := each(from); !slices.Equal(got, want) {
			t.Errorf("from offset %d it reads %v, want %v", from, got, want)
		}
	}
}
