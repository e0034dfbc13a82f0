package wire_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/segmentio/kafka-go/compress"
	"pgregory.net/rapid"

	"kindred/schemas/wire"
)

// show writes a record as kcat would, with null and empty told apart.
func show(r *wire.Record) string {
	text := func(b []byte) string {
		switch {
		case b == nil:
			return "null"
		case len(b) > 100:
			return fmt.Sprintf("%d bytes", len(b))
		}
		return fmt.Sprintf("%q", b)
	}
	line := fmt.Sprintf("%d %d %s %s", r.Offset, r.Timestamp, text(r.Key), text(r.Value))
	for key, value := range r.Headers.All() {
		line += fmt.Sprintf(" %s=%s", key, text(value))
	}
	return line
}

func read(t *testing.T, s wire.Set) (lines []string, next int64) {
	t.Helper()
	next, err := s.Each(func(r *wire.Record) error {
		lines = append(lines, show(r))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines, next
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if g, w := fmt.Sprintf("%v", got), fmt.Sprintf("%v", want); g != w {
		t.Errorf("%s:\n got %s\nwant %s", what, g, w)
	}
}

// file gives batches as a broker of Kafka 4.1 returned them; all were written by Kafka's own Java client.
func file(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name + ".batches")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestWhatTheJavaClientWrote(t *testing.T) {
	for _, codec := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		t.Run(codec, func(t *testing.T) {
			lines, next := read(t, wire.Set{Data: file(t, codec)})
			same(t, "records", strings.Join(lines, "\n"), `0 1700000000123 "k1" "value one"
1 1700000000001 null null
2 1700000999999 "" "" h="1" h="2" n=null
3 1700000999999 "k4" 1400 bytes`)
			same(t, "next", next, 4)
		})
	}
	t.Run("the broker's time", func(t *testing.T) {
		lines, _ := read(t, wire.Set{Data: file(t, "appendtime")})
		same(t, "records", strings.Join(lines, "\n"), `0 1795509536757 "a" "1"
1 1795509536757 "b" "2"`)
	})
}

func TestAbortedTransactionsDoNotCount(t *testing.T) {
	aborted := []wire.Aborted{{ProducerID: 8, FirstOffset: 8}, {ProducerID: 7, FirstOffset: 0}} // in any order
	lines, next := read(t, wire.Set{Data: file(t, "tx"), Aborted: aborted})
	same(t, "records", strings.Join(lines, "\n"), `1 2 "k" "y committed 1"
4 4 "k" "x committed"
5 5 "k" "y committed 2"
10 7 "k" "plain"`)
	same(t, "next", next, 11)
	same(t, "the caller's list", aborted[0].ProducerID, 8)

	lines, _ = read(t, wire.Set{Data: file(t, "tx")})
	same(t, "uncommitted reads all but the markers", len(lines), 7)
}

// What the log cleaner leaves: gaps, empty batches that only remember a sequence number, markers of transactions whose
// data is gone and of which one is in the broker's list all the same.
func TestACleanedLog(t *testing.T) {
	aborted := []wire.Aborted{{ProducerID: 8, FirstOffset: 43}, {ProducerID: 7, FirstOffset: 54}}
	lines, next := read(t, wire.Set{Data: file(t, "cleaned"), Aborted: aborted})
	var got []string
	for _, line := range lines {
		f := strings.Fields(line)
		got = append(got, f[0]+f[2]+f[3])
	}
	same(t, "records, as kcat reads them", strings.NewReplacer(`"`, ":").Replace(strings.Join(got, " ")),
		"27:k6::y1: 36:k0::x2: 37:k1::x2: 38:k2::x2: 39:k3::x2: 40:k4::x2: 41:k5::x2: 49:k7::m2: 50:k8::m2: "+
			"51:k9::m2: 52:k10::m2: 53:k11::m2: 61:k4::y3: 62:k5::y3: 63:k6::y3: 64:k7::y3: 65:k8::y3: 67:k7::m3: "+
			"68:k8::m3: 69:k9::m3: 70:k10::m3: 71:k11::m3:")
	same(t, "next", next, 72)
}

func TestOnlyWholeBatchesHaveASize(t *testing.T) {
	data := file(t, "none")
	same(t, "one batch", wire.Set{Data: data}.Size(), len(data))
	twice := append(slices.Clone(data), data...)
	same(t, "one that is cut off behind it", wire.Set{Data: twice[:len(twice)-1]}.Size(), len(data))
	same(t, "no whole one", wire.Set{Data: data[:len(data)-1]}.Size(), 0)
}

// first gives the first n batches.
func first(data []byte, n int) []byte {
	end := 0
	for ; n > 0; n-- {
		end += 12 + int(binary.BigEndian.Uint32(data[end+8:]))
	}
	return data[:end]
}

func TestNothingButEmptyBatchesStillMovesOn(t *testing.T) {
	data := first(file(t, "cleaned"), 3) // two markers and an empty batch, the last offset is 17
	lines, next := read(t, wire.Set{Data: data, From: 3})
	same(t, "records", len(lines), 0)
	same(t, "next", next, 18)
}

func TestAFetchInsideABatch(t *testing.T) {
	lines, next := read(t, wire.Set{Data: file(t, "gzip"), From: 2})
	same(t, "records", len(lines), 2)
	same(t, "next", next, 4)
	_, next = read(t, wire.Set{Data: file(t, "gzip"), From: 10}) // all below
	same(t, "next", next, 10)
	_, next = read(t, wire.Set{From: 10})
	same(t, "next", next, 10)
}

func TestTheLastBatchMayBeCutOff(t *testing.T) {
	data := file(t, "tx")
	whole, _ := read(t, wire.Set{Data: data})
	for cut := range len(data) {
		var lines []string
		next, err := wire.Set{Data: data[:cut]}.Each(func(r *wire.Record) error {
			lines = append(lines, show(r))
			return nil
		})
		if cut > 0 && cut < len(first(data, 1)) {
			if !errors.Is(err, wire.ErrCorrupt) {
				t.Fatalf("cut at %d: a first batch that is not whole would be fetched for ever: %v", cut, err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		if !slices.Equal(lines, whole[:len(lines)]) || next < int64(len(lines)) {
			t.Fatalf("cut at %d: %v, next %d", cut, lines, next)
		}
	}
}

func TestVisitStops(t *testing.T) {
	enough := errors.New("enough")
	next, err := wire.Set{Data: file(t, "none")}.Each(func(r *wire.Record) error {
		if r.Offset == 2 {
			return enough
		}
		return nil
	})
	if err != enough || next != 2 {
		t.Errorf("got %v at %d", err, next)
	}
}

func TestEveryFlippedBitIsSeen(t *testing.T) {
	for _, name := range []string{"none", "zstd"} {
		data := file(t, name)
		want, _ := read(t, wire.Set{Data: data})
		for i := 16; i < len(data); i++ { // before that lie offset, length and leader epoch, which no checksum covers
			broken := slices.Clone(data)
			broken[i] ^= 1 << (i % 8)
			if _, err := (wire.Set{Data: broken}).Each(func(*wire.Record) error { return nil }); err == nil {
				t.Fatalf("%s: byte %d: not seen", name, i)
			}
		}
		again, _ := read(t, wire.Set{Data: data})
		same(t, "data is left alone", again, want)
	}
}

func TestTheBytesOfABatch(t *testing.T) {
	var b wire.Builder
	b.Add(1000, []byte("k"), []byte("v"), nil)
	b.Add(999, nil, nil, wire.AppendHeaders(nil, wire.Header{Key: "h", Value: []byte("x")}, wire.Header{Key: "n"}))
	got := b.Finish(5, 2, 7, true)
	want := "0000000000000000" + "00000048" + "ffffffff" + "02" + "CHECKSUM" + "0010" + "00000001" +
		"00000000000003e8" + "00000000000003e8" + "0000000000000005" + "0002" + "00000007" + "00000002" +
		"10" + "00" + "00" + "00" + "02" + "6b" + "02" + "76" + "00" +
		"1a" + "00" + "01" + "02" + "01" + "01" + "04" + "0268" + "0278" + "026e" + "01"
	sum := binary.BigEndian.AppendUint32(nil, crc32.Checksum(got[21:], crc32.MakeTable(crc32.Castagnoli)))
	same(t, "batch", hex.EncodeToString(got), strings.Replace(want, "CHECKSUM", hex.EncodeToString(sum), 1))
	same(t, "size", b.Size(), len(got))
	same(t, "again", b.Finish(5, 2, 7, true), got)
	same(t, "into other memory", b.AppendTo([]byte("before"), 5, 2, 7, true), append([]byte("before"), got...))
	b.Reset()
	same(t, "empty", fmt.Sprint(b.Len(), b.Size(), b.Finish(5, 2, 7, true) == nil), "0 0 true")
}

// The Java client's own bytes come out when its records go in.
func TestTheSameBytesAsTheJavaClient(t *testing.T) {
	want := file(t, "none")
	var b wire.Builder
	read := func(r *wire.Record) error {
		b.Add(r.Timestamp, r.Key, r.Value, r.Headers)
		return nil
	}
	if _, err := (wire.Set{Data: want}).Each(read); err != nil {
		t.Fatal(err)
	}
	be := binary.BigEndian
	got := b.Finish(int64(be.Uint64(want[43:])), int16(be.Uint16(want[51:])), int32(be.Uint32(want[53:])), false)
	copy(got[12:16], want[12:16]) // the leader's epoch is the broker's
	if !bytes.Equal(got, want) {
		t.Errorf("got\n%x\nwant\n%x", got, want)
	}
}

func maybe(t *rapid.T, label string) []byte {
	if rapid.IntRange(0, 4).Draw(t, label+" null") == 0 {
		return nil
	}
	return rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, label)
}

func TestWhatIsBuiltIsRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b wire.Builder
		var want []string
		n := rapid.IntRange(1, 200).Draw(t, "records")
		for i := range n {
			var h wire.Headers
			for range rapid.IntRange(0, 3).Draw(t, "headers") {
				h = wire.AppendHeaders(h, wire.Header{Key: rapid.StringN(0, 5, 20).Draw(t, "name"), Value: maybe(t, "header")})
			}
			r := wire.Record{Offset: int64(i), Timestamp: rapid.Int64Range(0, 1<<45).Draw(t, "time"), Key: maybe(t, "key"), Value: maybe(t, "value"), Headers: h}
			b.Add(r.Timestamp, r.Key, r.Value, r.Headers)
			want = append(want, show(&r))
		}
		data := slices.Clone(b.Finish(9, 1, 0, false))
		codec := rapid.IntRange(0, 4).Draw(t, "codec")
		if codec > 0 {
			data = packed(t, data, codec)
		}
		from := rapid.IntRange(0, n).Draw(t, "from")
		var got []string
		next, err := wire.Set{Data: data, From: int64(from)}.Each(func(r *wire.Record) error {
			got = append(got, show(r))
			return nil
		})
		if err != nil || next != int64(n) {
			t.Fatalf("next %d of %d: %v", next, n, err)
		}
		if !slices.Equal(got, want[from:]) {
			t.Fatalf("got %v, want %v", got, want[from:])
		}
	})
}

// packed compresses a batch as a client would.
func packed(t interface{ Fatal(...any) }, batch []byte, codec int) []byte {
	var records bytes.Buffer
	w := compress.Compression(codec).Codec().NewWriter(&records)
	if _, err := w.Write(batch[61:]); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	out := append(slices.Clone(batch[:61]), records.Bytes()...)
	out[22] |= byte(codec)
	return sealed(out)
}

// sealed writes length and checksum anew.
func sealed(batch []byte) []byte {
	binary.BigEndian.PutUint32(batch[8:], uint32(len(batch)-12))
	binary.BigEndian.PutUint32(batch[17:], crc32.Checksum(batch[21:], crc32.MakeTable(crc32.Castagnoli)))
	return batch
}

func TestACompressionBombIsRefused(t *testing.T) {
	var b wire.Builder
	b.Add(0, nil, nil, nil)
	var bomb bytes.Buffer
	w := compress.Zstd.Codec().NewWriter(&bomb)
	for range 130 {
		if _, err := w.Write(make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	w.Close()
	data := append(slices.Clone(b.Finish(-1, -1, -1, false)[:61]), bomb.Bytes()...)
	data[22] |= byte(compress.Zstd)
	data = sealed(data)
	if _, err := (wire.Set{Data: data}).Each(func(*wire.Record) error { return nil }); !errors.Is(err, wire.ErrCorrupt) {
		t.Errorf("%d bytes: got %v", len(data), err)
	}
}

func TestHeaders(t *testing.T) {
	var h wire.Headers
	for i := range 100 { // the count grows from one byte to two
		h = wire.AppendHeaders(h, wire.Header{Key: fmt.Sprint("k", i%70), Value: []byte(fmt.Sprint(i))})
	}
	same(t, "count", h.Len(), 100)
	i := 0
	for key, value := range h.All() {
		same(t, "key", key, fmt.Sprint("k", i%70))
		same(t, "value", string(value), i)
		i++
	}
	same(t, "visited", i, 100)
	v, ok := h.Get("k5")
	same(t, "the last one counts", fmt.Sprintln(string(v), ok), "75 true\n")
	first, rest := h.First()
	same(t, "first", string(first), "k0")
	same(t, "behind it", bytes.HasPrefix(rest, []byte("\x04k1\x021\x04k2\x022")) && bytes.HasSuffix(h, rest), true)
	first, rest = wire.Headers(nil).First()
	same(t, "of none", len(first)+len(rest), 0)
	_, ok = h.Get("none")
	same(t, "missing", ok, false)
	same(t, "none", wire.Headers(nil).Len(), 0)
	same(t, "nothing more", wire.AppendHeaders(nil) == nil, true)
	reused := wire.AppendHeaders(h[:0], wire.Header{Key: "a", Value: []byte("b")})
	same(t, "reused", reused.Len(), 1)
}

func TestHotPathsDoNotAllocate(t *testing.T) {
	var b wire.Builder
	key, value, word := []byte("key"), make([]byte, 350), []byte("run")
	var h wire.Headers
	out := make([]byte, 0, 64<<10)
	build := func() {
		b.Reset()
		for i := range 100 {
			h = wire.AppendHeaders(h[:0], wire.Header{Key: "kindred.cause", Value: word})
			b.Add(int64(i), key, value, h)
		}
		out = b.AppendTo(out[:0], 1, 0, 0, false)
	}
	build()
	if n := testing.AllocsPerRun(10, build); n > 0 {
		t.Errorf("building: %v allocations", n)
	}
	count := 0
	if n := testing.AllocsPerRun(10, func() {
		wire.Set{Data: out}.Each(func(r *wire.Record) error {
			if v, ok := r.Headers.Get("kindred.cause"); ok && len(v) == 3 {
				count++
			}
			return nil
		})
	}); n > 3 { // for the whole fetch
		t.Errorf("reading: %v allocations", n)
	}
	same(t, "records", count, 1100)
}

func TestFrames(t *testing.T) {
	f := wire.AppendRequest(nil, 1, 11, 7, "me")
	f = wire.AppendNullable(f, "")
	f = wire.AppendNullable(f, "x")
	wire.FinishRequest(f)
	same(t, "request", hex.EncodeToString(f), "00000011"+"0001"+"000b"+"00000007"+"00026d65"+"ffff"+"000178")

	response, _ := hex.DecodeString("0000001c" + "00000007" + "01" + "0002" + "00000003" + "000000000004" + "0005" + "00017a" + "ffff" + "ffffffff")
	body, err := wire.ReadResponse(bytes.NewReader(response), 7, nil)
	if err != nil {
		t.Fatal(err)
	}
	b := wire.Body{Rest: body}
	same(t, "fields", fmt.Sprintln(b.Int8(), b.Int16(), b.Int32(), b.Int64(), string(b.Text()), b.Text() == nil, b.Bytes() == nil, b.Err()), "1 2 3 262149 z true true <nil>\n")
	b.Int64()
	if !errors.Is(b.Err(), io.ErrUnexpectedEOF) || b.Int32() != 0 || b.Count() != 0 {
		t.Error("reading behind the end")
	}
	huge := wire.Body{Rest: []byte{0x7f, 0xff, 0xff, 0xff, 1}}
	if huge.Count() != 0 || huge.Err() == nil {
		t.Error("a count that cannot be")
	}
	for _, broken := range []string{"0000001c00000008", "ffffffff00000007", "00000003", "7fffffff00000007", "0000002000000007aa"} {
		raw, _ := hex.DecodeString(broken)
		if _, err := wire.ReadResponse(bytes.NewReader(raw), 7, nil); err == nil {
			t.Errorf("%s: accepted", broken)
		}
	}
}

func TestHalvesHoldTheSameRecords(t *testing.T) {
	headers := wire.AppendHeaders(nil, wire.Header{Key: "a", Value: []byte("b")}, wire.Header{Key: "c"})
	for n := 2; n < 6; n++ {
		var b wire.Builder
		for i := range n {
			b.Add(int64(1000-i*300), [][]byte{[]byte("k"), nil, {}}[i%3], [][]byte{nil, []byte("v"), {}}[i%3], []wire.Headers{headers, nil}[i%2])
		}
		read := func(b *wire.Builder) (records []wire.Record) {
			_, err := wire.Set{Data: b.Finish(-1, -1, -1, false)}.Each(func(r *wire.Record) error {
				c := r.Clone()
				c.Offset = 0
				records = append(records, c)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			return records
		}
		first, second := b.Halves()
		if first.Len() != n/2 || second.Len() != n-n/2 {
			t.Errorf("%d records become %d and %d", n, first.Len(), second.Len())
		}
		if got, want := append(read(first), read(second)...), read(&b); !reflect.DeepEqual(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}
