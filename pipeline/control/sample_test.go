package control

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"reflect"
	"testing"
	"time"

	"kindred/schemas"
	"kindred/schemas/wire"
)

// sample is a record as it is checked in.
type sample struct {
	Key     string          `json:"key"`
	Headers [][2]string     `json:"headers"`
	Value   json.RawMessage `json:"value"` // the record has it without the white space
}

// sampled returns the expansion of testdata/expansion.format-1.json: an edit is committed, and a refresh waits behind it.
func sampled() *schemas.Expansion {
	started := time.Date(2026, 11, 23, 11, 0, 0, 0, time.UTC)
	report := schemas.NewReport()
	report.Counts = schemas.Counts{Customers: 100_000, Source: 2100, SourceWithProfile: 2000, Candidates: 98_000, Similar: 21_000, Members: 5000}
	report.Cut, report.Ties = 0.7312, 3
	report.Warnings = []schemas.Warning{{Code: "nested", Message: "field address holds objects", Hint: "publish what matters of it"}}
	report.LearnedFrom = []schemas.Offsets{{Shard: 0, Profiles: 8400, SegmentMembers: 190}, {Shard: 1, Profiles: 8391, SegmentMembers: 180}}
	return &schemas.Expansion{
		ExpansionID: "vip-expansion", Name: "VIP customers Expansion", State: schemas.StateLive, Epoch: 5,
		Definition: &schemas.Definition{
			SourceSegmentID: "vip", Name: "VIP customers Expansion", Fields: []string{"Gender", "City"},
			Candidates: schemas.Candidates{SegmentID: "newsletter"}, Suppress: []string{"employees"}, ExcludeSource: true,
			Count: 5000, Floor: 0.55, Preset: "seed", Tags: []string{"spring"},
			Refresh: schemas.RefreshPolicy{OnDataEvent: true, SourceChange: 0.1, Every: "24h"},
		},
		Run: &schemas.RunRef{
			RunID: "r-2", Epoch: 5, Committed: true, Cause: "edit", StartedAt: started,
			Request: schemas.ExpandRequest{RequestID: "r-2", Action: schemas.Edit, ExpansionID: "vip-expansion", Count: new(int64(5000))},
			Ends:    &schemas.Ends{SegmentChanges: 7, Profiles: []int64{8400, 8391}, Memberships: []int64{0, 12}},
			Report:  report,
		},
		Pending: []schemas.Pending{{
			Request: schemas.ExpandRequest{RequestID: "r-3", Action: schemas.Refresh, ExpansionID: "vip-expansion"},
			Cause:   "refresh", Offset: 19, At: started.Add(time.Second),
			Ends: schemas.Ends{SegmentChanges: 8, Profiles: []int64{8401, 8391}, Memberships: []int64{0, 12}},
		}},
		Requests: []string{"r-1", "r-2", "r-3"},
		LastSlot: "2026-11-23T00:00:00Z",
	}
}

// What was written in format 1 is read, and written, as it was when the sample was taken. If this fails because records
// have another form now, their format has another number.
func TestARecordOfFormat1(t *testing.T) {
	text, err := os.ReadFile("testdata/expansion.format-1.json")
	if err != nil {
		t.Fatal(err)
	}
	var s sample
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	var value bytes.Buffer
	if err := json.Compact(&value, s.Value); err != nil {
		t.Fatal(err)
	}
	r := &wire.Record{Key: []byte(s.Key), Value: value.Bytes()}
	for _, h := range s.Headers {
		r.Headers = wire.AppendHeaders(r.Headers, wire.Header{Key: h[0], Value: []byte(h[1])})
	}
	c := &Controller{Log: slog.New(slog.DiscardHandler)}
	c.taken.begin(t.Context())
	restored := &term{Controller: c, state: newState()}
	if err := restored.learnExpansion(r); err != nil {
		t.Fatal(err)
	}
	if got := restored.state.expansions["vip-expansion"]; !reflect.DeepEqual(got, sampled()) {
		t.Errorf("the record is read as %+v", got)
	}

	var w written
	if err := restored.write(t.Context(), &w, &decided{step: step{expansion: sampled()}}); err != nil {
		t.Fatal(err)
	}
	if w.topic != schemas.Expansions || string(w.Key) != s.Key || !bytes.Equal(w.Value, r.Value) {
		t.Errorf("%s gets %s: %s", w.topic, w.Key, w.Value)
	}
	if got, want := untimed(w.Headers), untimed(r.Headers); !reflect.DeepEqual(got, want) {
		t.Errorf("it gets the headers %v, want %v", got, want)
	}
}

// A build that does not know the hold-out would write the record without it, and its next run let in who is held out.
func TestAnExpansionThatHoldsOutComesBackAsItWent(t *testing.T) {
	c := &Controller{Log: slog.New(slog.DiscardHandler)}
	c.taken.begin(t.Context())
	restored := &term{Controller: c, state: newState()}
	e := sampled()
	e.Definition.Holdout = 0.05
	e.Pending[0].Request.Holdout = new(0.1)
	var w written
	if err := restored.write(t.Context(), &w, &decided{step: step{expansion: e}}); err != nil {
		t.Fatal(err)
	}
	if format, _ := w.Headers.Get(schemas.HeaderFormat); string(format) != "3" {
		t.Errorf("it has format %s", format)
	}
	if err := restored.learnExpansion(&w.Record); err != nil {
		t.Fatal(err)
	}
	if got := restored.state.expansions["vip-expansion"]; !reflect.DeepEqual(got, e) {
		t.Errorf("it comes back as %+v", got)
	}
}

// untimed lists headers, without the time of writing.
func untimed(h wire.Headers) (all [][2]string) {
	for key, value := range h.All() {
		if key != schemas.HeaderTime {
			all = append(all, [2]string{key, string(value)})
		}
	}
	return all
}

// written is the last record of a transaction.
type written struct {
	topic string
	wire.Record
}

func (w *written) Write(_ context.Context, topic string, _ int, key, value []byte, h wire.Headers) error {
	*w = written{topic, wire.Record{Key: key, Value: value, Headers: h}}
	return nil
}
