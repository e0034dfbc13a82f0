package schemas_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"kindred/schemas"
	"kindred/schemas/wire"
)

// text makes a decoded profile comparable: id, consent, and each field's name, kind and canonical value.
func text(p *schemas.Profile) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%q %v", p.CustomerID, p.Profiling)
	for i := range p.Fields {
		f := &p.Fields[i]
		fmt.Fprintf(&b, " %s/%d=%s", f.Name, f.Kind, schemas.AppendCanonical(nil, f))
	}
	return b.String()
}

func TestDecodeProfile(t *testing.T) {
	var p schemas.Profile
	check := func(value, want string) {
		t.Helper()
		if err := p.Decode([]byte(value)); err != nil {
			t.Errorf("%s: %v", value, err)
		} else if got := text(&p); got != want {
			t.Errorf("%s:\n got %s\nwant %s", value, got, want)
		}
	}
	check(`{"customerId":"c-17","fields":{"Gender":"F","City":"Oslo","Age":41,"Member":true},"profiling":true}`,
		`"c-17" true Gender/1="F" City/1="Oslo" Age/2=41 Member/3=true`)
	check(`{"profiling":false}`, `"" false`)
	check(`{"fields":{}}`, `"" true`)
	check(`{"customerId":null,"fields":{"a":1},"profiling":null}`, `"" true a/2=1`)
	check(` { "fields" : { } , "customerId" : "\u00e6\/" } `, `"æ/" true`)
	check(`{"fields":{"a":null,"b":[{"c":1}],"d":{"a":{}},"e":false}}`, `"" true a/0=null b/4=null d/4=null e/3=false`)
	check(`{"fields":{"a":"\"\\\/\b\f\n\r\t\u0000\u00e6\ud83d\ude00"}}`, `"" true a/1="\"\\/\b\f\n\r\t\u0000æ😀"`)
	check(`{"fields":{"\u0061":"","":1}}`, `"" true a/1="" /2=1`)

	// Another case is another name, and a name that is not known is no mistake.
	check(`{"CustomerId":1,"Profiling":2,"Fields":[],"fields":{},"more":{"x":[]}}`, `"" true`)
	check(`{"fields":{"age":1,"Age":2}}`, `"" true age/2=1 Age/2=2`)
}

func TestDecodeProfileRefuses(t *testing.T) {
	var p schemas.Profile
	check := func(value, want string) {
		t.Helper()
		if got := code(t, p.Decode([]byte(value))); got != want {
			t.Errorf("%s: %q, want %q", value, got, want)
		}
	}
	for _, value := range []string{`null`, `1`, `"x"`, `[]`, `true`,
		`{"customerId":1}`, `{"customerId":""}`, `{"customerId":"a\u0000"}`, `{"customerId":"\u0085"}`,
		`{"customerId":"` + strings.Repeat("x", 256) + `"}`,
		`{"fields":[]}`, `{"fields":null}`, `{"profiling":1}`, `{"profiling":null}`, `{}`, `{"profiling":"true"}`,
		`{"customerId":"a","customerId":"a"}`, `{"fields":{},"fields":{}}`, `{"profiling":true,"profiling":true}`,
		`{"x":1,"x":1}`, `{"fields":{"a":1,"b":2,"a":1}}`, `{"fields":{"a":1,"\u0061":2}}`,
		`{"fields":{"a":{"b":1,"b":1}}}`, `{"fields":{"a":1e999}}`, `{"fields":{"a":[[[[[[[]]]]]]]}}`,
	} {
		check(value, "schema")
	}
	check(``, "not_json")
	check(`{"fields":{"a":1}`, "not_json")
	check(`{"fields":{"a":}}`, "not_json")
	check(`{"fields":{"a" 1}}`, "not_json")
	check(`{}}`, "not_json")
	check("{\"customerId\":\"\xff\"}", "bad_utf8")
	check(`{"fields":{"a":"\ud800"}}`, "bad_utf8")
}

// One Profile decodes a stream: what came before may not show in what comes after.
func TestDecodeProfileLikeAFreshOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var reused schemas.Profile
		name := rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f", "gggggggggg"})
		for _, names := range rapid.SliceOfN(rapid.SliceOfN(name, 0, 8), 1, 12).Draw(t, "profiles") {
			value := []byte(`{"fields":{`)
			for i, n := range names {
				value = fmt.Appendf(value, `%s"%s":%d`, []string{",", ""}[b2i(i == 0)], n, i)
			}
			value = append(value, `}}`...)

			var fresh schemas.Profile
			err, want := reused.Decode(value), fresh.Decode(value)
			twice := len(slices.Compact(slices.Sorted(slices.Values(names)))) != len(names)
			if (want != nil) != twice || (err != nil) != twice {
				t.Fatalf("%s: fresh %v, reused %v, names twice %v", value, want, err, twice)
			}
			if err == nil && text(&reused) != text(&fresh) {
				t.Fatalf("%s: reused %s, fresh %s", value, text(&reused), text(&fresh))
			}
		}
	})
}

// Names are looked for first where the profile before had them, as it had them.
func TestTheOrderOfAnEarlierProfileHidesNothing(t *testing.T) {
	const usual, strange = `{"fields":{"a":0,"b":0,"c":0}}`, `{"fields":{"a":0,"b\":0,\"c":0}}`
	for _, earlier := range []string{usual, strange} {
		for _, value := range []string{usual, strange,
			`{"fields":{,"a":0,"b":0}}`, `{"fields":{"a":0,"b":0,"b":0}}`, `{"fields":{"a":0,"b":0,"a":0}}`, `{"fields":{"a":0,"b":}}`,
			`{"fields":{"a":0,"b":0,}}`, `{"fields":{"a":0,"b"`, `{"fields":{"a":,"b":0}}`, `{"fields":{"a":{},"b":{"c":0},"c":0}}`,
			`{"fields":{"a":{"x":0,"b":0},"b":0}}`, `{"fields":{"a":0, "b":0,"b ":0}}`, `{"fields":{"c":0,"b":0,"a":0}}`, `{"fields":{"b":0}}`,
		} {
			var reused, fresh schemas.Profile
			if err := reused.Decode([]byte(earlier)); err != nil {
				t.Fatal(err)
			}
			err, want := reused.Decode([]byte(value)), fresh.Decode([]byte(value))
			if fmt.Sprint(err) != fmt.Sprint(want) || err == nil && text(&reused) != text(&fresh) {
				t.Errorf("%s after %s: %v %s, want %v %s", value, earlier, err, text(&reused), want, text(&fresh))
			}
		}
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestManyNamesInOneValue(t *testing.T) {
	var p schemas.Profile
	for range 3 {
		fields := make([]schemas.FieldValue, 9000)
		for i := range fields {
			fields[i] = schemas.FieldValue{Name: []byte(strconv.Itoa(i)), Kind: schemas.Bool}
		}
		if err := p.Decode(schemas.AppendProfile(nil, "c", fields, true)); err != nil || len(p.Fields) != len(fields) {
			t.Fatal(err, len(p.Fields))
		}
		fields[8999].Name = []byte("17")
		if got := code(t, p.Decode(schemas.AppendProfile(nil, "c", fields, true))); got != "schema" {
			t.Fatalf("a name twice among 9000: %q", got)
		}
	}
}

func TestSameNumberSameText(t *testing.T) {
	var p schemas.Profile
	canonical := func(number string) string {
		if err := p.Decode([]byte(`{"fields":{"a":` + number + `}}`)); err != nil {
			t.Fatalf("%s: %v", number, err)
		}
		if math.Signbit(p.Fields[0].Number) && p.Fields[0].Number == 0 {
			t.Errorf("%s is -0", number)
		}
		return string(schemas.AppendCanonical(nil, &p.Fields[0]))
	}
	check := func(want string, numbers ...string) {
		t.Helper()
		for _, n := range numbers {
			if got := canonical(n); got != want {
				t.Errorf("%s: %s, want %s", n, got, want)
			}
		}
	}
	check("41", "41", "41.0", "4.1e1", "410e-1", "0.041E+3", "41.00000000000000000000")
	check("0", "0", "-0", "0.0", "-0.0e5", "0e10", "1e-400", "-1e-400", "-0.00000000000000000000000")
	check("0.1", "0.1", "1e-1", "0.10", "0.1000000000000000055511151231257827")
	check("-2.5", "-2.5", "-25e-1")
	check("9007199254740992", "9007199254740992", "9007199254740993") // a number is what a float64 keeps of it
	check("0.0001", "1e-4", "1000000000000000000e-22", "10000000000000000000e-23")
	check("1e+22", "1e22")
	check("1e+23", "1e23", "10e22")
	check("1.5e-22", "1.5e-22", "15e-23")
	check("1e+21", "1e21", "1000000000000000000000")
	check("1e-7", "0.0000001", "1e-07")
	check("1.7976931348623157e+308", "1.7976931348623157e308")

	rapid.Check(t, func(t *rapid.T) {
		f := rapid.Float64().Filter(func(f float64) bool { return !math.IsInf(f, 0) && !math.IsNaN(f) && f != 0 }).Draw(t, "number")
		want, _ := json.Marshal(f)
		for _, format := range []byte{'e', 'g', 'f'} {
			if n := strconv.FormatFloat(f, format, -1, 64); len(n) <= 40 {
				if got := canonical(n); got != string(want) {
					t.Fatalf("%s: %s, want %s", n, got, want)
				}
			}
		}
	})
}

func TestAppendProfileIsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		field := rapid.Custom(func(t *rapid.T) schemas.FieldValue {
			return schemas.FieldValue{
				Kind:   rapid.SampledFrom([]schemas.Kind{schemas.String, schemas.Number, schemas.Bool}).Draw(t, "kind"),
				Text:   []byte(rapid.String().Draw(t, "text")),
				Number: rapid.Float64Range(-1e300, 1e300).Draw(t, "number"),
				Bool:   rapid.Bool().Draw(t, "bool"),
			}
		})
		named := rapid.MapOfN(rapid.String(), field, 0, 30).Draw(t, "fields")
		var fields []schemas.FieldValue
		for _, name := range slices.Sorted(maps.Keys(named)) {
			f := named[name]
			f.Name = []byte(name)
			fields = append(fields, f)
		}
		want := schemas.Profile{CustomerID: []byte("c"), Profiling: rapid.Bool().Draw(t, "profiling"), Fields: fields}
		value := schemas.AppendProfile(nil, "c", fields, want.Profiling)
		var got schemas.Profile
		if err := got.Decode(value); err != nil {
			t.Fatalf("%s: %v", value, err)
		}
		if text(&got) != text(&want) {
			t.Fatalf("%s:\n got %s\nwant %s", value, text(&got), text(&want))
		}
		if !json.Valid(value) {
			t.Fatalf("%s is not JSON", value)
		}
	})
}

func TestProfilesCostNoAllocation(t *testing.T) {
	values := [][]byte{
		profileOf20("c-1"),
		[]byte(`{"customerId":"c\u002d2","fields":{"a":"\u00e6","b":12345678901234567890.12,"c":{"x":[1]},"d":null},"more":{"y":1}}`),
		[]byte(`{"customerId":"c-3","fields":{"b":1,"a":2,"Field07":"x"}}`),
	}
	var p schemas.Profile
	decode := func() {
		for _, value := range values {
			r := wire.Record{Value: value}
			if _, err := schemas.Read(&r, func(_, value []byte) error { return p.Decode(value) }); err != nil {
				t.Fatal(err)
			}
		}
	}
	decode()
	if n := testing.AllocsPerRun(100, decode); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// profileOf20 is a profile of 20 fields in about 350 bytes.
func profileOf20(id string) []byte {
	var fields []schemas.FieldValue
	for i := range 20 {
		f := schemas.FieldValue{Name: fmt.Appendf(nil, "Field%02d", i), Kind: schemas.String, Text: fmt.Appendf(nil, "value%d", i)}
		if i%5 == 4 {
			f.Kind, f.Number = schemas.Number, float64(i)*1.25
		}
		fields = append(fields, f)
	}
	return schemas.AppendProfile(nil, id, fields, true)
}

// BenchmarkReadProfile is what the owner of a shard does.
func BenchmarkReadProfile(b *testing.B) {
	r := wire.Record{Key: []byte("c-12345678"), Value: profileOf20("c-12345678")}
	b.ReportAllocs()
	var p schemas.Profile
	for b.Loop() {
		if _, err := schemas.Read(&r, func(_, value []byte) error { return p.Decode(value) }); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeProfile(b *testing.B) {
	value := profileOf20("c-12345678")
	b.SetBytes(int64(len(value)))
	b.ReportAllocs()
	var p schemas.Profile
	for b.Loop() {
		if err := p.Decode(value); err != nil {
			b.Fatal(err)
		}
	}
}

// FuzzProfile compares with encoding/json what a profile says.
func FuzzProfile(f *testing.F) {
	for _, seed := range strictSeeds {
		f.Add([]byte(seed))
	}
	var p schemas.Profile
	f.Fuzz(func(t *testing.T, value []byte) {
		err := p.Decode(value)
		if err != nil && code(t, err) != "schema" {
			if acceptable(value) {
				t.Errorf("%q: %v", value, err)
			}
			return
		}
		var want struct {
			CustomerID json.RawMessage            `json:"customerId"`
			Fields     map[string]json.RawMessage `json:"fields"`
		}
		if err != nil {
			return
		}
		if !acceptable(value) {
			t.Errorf("%q is accepted", value)
		}
		var members map[string]json.RawMessage // names as they are, which a struct does not keep
		if err := json.Unmarshal(value, &members); err != nil {
			t.Fatalf("%q: %v", value, err)
		}
		want.CustomerID = members["customerId"]
		if raw, ok := members["fields"]; ok {
			if err := json.Unmarshal(raw, &want.Fields); err != nil {
				t.Fatalf("%q: %v", value, err)
			}
		}
		var id string
		if want.CustomerID != nil {
			if err := json.Unmarshal(want.CustomerID, &id); err != nil {
				t.Fatalf("%q: %v", value, err)
			}
		}
		if id != string(p.CustomerID) || len(want.Fields) != len(p.Fields) || p.Profiling == (string(members["profiling"]) == "false") {
			t.Errorf("%q: %s", value, text(&p))
		}
		for i := range p.Fields {
			sameValue(t, &p.Fields[i], want.Fields[string(p.Fields[i].Name)])
		}
	})
}

func sameValue(t *testing.T, f *schemas.FieldValue, raw json.RawMessage) {
	t.Helper()
	var want any
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatalf("field %q: %q: %v", f.Name, raw, err)
	}
	same := false
	switch v := want.(type) {
	case nil:
		same = f.Kind == schemas.Absent
	case string:
		same = f.Kind == schemas.String && v == string(f.Text)
	case float64:
		same = f.Kind == schemas.Number && v == f.Number && string(raw) == string(f.Text)
	case bool:
		same = f.Kind == schemas.Bool && v == f.Bool
	default:
		same = f.Kind == schemas.Other
	}
	if !same {
		t.Errorf("field %q: kind %d, text %q, number %v; want %q", f.Name, f.Kind, f.Text, f.Number, raw)
	}
}
