package schemas_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"kindred/schemas"
	"kindred/schemas/wire"
)

func TestADeadLetterKeepsEverything(t *testing.T) {
	at := time.Date(2026, 11, 23, 10, 0, 0, 5, time.UTC)
	headers := wire.AppendHeaders(nil, wire.Header{Key: "a", Value: []byte{0xff}}, wire.Header{Key: "a"})
	for _, r := range []wire.Record{
		{Offset: 9, Key: []byte("k"), Value: []byte("{not json \xff"), Headers: headers},
		{Offset: 9, Key: nil, Value: nil},
		{Offset: 9, Key: []byte{}, Value: []byte{}},
	} {
		letter := schemas.Letter("kindred.profiles", 3, &r, "owner", "not_json", "line 1", at)
		got := readBack(t, letter)
		if show(got.Key) != show(r.Key) || show(got.Value) != show(r.Value) || string(got.Headers) != string(r.Headers) {
			t.Errorf("got %+v of %+v", got, r)
		}
		got.Key, got.Value, got.Headers = nil, nil, nil
		if want := (schemas.DeadLetter{Topic: "kindred.profiles", Partition: 3, Offset: 9, Stage: "owner",
			Code: "not_json", Message: "line 1", At: at}); !reflect.DeepEqual(got, want) {
			t.Errorf("the reason: got %+v, want %+v", got, want)
		}

		// It goes back, and comes again: the count tells, nothing else has been added.
		r.Headers = readBack(t, letter).Replay(17)
		if of, is := schemas.ReplayOf(r.Headers); of != 17 || !is {
			t.Errorf("put back from letter %d, %v, want 17", of, is)
		}
		got = readBack(t, schemas.Letter("kindred.profiles", 3, &r, "owner", "not_json", "line 1", at))
		if got.Replays != 1 {
			t.Errorf("%d replays, want 1", got.Replays)
		}
		if len(r.Headers) > 100 {
			t.Errorf("headers of the replay: %q", r.Headers)
		}
	}
	if _, err := schemas.ReadDeadLetter(&wire.Record{Value: []byte("x")}); err == nil {
		t.Error("a record without a reason is a dead letter")
	}
}

// A topic takes batches of a megabyte unless it is told otherwise, and a record may be larger once it is inflated.
func TestADeadLetterFitsWhateverItsRecordIs(t *testing.T) {
	at := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	large := bytes.Repeat([]byte("x"), 3<<20)
	header := wire.AppendHeaders(nil, wire.Header{Key: "a", Value: []byte("b")})
	many := wire.AppendHeaders(nil, make([]wire.Header, 500_000)...)
	for name, test := range map[string]struct {
		record     wire.Record
		key, value string // of the letter
		headers    wire.Headers
	}{
		"a large value":              {wire.Record{Key: []byte("k"), Value: large, Headers: header}, "k.", "null", header},
		"a large key":                {wire.Record{Key: large, Value: []byte("v")}, string(large[:1000]) + ".", "null", nil},
		"a large key of a tombstone": {wire.Record{Key: large}, string(large[:1000]) + ".", "null", nil},
		"large headers":              {wire.Record{Value: []byte("v"), Headers: wire.AppendHeaders(nil, wire.Header{Key: "a", Value: large})}, "null", "null", nil},
		"many headers":               {wire.Record{Key: []byte("k"), Value: []byte("v"), Headers: many}, "k.", "null", nil},
	} {
		letter := schemas.Letter("kindred.profiles", 3, &test.record, "shard", "too_large", strings.Repeat("é", 100_000), at)
		b := new(wire.Builder)
		letter.AppendTo(b)
		if b.Size() > schemas.LargestLetter {
			t.Errorf("%s: the letter has %d bytes", name, b.Size())
		}
		got := readBack(t, letter)
		if show(got.Key) != test.key || show(got.Value) != test.value || string(got.Headers) != string(test.headers) {
			t.Errorf("%s: the letter holds a key of %d bytes, a value of %d, headers of %d", name, len(got.Key), len(got.Value), len(got.Headers))
		}
		if got.Whole() || got.Size != int64(len(test.record.Value)) || got.SHA256 != fmt.Sprintf("%x", sha256.Sum256(test.record.Value)) {
			t.Errorf("%s: the letter is whole: %v, size %d, hash %s", name, got.Whole(), got.Size, got.SHA256)
		}
		if !utf8.ValidString(got.Message) || len(got.Message) > 2000 || got.Code != "too_large" {
			t.Errorf("%s: the reason is %q, %d bytes", name, got.Code, len(got.Message))
		}
	}

	// Up to the bound, nothing is left out.
	fits := wire.Record{Key: []byte("k"), Value: large[:schemas.LargestLetter-1000]}
	letter := readBack(t, schemas.Letter("kindred.profiles", 3, &fits, "shard", "schema", "why", at))
	if !letter.Whole() || !bytes.Equal(letter.Value, fits.Value) {
		t.Error("a record that fits is left out")
	}
}

func TestWhatAReaderPassesOverIsADeadLetter(t *testing.T) {
	at := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	oversize := &wire.Damage{Offset: 7, Next: 8, Err: fmt.Errorf("%w: 99 bytes", wire.ErrOversize), Size: 90, Hash: sha256.Sum256([]byte("v")),
		Record: wire.Record{Offset: 7, Key: []byte("k"), Headers: wire.AppendHeaders(nil, wire.Header{Key: "a"})}}
	got := readBack(t, schemas.LetterOf("kindred.profiles", 3, oversize, schemas.LetterShard, at))
	want := schemas.DeadLetter{Topic: "kindred.profiles", Partition: 3, Offset: 7, Stage: "shard", Code: schemas.TooLarge,
		Message: "record too large: 99 bytes", At: at, Key: []byte("k"), Headers: oversize.Record.Headers,
		Size: 90, SHA256: fmt.Sprintf("%x", sha256.Sum256([]byte("v")))}
	if !reflect.DeepEqual(got, want) || got.Whole() {
		t.Errorf("got %+v, want %+v", got, want)
	}

	corrupt := &wire.Damage{Offset: 7, Next: 10, Err: fmt.Errorf("%w: gzip: no header", wire.ErrCorrupt)}
	got = readBack(t, schemas.LetterOf("kindred.profiles", 3, corrupt, schemas.LetterShard, at))
	want = schemas.DeadLetter{Topic: "kindred.profiles", Partition: 3, Offset: 7, Stage: "shard", Code: schemas.CorruptBatch,
		Message: "corrupt record batch: gzip: no header; offsets up to 9 are passed over", At: at}
	if !reflect.DeepEqual(got, want) || got.Whole() {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func show(b []byte) string {
	if b == nil {
		return "null"
	}
	return string(b) + "."
}

func readBack(t *testing.T, letter schemas.DeadLetter) (back schemas.DeadLetter) {
	t.Helper()
	b := new(wire.Builder)
	letter.AppendTo(b)
	_, err := wire.Set{Data: b.Finish(-1, -1, -1, false)}.Each(func(r *wire.Record) (err error) {
		if r.Timestamp != letter.At.UnixMilli() {
			t.Errorf("timestamp %d, want %d", r.Timestamp, letter.At.UnixMilli())
		}
		back, err = schemas.ReadDeadLetter(r)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return back
}
