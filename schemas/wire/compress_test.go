package wire_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"kindred/schemas/wire"
)

// alike fills a builder with records that have much in common, as those of a batch mostly do.
func alike(t *rapid.T, b *wire.Builder) {
	word := rapid.SampledFrom([]string{"entered", "left", "changed"})
	for i := range rapid.IntRange(1, 3000).Draw(t, "records") {
		value := fmt.Appendf(nil, `{"score":0.%d,"change":%q}`, i*7919%10000, word.Draw(t, "word"))
		b.Add(int64(1000+i), fmt.Appendf(nil, "expansion/c-%07d", i*i), value,
			wire.AppendHeaders(nil, wire.Header{Key: "ce_type", Value: []byte("kindred.membership.entered")}, wire.Header{Key: "none"}))
	}
}

func shown(t interface{ Fatal(...any) }, data []byte) (records []string) {
	next, err := wire.Set{Data: data}.Each(func(r *wire.Record) error {
		records = append(records, show(r))
		return nil
	})
	if err != nil || next != int64(len(records)) {
		t.Fatal("read ", len(records), " records up to ", next, ": ", err)
	}
	return records
}

func TestACompressedBatchHoldsTheSameRecords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b wire.Builder
		alike(t, &b)
		want := shown(t, slices.Clone(b.Finish(9, 1, 0, true)))
		plain := b.Size()
		for _, c := range wire.Compressions {
			b.Compress(c)
			data := slices.Clone(b.Finish(9, 1, 0, true))
			if got := shown(t, data); !slices.Equal(got, want) {
				t.Fatalf("%v: got %v, want %v", c, got, want)
			}
			packed := data[22]&7 != 0
			if packed && data[22]&7 != byte(c) || !packed && len(data) != plain || len(data) > plain {
				t.Fatalf("%v: %d bytes, %d before, attributes %b", c, len(data), plain, data[22])
			}
			// A resend has the same bytes, and so has the batch of a builder that was filled alike.
			again := new(wire.Builder)
			for _, size := range []int{b.Size(), len(b.AppendTo(nil, 9, 1, 0, true))} {
				if size != len(data) {
					t.Fatalf("%v: a size of %d, want %d", c, size, len(data))
				}
			}
			if _, err := (wire.Set{Data: data}).Each(func(r *wire.Record) error {
				again.Add(r.Timestamp, r.Key, r.Value, r.Headers)
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			again.Compress(c)
			if !bytes.Equal(b.AppendTo(nil, 9, 1, 0, true), data) || !bytes.Equal(again.Finish(9, 1, 0, true), data) {
				t.Fatalf("%v: other bytes the second time", c)
			}
		}
	})
}

// behind returns what is shown of records without their offsets.
func behind(records []string) (rest []string) {
	for _, r := range records {
		_, r, _ = strings.Cut(r, " ")
		rest = append(rest, r)
	}
	return rest
}

// The builder can be filled on, and emptied, as if it had not been compressed.
func TestWhatIsAddedToACompressedBatchIsInIt(t *testing.T) {
	var b wire.Builder
	add := func(n int) {
		for i := range n {
			b.Add(1000, []byte("key"), fmt.Appendf(nil, "%d %s", i, strings.Repeat("x", 90)), nil)
		}
	}
	add(20)
	plain := b.Size()
	b.Compress(wire.LZ4)
	if b.Size() > plain/2 {
		t.Errorf("compressed from %d to %d bytes", plain, b.Size())
	}
	first, second := b.Halves()
	if first.Size() > plain/4 || second.Size() > plain/4 {
		t.Errorf("halves have %d and %d bytes of %d", first.Size(), second.Size(), plain)
	}
	halves := append(shown(t, first.Finish(1, 0, 0, false)), shown(t, second.Finish(1, 0, 0, false))...)
	same(t, "halves", behind(halves), behind(shown(t, b.Finish(1, 0, 0, false))))
	add(1)
	same(t, "plain again", b.Size() > plain, true)
	same(t, "records", len(shown(t, b.Finish(1, 0, 0, false))), 21)
	b.Compress(wire.LZ4)
	b.Reset()
	same(t, "empty", b.Size(), 0)
	add(1)
	same(t, "records", len(shown(t, b.Finish(1, 0, 0, false))), 1)
}

// Nobody should have to inflate what has hardly become smaller.
func TestWhatHardlyGetsSmallerIsLeft(t *testing.T) {
	var b wire.Builder
	b.Add(1000, []byte("vip-expansion/c-17"), []byte(`{"expansionId":"vip-expansion","customerId":"c-17"}`), nil)
	for _, c := range wire.Compressions {
		plain := b.Size()
		b.Compress(c)
		same(t, c.String(), b.Size(), plain)
	}
}

func TestCompressionsHaveTheNamesOfKafka(t *testing.T) {
	same(t, "names", fmt.Sprint(wire.Compressions), "[none gzip snappy lz4 zstd]")
	for _, c := range wire.Compressions {
		parsed, err := wire.ParseCompression(c.String())
		same(t, c.String(), parsed, c)
		same(t, "error", err, nil)
	}
	if _, err := wire.ParseCompression("brotli"); err == nil || !strings.Contains(err.Error(), "none gzip snappy lz4 zstd") {
		t.Errorf("got %v", err)
	}
}
