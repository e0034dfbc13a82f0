package schemas_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"kindred/schemas"
	"kindred/schemas/wire"
)

// produced returns what a real producer has written: see testdata/producers.
func produced(t *testing.T, name string) []byte {
	t.Helper()
	value, err := os.ReadFile("testdata/producers/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// readProfile reads a profile as the owner of a shard does, and returns what it says; "gone": it erases.
func readProfile(p *schemas.Profile, value []byte) (string, error) {
	gone, err := schemas.Read(&wire.Record{Key: []byte("c-17"), Value: value}, func(_, value []byte) error { return p.Decode(value) })
	switch {
	case err != nil:
		return "", err
	case gone:
		return "gone", nil
	}
	return text(p), nil
}

func TestProducers(t *testing.T) {
	const (
		all  = `"c-17" true Gender/1="F" City/1="Oslo" Age/2=41 Member/3=true`
		city = `"c-17" true City/1="Oslo"`
		none = "schema" // the code of a dead letter
	)
	for name, want := range map[string]struct{ plain, flat string }{
		"connect-profile":         {all, all},
		"connect-profile-schemas": {all, all},
		"connect-schemaless":      {city, city},
		"connect-null":            {"gone", "gone"},
		"connect-null-schemas":    {"gone", "gone"},
		"connect-row-schemas":     {none, all},
		"debezium-read-schemas":   {none, all},
		"debezium-create":         {none, `"c-18" true Gender/1="M" City/1="Bergen" Age/0=null Member/3=false`},
		"debezium-delete":         {"gone", "gone"},
		"debezium-delete-schemas": {"gone", "gone"},
		"cloudevents-profile":     {all, all},
		"cloudevents-kafka":       {city, city},
		"cloudevents-bytes":       {city, city},
		// In Debezium's update the consent is taken back, which needs no fields.
		"debezium-update":         {`"c-17" false`, `"c-17" false Gender/1="F" City/1="Bergen" Age/2=41 Member/3=true`},
		"debezium-update-schemas": {`"c-17" false`, `"c-17" false Gender/1="F" City/1="Bergen" Age/2=41 Member/3=true`},
	} {
		var plain, flat schemas.Profile
		flat.Flat = true
		check := func(p *schemas.Profile, want string) {
			t.Helper()
			got, err := readProfile(p, produced(t, name))
			if err != nil {
				got = code(t, err)
			}
			if got != want {
				t.Errorf("%s, flat %v:\n got %s\nwant %s", name, p.Flat, got, want)
			}
		}
		check(&plain, want.plain)
		check(&flat, want.flat)
	}
	var p schemas.Profile
	if _, err := readProfile(&p, produced(t, "cloudevents-no-data")); code(t, err) != none {
		t.Errorf("no data says nothing: %v", err)
	}
	for _, name := range []string{"connect-segment-change", "connect-segment-change-schemas"} {
		var c schemas.SegmentChange
		gone, err := schemas.Read(&wire.Record{Key: []byte("vip"), Value: produced(t, name)}, c.Decode)
		if err != nil || gone || len(c.Added) != 2 || c.Removed != nil || c.Name != "" {
			t.Errorf("%s: %+v, gone %v, %v", name, c, gone, err)
		}
	}
}

func TestEnvelopes(t *testing.T) {
	var p schemas.Profile
	check := func(value, want string) {
		t.Helper()
		got, err := readProfile(&p, []byte(value))
		if err != nil {
			got = code(t, err)
		}
		if got != want {
			t.Errorf("%s, flat %v:\n got %s\nwant %s", value, p.Flat, got, want)
		}
	}
	const profile, want = `{"fields":{"a":[[[[[[]]]]]]}}`, `"" true a/4=null` // as deep as it may be
	cloudEvent := func(data string) string { return `{"id":"1","data":` + data + `,"specversion":"1.0","type":"x"}` }
	connect := func(payload string) string {
		return `{"payload":` + payload + `,"schema":{"a":[[[[[[[[[[[]]]]]]]]]]]}}`
	}
	debezium := func(op, after string) string { return `{"op":"` + op + `","before":null,"after":` + after + `}` }
	check(` null `, "gone")
	for _, flat := range []bool{false, true} {
		p.Flat = flat
		for _, op := range []string{"c", "u", "r"} {
			check(debezium(op, profile), want)
			check(debezium(op, "null"), "schema")
		}
		check(debezium("d", "null"), "gone")
		check(debezium("t", "null"), "schema")
		check(`{"op":"u","before":`+profile+`}`, "schema")
		check(`{"op":"d","before":`+profile+`}`, "gone")
		check(cloudEvent("null"), "gone")
		check(connect("null"), "gone")
		check(cloudEvent(connect(debezium("u", profile))), want)
		check(cloudEvent(connect(debezium("u", connect(profile)))), "schema") // one too many
		check(strings.Replace(cloudEvent(profile), "1.0", "0.3", 1), "schema")
		check(connect(`"x"`), "schema")
		check(connect(`7`), "schema")
	}
	// A row that has columns of these names, and is no envelope.
	p.Flat = true
	check(`{"op":"u","after":"x"}`, `"" true op/1="u" after/1="x"`)
	check(`{"payload":1,"schema":2,"a":3}`, `"" true payload/2=1 schema/2=2 a/2=3`)
	check(`{"specversion":"x"}`, `"" true specversion/1="x"`)
	p.Flat = false
	check(`{"fields":{},"payload":{"fields":{"a":1}},"schema":1}`, `"" true`) // a profile with unknown properties
}

func TestFlat(t *testing.T) {
	p := schemas.Profile{Flat: true}
	check := func(value, want string) {
		t.Helper()
		got := ""
		if err := p.Decode([]byte(value)); err != nil {
			got = code(t, err)
		} else {
			got = text(&p)
		}
		if got != want {
			t.Errorf("%s:\n got %s\nwant %s", value, got, want)
		}
		p.Release() // keeps that it is flat
	}
	check(`{"customerId":"c","City":"Oslo","profiling":false,"Age":41,"x":null}`, `"c" false City/1="Oslo" Age/2=41 x/0=null`)
	check(`{"City":"Oslo","customerId":"c"}`, `"c" true City/1="Oslo"`)
	check(`{"customerId":"c"}`, `"c" true`)
	check(`{"customerId":null,"profiling":null}`, "schema") // nothing that is known
	check(`{}`, "schema")
	check(`{"a":1,"b":2,"a":1}`, "schema")
	check(`{"customerId":"c","customerId":"c"}`, "schema")
	// Kindred itself writes an object of fields. It is read so, if nothing stands beside it.
	check(`{"customerId":"c","fields":{"a":1}}`, `"c" true a/2=1`)
	check(`{"fields":{"a":1},"b":1}`, "schema")
	check(`{"b":1,"fields":{"a":1}}`, "schema")
	check(`{"fields":"x"}`, `"" true fields/1="x"`)
	many := `{"a":1`
	for i := range 2000 {
		many += fmt.Sprintf(`,"f%d":null`, i)
	}
	if err := p.Decode([]byte(many + `}`)); err != nil || len(p.Fields) != 2001 {
		t.Errorf("%d fields, %v", len(p.Fields), err)
	}
	p.Release() // lets go of everything else
	check(`{"a":1}`, `"" true a/2=1`)
	check(`{"a":1,"b":2,"a":1}`, "schema") // still
}

// Taken for a profile without fields, these would empty a customer's.
func TestAnUnknownShapeIsNoProfile(t *testing.T) {
	var p schemas.Profile
	for _, value := range []string{
		`{}`, `{"customerId":"c"}`, `{"fields":null}`, `{"customerId":"c","City":"Oslo"}`, `{"userId":"c","traits":{"City":"Oslo"}}`,
		`{"customerId":"c","profiling":true}`, `{"schema":{},"payload":{"City":"Oslo"}}`,
	} {
		_, err := readProfile(&p, []byte(value))
		if code(t, err) != "schema" || !strings.Contains(err.Error(), `"fields":{`) || !strings.Contains(err.Error(), "--flat") {
			t.Errorf("%s: %v", value, err)
		}
	}
}

// The bytes of other converters begin with a zero and the number of a schema.
func TestFramedValuesAreNamed(t *testing.T) {
	var p schemas.Profile
	_, err := readProfile(&p, []byte("\x00\x00\x00\x00\x07{\"fields\":{}}"))
	if code(t, err) != "not_json" || !strings.Contains(err.Error(), "JsonConverter") {
		t.Error(err)
	}
	if _, err := readProfile(&p, []byte("{\x00}")); strings.Contains(err.Error(), "JsonConverter") {
		t.Error(err)
	}
}

func TestUnknownPropertiesOfProfiles(t *testing.T) {
	var p schemas.Profile
	if err := p.Decode([]byte(`{"shares":1,"fields":{},"nothing":null,"x":{"y":[]}}`)); err != nil {
		t.Fatal(err)
	}
	if got := string(bytes.Join(p.Unknown, []byte(" "))); got != "shares x" {
		t.Errorf("unknown: %s", got)
	}
	value := []byte(`{"fields":{}`)
	for i := range 1000 {
		value = append(value, `,"p`+strings.Repeat("x", i)+`":1`...)
	}
	if err := p.Decode(append(value, '}')); err != nil || len(p.Unknown) > 10 {
		t.Errorf("%d names are kept, %v", len(p.Unknown), err)
	}
}

func TestTombstonesByWord(t *testing.T) {
	refuse := func(_, value []byte) error { t.Errorf("decoded %s", value); return nil }
	for _, value := range [][]byte{nil, []byte("null"), []byte("\nnull ")} {
		if gone, err := schemas.Read(&wire.Record{Value: value}, refuse); !gone || err != nil {
			t.Errorf("%q: %v, %v", value, gone, err)
		}
	}
	for _, value := range []string{"", "nul", "nullx", "null null", "\"null\"", "[null]"} {
		decoded := false
		gone, err := schemas.Read(&wire.Record{Value: []byte(value)}, func(_, value []byte) error { decoded = true; return schemas.Check(value) })
		if gone || !decoded {
			t.Errorf("%q: gone, %v", value, err)
		}
	}
}

// FuzzRead demands that whatever is read is JSON, and was there in the value.
func FuzzRead(f *testing.F) {
	files, _ := os.ReadDir("testdata/producers")
	for _, file := range files {
		value, _ := os.ReadFile("testdata/producers/" + file.Name())
		f.Add(value)
	}
	for _, seed := range strictSeeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		for _, flat := range []bool{false, true} {
			p := schemas.Profile{Flat: flat}
			var read []byte
			gone, err := schemas.Read(&wire.Record{Value: value}, func(_, inside []byte) error { read = inside; return p.Decode(inside) })
			if err == nil && !gone && !acceptable(read) {
				t.Errorf("%q: %q is accepted", value, read)
			}
			if err == nil && !json.Valid(value) && value != nil {
				t.Errorf("%q is accepted", value)
			}
			if p.Decode(value) == nil && (gone || !bytes.Equal(read, value)) {
				t.Errorf("%q is opened although it is a profile", value)
			}
		}
	})
}
