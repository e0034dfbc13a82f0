package route_test

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"kindred/pipeline/testkit"
	"kindred/schemas"
	"kindred/schemas/wire"
)

// corrupt returns a batch of one record that nobody can read.
func corrupt(w *world) []byte {
	var b wire.Builder
	b.Add(w.now, []byte("vip"), []byte(`{"added":["never"]}`), nil)
	return testkit.Repacked(b.Finish(-1, -1, -1, false), []byte("this is not gzip"))
}

// oversize returns a batch whose second of three records has 20 MB.
func oversize(w *world, value string) []byte {
	var b wire.Builder
	headers := wire.AppendHeaders(nil, wire.Header{Key: "from", Value: []byte("upstream")})
	b.Add(w.now, []byte("vip"), []byte(`{"added":["b"]}`), nil)
	b.Add(w.now, []byte("vip"), []byte(value), headers)
	b.Add(w.now, []byte("vip"), []byte(`{"added":["c"]}`), nil)
	return testkit.Gzipped(&b)
}

func TestWhatABrokerTakesDoesNotStopTheRouter(t *testing.T) {
	w := newWorld(t)
	value := `{"added":["` + strings.Repeat("x", 20<<20) + `"]}`
	letter := `{"added":["` + strings.Repeat("y", 3<<20) + `"]}` // can be read, and refused; its letter is too large
	w.say("vip", `{"added":["a"]}`)
	first := w.append(corrupt(w), 1)
	second := w.append(oversize(w, value), 3) + 1
	third := w.append(oversize(w, letter), 3) + 1
	w.say("vip", `{"added":["d"]}`)
	w.routed(never)
	w.expect("what is around it", map[string]string{"vip": "a b c d"})
	want := []string{fmt.Sprintf("corrupt_batch@%d", first), fmt.Sprintf("too_large@%d", second), fmt.Sprintf("schema@%d", third)}
	if !slices.Equal(w.letters(), want) {
		t.Errorf("dead letters: %v, want %v", w.letters(), want)
	}
	w.Partition(schemas.DeadLetters, 0, func(r *wire.Record) {
		got, err := schemas.ReadDeadLetter(r)
		w.OK(err)
		var of string
		switch got.Offset {
		case second:
			of = value
		case third:
			of = letter
		default:
			return
		}
		from, _ := got.Headers.Get("from")
		if string(got.Key) != "vip" || got.Value != nil || string(from) != "upstream" || got.Size != int64(len(of)) ||
			got.SHA256 != fmt.Sprintf("%x", sha256.Sum256([]byte(of))) {
			t.Errorf("the letter of offset %d: key %q, headers %q, size %d", got.Offset, got.Key, got.Headers, got.Size)
		}
	})
}

// Also when it lies between the parts of a snapshot, which are read again, or is one of them.
func TestDamageBetweenTheParts(t *testing.T) {
	w := newWorld(t)
	w.say("vip", `{"snapshot":"s-1","part":1,"parts":2,"members":["a"]}`)
	w.append(corrupt(w), 1)
	w.append(oversize(w, `{"added":["`+strings.Repeat("x", 20<<20)+`"]}`), 3)
	w.say("vip", `{"snapshot":"s-1","part":2,"parts":2,"members":["d"]}`)
	w.routed(never)
	w.expect("the rest counts", map[string]string{"vip": "a b c d"})
	if want := []string{"corrupt_batch@1", "too_large@3"}; !slices.Equal(w.letters(), want) {
		t.Errorf("dead letters: %v, want %v", w.letters(), want)
	}
}

// What the router remembers of one segment may be lost. Others go on, and nothing of that one is guessed.
func TestASegmentWhoseRecordCannotBeReadIsLeftAlone(t *testing.T) {
	w := newWorld(t)
	w.say("vip", `{"added":["a"]}`)
	w.routed(never)
	w.Publish(schemas.Segments, 0, time.UnixMilli(w.now), "vip", []byte(`{"segmentId":`), nil)
	change := w.say("vip", `{"added":["b"]}`)
	part := w.say("vip", `{"snapshot":"s-1","part":1,"parts":1,"members":["c"]}`)
	gone := w.say("vip", "")
	w.say("other", `{"added":["x"]}`)
	w.routed(never)
	w.expect("only the other one changes", map[string]string{"vip": "a", "other": "x"})
	want := []string{
		fmt.Sprintf("segment_unreadable@%d", change), fmt.Sprintf("segment_unreadable@%d", part), fmt.Sprintf("segment_unreadable@%d", gone),
	}
	if got := w.letters(); !slices.Equal(got, want) {
		t.Errorf("dead letters: %v, want %v", got, want)
	}
	w.Publish(schemas.Segments, 0, time.UnixMilli(w.now), "vip", []byte(`{"segmentId":"vip","name":"vip","number":0,"recent":[],"open":null}`), nil)
	w.say("vip", `{"added":["d"]}`)
	w.routed(never)
	w.expect("when the record is mended", map[string]string{"vip": "a d", "other": "x"})
}
