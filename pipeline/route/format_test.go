package route_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"kindred/schemas"
	"kindred/schemas/wire"
)

// sample is one record of testdata. The files in format-1 are what format 1 is: they must never change. A new format gets
// a directory of its own, and the old one is read as long as its records may exist.
type sample struct {
	Partition int         `json:"partition"`
	Key       string      `json:"key"`
	Headers   [][2]string `json:"headers"`
	Value     *string     `json:"value"` // null: a tombstone
}

// samples returns the lines of a file of testdata.
func samples(t *testing.T, file string) (lines []string) {
	t.Helper()
	text, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

// add appends the record of a line to a batch, with headers changed by edit.
func (w *world) add(b *wire.Builder, line string, edit func([][2]string) [][2]string) {
	w.Helper()
	var s sample
	w.OK(json.Unmarshal([]byte(line), &s))
	var headers wire.Headers
	for _, h := range edit(s.Headers) {
		headers = wire.AppendHeaders(headers, wire.Header{Key: h[0], Value: []byte(h[1])})
	}
	var value []byte
	if s.Value != nil {
		value = []byte(*s.Value)
	}
	b.Add(w.now, []byte(s.Key), value, headers)
}

// lines returns what a topic holds, as lines of testdata. Of each partition only the last through is there: how many the
// router writes depends on how much it fetches at once.
func (w *world) lines(topic string, partitions int) (all []string) {
	w.Helper()
	for p := range partitions {
		var lines []string
		through := ""
		w.Partition(topic, p, func(r *wire.Record) {
			s := sample{Partition: p, Key: string(r.Key)}
			for key, value := range r.Headers.All() {
				s.Headers = append(s.Headers, [2]string{key, string(value)})
			}
			if r.Value != nil {
				value := string(r.Value)
				s.Value = &value
			}
			var line bytes.Buffer
			encoder := json.NewEncoder(&line)
			encoder.SetEscapeHTML(false)
			w.OK(encoder.Encode(s))
			if text := strings.TrimSpace(line.String()); s.Key == "/through" {
				through = text
			} else {
				lines = append(lines, text)
			}
		})
		if through != "" {
			lines = append(lines, through)
		}
		all = append(all, lines...)
	}
	return all
}

func asIs(headers [][2]string) [][2]string { return headers }

func withoutFormat(headers [][2]string) [][2]string {
	return slices.DeleteFunc(headers, func(h [2]string) bool { return h[0] == schemas.HeaderFormat })
}

func TestRecordsAreWrittenInFormat1(t *testing.T) {
	w := newWorld(t)
	w.topicID = "" // another one every time
	w.say("vip", `{"name":"VIP customers","added":["ann","bob","cat"]}`)
	w.say("vip", `{"removed":["bob"]}`)
	w.say("staff", `{"snapshot":"s-1","part":1,"parts":2,"members":["dan"]}`)
	w.say("staff", `{"removed":["eve"]}`)
	w.say("staff", `{"snapshot":"s-1","part":2,"parts":2,"members":["eve","fay"]}`)
	w.say("old", `{"added":["gil"]}`)
	w.say("old", "")
	w.say("vip", `{"snapshot":"s-2","part":1,"parts":3,"members":["ann"]}`)
	w.say("vip", `{"snapshot":"s-3","part":1,"parts":2,"members":["ann"]}`)
	w.routed(never)
	check := func(topic string, partitions int) {
		t.Helper()
		got, want := w.lines(topic, partitions), samples(t, "format-1/"+topic+".jsonl")
		if !slices.Equal(got, want) {
			t.Errorf("%s holds\n%s\nwant\n%s", topic, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	check(schemas.SegmentMembers, shards)
	check(schemas.Segments, 1)
}

func TestSegmentsOfFormat1AreRemembered(t *testing.T) {
	for what, edit := range map[string]func([][2]string) [][2]string{"with the header": asIs, "of an earlier build": withoutFormat} {
		t.Run(what, func(t *testing.T) {
			w := newWorld(t)
			var b wire.Builder
			for _, line := range samples(t, "format-1/segments.jsonl") {
				if what == "of an earlier build" { // it did not know what a snapshot's parts had been
					line = strings.Replace(line, `\"used\":\"D6JsXpeaAAACA+SZzw==\",`, "", 1)
				}
				w.add(&b, line, edit)
			}
			_, err := w.Producer.Publish(w.Ctx, w.Prefix.Topic(schemas.Segments), 0, &b)
			w.OK(err)
			w.say("vip", `{"added":["ida"]}`)
			reused := w.say("staff", `{"snapshot":"s-1","part":1,"parts":2,"members":["never"]}`)
			w.say("staff", `{"added":["jon"]}`)
			w.say("old", `{"added":["hal"]}`)
			dropped := w.say("vip", `{"snapshot":"s-2","part":2,"parts":3,"members":["never"]}`)
			other := w.say("vip", `{"snapshot":"s-3","part":2,"parts":3,"members":["never"]}`)
			w.routed(never)
			want := []string{`old/={"snapshot":1,"gone":false} `, "old/hal={} 1", "staff/jon={} 2", "vip/ida={} 0"}
			var got []string
			for _, record := range w.written() {
				_, record, _ = strings.Cut(record, " ")
				got = append(got, record)
			}
			slices.Sort(got)
			if got = slices.Compact(got); !slices.Equal(got, want) {
				t.Errorf("the shards read %q, want %q", got, want)
			}
			want = []string{fmt.Sprintf("incomplete_snapshot@%d", dropped), fmt.Sprintf("schema@%d", other)}
			if what == "with the header" {
				want = slices.Insert(want, 0, fmt.Sprintf("snapshot_reused@%d", reused))
			}
			if !slices.Equal(w.letters(), want) {
				t.Errorf("dead letters: %v, want %v", w.letters(), want)
			}
			if s := w.segment("vip"); s.Name != "VIP customers" || s.Open == nil || s.Open.Snapshot != "s-3" {
				t.Errorf("it is remembered as %+v", s)
			}
		})
	}
}

func TestSegmentsOfAnotherFormatStopTheRouter(t *testing.T) {
	for what, value := range map[string][]byte{"a segment": []byte(`{}`), "a tombstone": nil} {
		t.Run(what, func(t *testing.T) {
			w := newWorld(t)
			topic := w.Prefix.Topic(schemas.Segments)
			var b wire.Builder
			w.add(&b, samples(t, "format-1/segments.jsonl")[0], asIs)
			b.Add(w.now, []byte("vip"), value, wire.AppendHeaders(nil, wire.Header{Key: schemas.HeaderFormat, Value: []byte("2")}))
			_, err := w.Producer.Publish(w.Ctx, topic, 0, &b)
			w.OK(err)
			w.say("vip", `{"added":["a"]}`)
			ctx, cancel := context.WithTimeout(w.Ctx, time.Minute) // when it does not stop
			defer cancel()
			err = w.router(never).Run(ctx, w.place)
			if !errors.Is(err, schemas.ErrFormat) || !strings.Contains(err.Error(), topic) || !strings.Contains(err.Error(), "offset 1") {
				t.Errorf("the router ended with %v", err)
			}
			if written := w.lines(schemas.SegmentMembers, shards); len(written) > 0 {
				t.Errorf("it has written %v", written)
			}
		})
	}
}
