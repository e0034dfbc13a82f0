package schemas_test

import (
	"reflect"
	"testing"
	"time"

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
		r.Headers = readBack(t, letter).Replay()
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
