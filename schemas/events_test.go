package schemas_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"kindred/schemas"
	"kindred/schemas/wire"
)

func TestTheKeyDecides(t *testing.T) {
	var c schemas.SegmentChange
	check := func(key, value, id, want string) {
		t.Helper()
		err := c.Decode([]byte(key), []byte(value))
		if got := code(t, err); got != want || got == "" && c.SegmentID != id {
			t.Errorf("%s %s: segment %q, %v", key, value, c.SegmentID, err)
		}
	}
	check("vip", `{"segmentId":"vip","added":[]}`, "vip", "")
	check("vip", `{"added":[]}`, "vip", "")
	check("vip", `{"segmentId":null,"added":[]}`, "vip", "")
	check("", `{"segmentId":"vip","added":[]}`, "vip", "")
	check("vip", `{"segmentId":"other","added":[]}`, "", "key_mismatch")
	check("", `{"added":[]}`, "", "schema")
	check("a b", `{"added":[]}`, "", "schema")

	var r schemas.ExpandRequest
	if got := code(t, r.Decode([]byte("a"), []byte(`{"action":"refresh","expansionId":"b"}`))); got != "key_mismatch" {
		t.Errorf("request: %q", got)
	}
	for value, want := range map[string]string{`"ann"`: "", `null`: "", `""`: "schema", `"a\u0000b"`: "schema", `"` + strings.Repeat("x", 256) + `"`: "schema"} {
		if got := code(t, r.Decode([]byte("a"), []byte(`{"action":"refresh","requestedBy":`+value+`}`))); got != want {
			t.Errorf("requested by %s: %q, want %q", value, got, want)
		}
	}
	var f schemas.Field
	if err := f.Decode([]byte("City"), []byte(`{"type":"StringType"}`)); err != nil || f.Name != "City" {
		t.Errorf("field: %q, %v", f.Name, err)
	}
	var e schemas.DataEvent
	if err := e.Decode([]byte("warehouse"), []byte(`{"batchId":"1"}`)); err != nil || e.Source != "warehouse" {
		t.Errorf("data event: %q, %v", e.Source, err)
	}
}

func TestAChangeOrAPart(t *testing.T) {
	var c schemas.SegmentChange
	check := func(value, want string) {
		t.Helper()
		if got := code(t, c.Decode([]byte("vip"), []byte(value))); got != want {
			t.Errorf("%s: %q, want %q", value, got, want)
		}
	}
	check(`{"added":["a"],"removed":[]}`, "")
	check(`{"name":"VIP"}`, "")
	check(`{"snapshot":"s","part":1,"parts":1,"members":["a"]}`, "")
	check(`{"snapshot":"s","part":1,"parts":1,"members":[],"added":null}`, "")
	check(`{"added":[],"snapshot":null,"part":null,"parts":null,"members":null}`, "")
	check(`{"removed":["a"],"added":null,"name":null}`, "")
	// These, once, emptied a segment, or said nothing.
	check(`{"snapshot":"s","part":1,"parts":1}`, "schema")
	check(`{"snapshot":"s","part":1,"parts":1,"members":null}`, "schema")
	check(`{"snapshot":"s","part":1,"parts":1,"customers":["a"]}`, "schema")
	check(`{"snapshot":"s","part":1,"parts":1,"members":["a"],"customers":["a"]}`, "schema")
	check(`{}`, "schema")
	check(`{"name":""}`, "schema")
	check(`{"added":null,"removed":null}`, "schema")
	check(`{"snapshot":"s","members":["a"]}`, "schema")
	check(`{"members":["a"]}`, "schema")
	check(`{"part":1,"parts":1}`, "schema")
	check(`{"snapshot":"s","part":2,"parts":1,"members":[]}`, "schema")
	check(`{"snapshot":"s","part":0,"parts":1,"members":[]}`, "schema")
	check(`{"snapshot":"s","part":1,"parts":1,"members":[],"added":[]}`, "schema")
	check(`{"added":["a",""]}`, "schema")
	check(`{"added":["\u0000"]}`, "schema")
	check(`{"added":["a","a"]}`, "")

	if err := c.Decode(nil, []byte(`{"segmentId":"vip","added":["a","\u00e6"]}`)); err != nil || !slices.Equal(c.Added, []string{"a", "æ"}) {
		t.Errorf("%q, %v", c.Added, err)
	}
}

// A list of customers may be larger than other events: 300,000 ids are 700 KB of gzip.
func TestAChangeMayNameManyCustomers(t *testing.T) {
	var c schemas.SegmentChange
	list := func(n int) []byte {
		return []byte(`{"specversion":"1.0","data":{"added":["` + strings.Repeat(`customer-000000000000000000`+`","`, n) + `a"]}}`)
	}
	structured := wire.AppendHeaders(nil, wire.Header{Key: "content-type", Value: []byte("application/cloudevents+json")})
	value, err := payload(structured, list(300_000))
	if err == nil {
		err = c.Decode([]byte("vip"), value)
	}
	if err != nil || len(c.Added) != 300_001 {
		t.Errorf("%d customers, %v", len(c.Added), err)
	}
	if _, err := payload(structured, list(600_000)); code(t, err) != "too_large" {
		t.Errorf("17 MB: %v", err)
	}
	if err := c.Decode([]byte("vip"), list(600_000)); code(t, err) != "too_large" {
		t.Errorf("17 MB: %v", err)
	}
	var p schemas.Profile
	if value, err = payload(structured, list(50_000)); err == nil {
		err = p.Decode(value)
	}
	if code(t, err) != "too_large" {
		t.Errorf("a profile of 1.5 MB: %v", err)
	}
}

func TestWhatARequestDoesNotSayIsNil(t *testing.T) {
	var r schemas.ExpandRequest
	if err := r.Decode(nil, []byte(`{"action":"edit","expansionId":"e","suppress":[],"floor":0,"candidates":{},"refresh":{"every":"1h"}}`)); err != nil {
		t.Fatal(err)
	}
	if r.Name != nil || r.Fields != nil || r.Share != nil || r.ExcludeSource != nil || r.SourceSegmentID != nil {
		t.Errorf("%+v", r)
	}
	if r.Suppress == nil || len(*r.Suppress) != 0 || r.Floor == nil || *r.Floor != 0 || r.Candidates == nil {
		t.Errorf("%+v", r)
	}
	if c := r.Refresh; c.OnDataEvent != nil || c.SourceChange != nil || *c.Every != "1h" {
		t.Errorf("%+v", *c)
	}
	// What cannot be is for the run to say; here it only has to be readable.
	if err := r.Decode(nil, []byte(`{"action":"expand","expansionId":"e","sourceSegmentId":"s","share":7,"count":-1,"preset":"x"}`)); err != nil {
		t.Error(err)
	}
}

func TestAChangeOfThePolicyKeepsWhatItDoesNotSay(t *testing.T) {
	var r schemas.ExpandRequest
	if err := r.Decode(nil, []byte(`{"action":"edit","expansionId":"e","refresh":{"sourceChange":0.5,"onDataEvent":null,"every":null}}`)); err != nil {
		t.Fatal(err)
	}
	before := schemas.RefreshPolicy{OnDataEvent: false, SourceChange: 0.1, Every: "24h"}
	if got, want := r.Refresh.Over(before), (schemas.RefreshPolicy{SourceChange: 0.5, Every: "24h"}); got != want {
		t.Errorf("it makes %+v, want %+v", got, want)
	}
	var nothing *schemas.RefreshChange
	if got := nothing.Over(before); got != before {
		t.Errorf("saying nothing makes %+v", got)
	}
}

// A property that is misspelled changes nothing in silence, if it is not refused. TestDecodingFitsTheSchemas says which are.
func TestUnknownPropertiesAreNamed(t *testing.T) {
	check := func(message, want string) {
		t.Helper()
		if message != want {
			t.Errorf("%q, want %q", message, want)
		}
	}
	var c schemas.SegmentChange
	check(c.Decode([]byte("vip"), []byte(`{"add":["a"]}`)).Error(), `this event has no property "add": did you mean added?`)
	check(c.Decode([]byte("vip"), []byte(`{"Added":["a"]}`)).Error(), `this event has no property "Added": did you mean added?`)
	check(c.Decode([]byte("vip"), []byte(`{"customers":["a"]}`)).Error(),
		`this event has no property "customers": there are segmentId, name, added, removed, snapshot, part, parts, members`)
	var f schemas.Field
	check(f.Decode([]byte("City"), []byte(`{"sensitiv":true}`)).Error(), `this event has no property "sensitiv": did you mean sensitive?`)

	if got := code(t, c.Decode([]byte("vip"), []byte(`{"added":[],"":["a"]}`))); got != "schema" {
		t.Errorf("a property without a name: %q", got)
	}

	var r schemas.ExpandRequest
	if err := r.Decode(nil, []byte(`{"action":"delete","expansionId":"e","":1}`)); err != nil || r.Unknown == nil {
		t.Errorf("a property without a name: %v, %+v", err, r.Unknown)
	}
	request := func(more, message, hint string) {
		t.Helper()
		if err := r.Decode(nil, []byte(`{"action":"expand","expansionId":"e","sourceSegmentId":"s"`+more+`}`)); err != nil {
			t.Fatal(err)
		}
		if r.Unknown == nil || r.Unknown.Code != schemas.CodeBadValue || r.Unknown.Message != message || r.Unknown.Hint != hint {
			t.Errorf("%s: %+v", more, r.Unknown)
		}
	}
	request(`,"shares":0.1`, `this event has no property "shares"`, "did you mean share?")
	request(`,"shares":null`, `this event has no property "shares"`, "did you mean share?")
	request(`,"candidates":{"segmentid":"x"}`, `this event has no property "candidates.segmentid"`, "did you mean candidates.segmentId?")
	request(`,"refresh":{"evry":"1h"}`, `this event has no property "refresh.evry"`, "did you mean refresh.every?")
	request(`,"candidates":{"id":"x"}`, `this event has no property "candidates.id"`, "there are candidates.segmentId")
	request(`,"`+strings.Repeat("x", 100)+`":0`, `this event has no property "`+strings.Repeat("x", 37)+`…"`, "there are "+strings.Join(properties(t), ", "))
	if err := r.Decode(nil, []byte(`{"acton":"expand"}`)); code(t, err) != "schema" || !strings.Contains(err.Error(), "did you mean action?") {
		t.Error(err)
	}
	if err := r.Decode(nil, []byte(`{"action":"refresh","expansionId":"e","requestId":null,"fields":null}`)); err != nil || r.Unknown != nil || r.Fields != nil {
		t.Error(err, r.Unknown)
	}
}

// properties returns those of a request, as the hint lists them.
func properties(t *testing.T) []string {
	t.Helper()
	var r schemas.ExpandRequest
	if err := r.Decode(nil, []byte(`{"action":"refresh","expansionId":"e","zzzzzz":1}`)); err != nil {
		t.Fatal(err)
	}
	list := strings.Split(strings.TrimPrefix(r.Unknown.Hint, "there are "), ", ")
	var doc struct{ Properties map[string]any }
	if err := json.Unmarshal(read(t, "json/expand-request.schema.json"), &doc); err != nil {
		t.Fatal(err)
	}
	if len(list) != len(doc.Properties) {
		t.Errorf("%d properties, %d in the schema", len(list), len(doc.Properties))
	}
	return list
}

func TestNear(t *testing.T) {
	names := []string{"share", "count", "floor", "excludeSource"}
	for name, want := range map[string]string{
		"shares": "share", "Share": "share", "shar": "share", "cuont": "count", "excludesource": "excludeSource", "exclude": "excludeSource",
		"": "", "x": "", "zz": "", "colour": "",
	} {
		if got := schemas.Near(name, names); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
