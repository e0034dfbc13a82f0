package schemas_test

import (
	"testing"
	"time"

	"kindred/schemas"
	"kindred/schemas/wire"
)

// payload returns what Read finds in a value; nil: a tombstone.
func payload(h wire.Headers, value []byte) (inside []byte, err error) {
	_, err = schemas.Read(&wire.Record{Headers: h, Value: value}, func(_, value []byte) error {
		inside = value
		return nil
	})
	return inside, err
}

func TestStructuredCloudEvents(t *testing.T) {
	const profile = `{"customerId":"c-17","fields":{"a":[[[[[[]]]]]]}}` // as deep as it may be
	const envelope = `{"specversion":"1.0","id":"1","source":"crm","type":"profile"`
	check := func(contentType, value, want, wantCode string) {
		t.Helper()
		var h wire.Headers
		if contentType != "" {
			h = wire.AppendHeaders(nil, wire.Header{Key: "ce_id", Value: []byte("1")}, wire.Header{Key: "content-type", Value: []byte(contentType)})
		}
		got, err := payload(h, []byte(value))
		if code(t, err) != wantCode || string(got) != want {
			t.Errorf("%s %s: %q, %v", contentType, value, got, err)
		}
	}
	check("", profile, profile, "")
	check("", "", "", "")
	check("application/json", profile, profile, "")
	check("application/json", `not JSON`, `not JSON`, "") // whoever decodes it says so
	for _, structured := range []string{"application/cloudevents+json", "application/cloudevents+json; charset=utf-8", "Application/CloudEvents+JSON"} {
		check(structured, envelope+`, "data" : `+profile+` , "datacontenttype":"application/json"}`, profile, "")
	}
	const structured = "application/cloudevents+json"
	check(structured, envelope+`,"data_base64":"e30="}`, "{}", "")
	check(structured, envelope+`,"data":null}`, "", "") // a tombstone
	check(structured, envelope+`}`, "", "schema")
	check(structured, envelope+`,"data":{},"data_base64":"e30="}`, "", "schema")
	check(structured, envelope+`,"data_base64":"?"}`, "", "schema")
	check(structured, envelope+`,"data":{},"data":{}}`, "", "schema")
	check(structured, envelope+`,"mine":1,"mine":1,"data":{}}`, "", "schema")
	check(structured, `{"specversion":"0.3","data":{}}`, "", "schema")
	check(structured, `{"data":{}}`, "", "schema")
	check(structured, `[]`, "", "schema")
	check(structured, ``, "", "not_json")
	check(structured, envelope, "", "not_json")
	check("application/cloudevents-batch+json", `[]`, "", "schema")
	check("application/cloudevents+avro", `x`, "", "schema")

	h := wire.AppendHeaders(nil, wire.Header{Key: "content-type", Value: []byte(structured)})
	if got, err := payload(h, nil); got != nil || err != nil {
		t.Errorf("a tombstone is not nil: %q, %v", got, err)
	}
	value := []byte(envelope + `,"data":` + profile + `}`)
	if n := testing.AllocsPerRun(100, func() {
		if _, err := payload(h, value); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestEvent(t *testing.T) {
	at := time.Date(2026, 11, 23, 11, 0, 0, 5e6, time.FixedZone("CET", 3600))
	h := schemas.Event(schemas.TypeRun, "r-1", "vip-expansion", at, wire.Header{Key: "more", Value: []byte("x")})
	for key, want := range map[string]string{
		"ce_specversion": "1.0", "ce_id": "r-1", "ce_source": "kindred", "ce_type": "kindred.run",
		"ce_time": "2026-11-23T10:00:00.005Z", "ce_subject": "vip-expansion", "content-type": "application/json", "more": "x",
	} {
		if got, ok := h.Get(key); !ok || string(got) != want {
			t.Errorf("%s: %q", key, got)
		}
	}
	if h.Len() != 8 {
		t.Errorf("%d headers", h.Len())
	}
}
