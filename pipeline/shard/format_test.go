package shard_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"kindred/pipeline/cache"
	"kindred/pipeline/model"
	"kindred/schemas"
	"kindred/schemas/wire"
)

// sample is one record of a file in testdata/format-1, which never changes. Those of segment-members are what the router
// writes, so they lie there.
type sample struct {
	Key     string      `json:"key"`
	Headers [][2]string `json:"headers"`
	Value   *string     `json:"value"` // null: a tombstone
}

// writeSamples writes the records of a file to a topic, with their format or as they were before there were formats.
func (w *world) writeSamples(file, topic string, numbered bool) {
	w.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		w.Fatal(err)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		var s sample
		if err := json.Unmarshal([]byte(line), &s); err != nil {
			w.Fatal(err)
		}
		var headers []wire.Header
		for _, h := range s.Headers {
			if numbered || h[0] != schemas.HeaderFormat {
				headers = append(headers, wire.Header{Key: h[0], Value: []byte(h[1])})
			}
		}
		var value []byte
		if s.Value != nil {
			value = []byte(*s.Value)
		}
		w.write(w.topic(topic), 0, s.Key, value, headers...)
	}
}

func TestRecordsOfFormat1AreRead(t *testing.T) {
	for what, numbered := range map[string]bool{"with the header": true, "without": false} {
		t.Run(what, func(t *testing.T) {
			w := newWorld(t)
			profile := func(id, fields string) {
				w.write(w.topic(schemas.Profiles), 0, id, fmt.Appendf(nil, `{"customerId":%q,"fields":{%s}}`, id, fields))
			}
			for _, id := range []string{"ann", "bob", "cat", "dan", "eve", "fay"} {
				profile(id, `"City":"Oslo","Age":41`)
			}
			profile("gil", `"Age":200`)
			profile("hal", `"City":"Rome","Age":200`)
			profile("ida", `"City":"Oslo","Age":0.5`)
			w.write(w.topic(schemas.Memberships), 0, "y/ida",
				schemas.AppendMembership(nil, "y", []byte("ida"), 9000, 3, 1, "r-1", 0))
			w.run()
			defer func() { w.stop() }()
			w.settle() // a new owner would forget who was in the segment that is gone
			w.writeSamples("../route/testdata/format-1/segment-members.jsonl", schemas.SegmentMembers, numbered)
			w.writeSamples("testdata/format-1/models.jsonl", schemas.Models, numbered)
			w.settle()

			// Of vip, the source, are ann and cat; of staff, which is suppressed, dan and fay. y is deleted.
			want := []string{"x/bob 8999 3", "x/eve 8999 3", "x/gil 6999 2", "x/ida 6999 2"}
			if got := w.published(); !slices.Equal(got, want) {
				t.Errorf("members %v, want %v", got, want)
			}
			meta, err := w.cache.ReadMeta(context.Background(), 0)
			if err != nil {
				t.Fatal(err)
			}
			if meta.Through != 9 {
				t.Errorf("through is %d, want 9", meta.Through)
			}
			for segment, want := range map[string]cache.SegmentMeta{
				"vip": {Size: 2}, "staff": {Number: 2, Size: 2}, "old": {Size: 1, Gone: true},
			} {
				if got := meta.Segments[segment]; got.Number != want.Number || got.Size != want.Size || got.Gone != want.Gone {
					t.Errorf("%s is %+v, want %+v", segment, got, want)
				}
			}
			if x, y := meta.Expansions["x"], meta.Expansions["y"]; x.Epoch != 3 || x.RunID != "r-3" || y.Epoch != 2 || y.RunID != "r-2" {
				t.Errorf("expansions are at %+v and %+v", x, y)
			}
			if n := w.end(w.topic(schemas.DeadLetters), 0); n > 0 {
				t.Errorf("%d dead letters", n)
			}
		})
	}
}

// logged keeps the lines of a log.
type logged struct {
	mu    sync.Mutex
	lines []string
}

func (l *logged) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, string(line))
	return len(line), nil
}

func (l *logged) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.lines)
}

func TestARecordOfAnotherFormatStopsTheShard(t *testing.T) {
	type record struct{ key, value string }
	check := func(what, topic string, bad record, tombstone bool) {
		t.Run(what, func(t *testing.T) {
			w := newWorld(t)
			log := new(logged)
			w.logs = slog.New(slog.NewTextHandler(log, nil))
			w.worker = w.newWorker()
			w.run()
			defer func() { w.stop() }()
			w.profile("ann", "Oslo")
			w.profile("bob", "Oslo")
			w.model("x", 1, 5000, "Oslo")
			w.check("at first")

			before, after := record{"/through", `{"offset":1}`}, record{"vip/bob", "{}"}
			if topic == schemas.Models {
				newer := *w.models["x"]
				newer.Epoch, newer.Cut = 2, model.Nobody()
				value, err := newer.Encode()
				if err != nil {
					t.Fatal(err)
				}
				before, after = record{"y", `{"epoch":1,"runId":"d","deleted":true}`}, record{"x", string(value)}
			}
			var b wire.Builder
			add := func(r record, format string, tombstone bool) {
				value := []byte(r.value)
				if tombstone {
					value = nil
				}
				b.Add(0, []byte(r.key), value, wire.AppendHeaders(nil,
					wire.Header{Key: schemas.HeaderSnapshot, Value: []byte("0")},
					wire.Header{Key: schemas.HeaderFormat, Value: []byte(format)}))
			}
			add(before, "1", false)
			add(bad, "99", tombstone)
			add(after, "1", false)
			was := w.ends()
			w.mu.Lock()
			offset := w.append(w.topic(topic), 0, &b, -1) + 1
			w.mu.Unlock()

			stops := func(times int) {
				t.Helper()
				saved := func() cache.Meta {
					meta, err := w.cache.ReadMeta(context.Background(), 0)
					if err != nil || meta == nil {
						return cache.Meta{} // nothing yet
					}
					return *meta
				}
				w.until("the shard stops, or goes on", func() bool {
					meta := saved()
					return len(log.all()) >= times || w.reached(&meta)
				})
				lines, meta := log.all(), saved()
				if len(lines) != times {
					t.Fatalf("it has logged %q, want %d lines", lines, times)
				}
				for _, part := range []string{"level=ERROR", w.topic(topic), fmt.Sprintf("offset %d:", offset), "try="} {
					if line := lines[times-1]; !strings.Contains(line, part) {
						t.Errorf("%q does not hold %q", line, part)
					}
				}
				if meta.Offsets.SegmentMembers > was.SegmentMembers || meta.Offsets.Models > was.Models || meta.Through > 0 {
					t.Errorf("saved are %+v and through %d", meta.Offsets, meta.Through)
				}
				if end := w.ends().Memberships; end != was.Memberships {
					t.Errorf("%d memberships were published", end-was.Memberships)
				}
				if n := w.end(w.topic(schemas.DeadLetters), 0); n > 0 {
					t.Errorf("%d dead letters", n)
				}
				if w.worker.Ready() {
					t.Error("the worker is ready")
				}
			}
			stops(1)
			w.stop()
			w.run() // the next generation
			stops(2)
			w.crash()
			w.redis.FlushAll()
			w.run() // from nothing
			stops(3)
		})
	}
	check("in", schemas.SegmentMembers, record{"vip/ann", "{}"}, false)
	check("out", schemas.SegmentMembers, record{key: "vip/ann"}, true)
	check("mark", schemas.SegmentMembers, record{"vip/", `{"snapshot":0,"gone":false}`}, false)
	check("through", schemas.SegmentMembers, record{"/through", `{"offset":2}`}, false)
	check("key of another form", schemas.SegmentMembers, record{"vip", "{}"}, false)
	check("model", schemas.Models, record{"x", `{"epoch":2,"runId":"d","deleted":true}`}, false)
	check("model's tombstone", schemas.Models, record{key: "x"}, true)
}
