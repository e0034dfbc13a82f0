package schemas_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"kindred/schemas"
)

// described are the events that have a JSON Schema.
var described = map[string]struct {
	event  any
	decode func(key, value []byte) (any, error) // nil: encoding/json
	key    string                               // of the examples
}{
	"profile": {decode: func(_, value []byte) (any, error) {
		var p schemas.Profile
		return nil, p.Decode(value)
	}},
	"field":          {schemas.Field{}, decoder(func() *schemas.Field { return new(schemas.Field) }), "Gender"},
	"segment-change": {schemas.SegmentChange{}, decoder(func() *schemas.SegmentChange { return new(schemas.SegmentChange) }), "vip"},
	"data-event":     {schemas.DataEvent{}, decoder(func() *schemas.DataEvent { return new(schemas.DataEvent) }), "warehouse"},
	"expand-request": {schemas.ExpandRequest{}, decoder(func() *schemas.ExpandRequest { return new(schemas.ExpandRequest) }), "vip-expansion"},
	"membership":     {schemas.Membership{}, decoder(func() *schemas.Membership { return new(schemas.Membership) }), "vip-expansion/c-17"},
	"membership-change": {schemas.MembershipChange{}, decoder(func() *schemas.MembershipChange { return new(schemas.MembershipChange) }),
		"vip-expansion/c-17"},
	"run":        {schemas.Run{}, decoder(func() *schemas.Run { return new(schemas.Run) }), "vip-expansion"},
	"expansion":  {schemas.Expansion{}, decoder(func() *schemas.Expansion { return new(schemas.Expansion) }), "vip-expansion"},
	"segment":    {schemas.Segment{}, decoder(func() *schemas.Segment { return new(schemas.Segment) }), "vip"},
	"definition": {event: schemas.Definition{}},
	"report":     {event: schemas.Report{}},
}

func decoder[E interface{ Decode(key, value []byte) error }](empty func() E) func(key, value []byte) (any, error) {
	return func(key, value []byte) (any, error) {
		e := empty()
		err := e.Decode(key, value)
		if r, ok := any(e).(*schemas.ExpandRequest); ok && err == nil && r.Unknown != nil {
			err = &schemas.Malformed{Code: schemas.WrongSchema, Message: r.Unknown.Message} // its run is refused, for the same reason
		}
		return e, err
	}
}

// inputs are the events that others write, whose schemas are open and whose decoding is strict.
var inputs = []string{"profile", "field", "segment-change", "data-event", "expand-request"}

func compile(t *testing.T) map[string]*jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	for _, file := range documents(t, "json/*.json") {
		if err := c.AddResource("file:///"+file, parse(t, read(t, file))); err != nil {
			t.Fatal(err)
		}
	}
	compiled := map[string]*jsonschema.Schema{}
	for _, file := range documents(t, "json/*.json") {
		schema, err := c.Compile("file:///" + file)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		compiled[strings.TrimSuffix(path.Base(file), ".schema.json")] = schema
	}
	return compiled
}

func documents(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := fs.Glob(schemas.Documents, pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %v, %d files", pattern, err, len(files))
	}
	return files
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	text, err := schemas.Documents.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func parse(t *testing.T, text []byte) any {
	t.Helper()
	var value any // numbers as float64: the validator goes astray on 1e10000000
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return value
}

// examples calls visit for each example with the name of its schema.
func examples(t *testing.T, visit func(event, file string, text []byte)) {
	t.Helper()
	seen := map[string]bool{}
	for _, file := range documents(t, "examples/*.json") {
		event, _, _ := strings.Cut(path.Base(file), ".")
		seen[event] = true
		visit(event, file, read(t, file))
	}
	for event := range described {
		if !seen[event] {
			t.Errorf("%s has no example", event)
		}
	}
}

func TestExamplesFitTheirSchemasAndTypes(t *testing.T) {
	compiled := compile(t)
	examples(t, func(event, file string, text []byte) {
		if err := compiled[event].Validate(parse(t, text)); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		d := described[event]
		if d.decode == nil || d.event == nil {
			return
		}
		got, err := d.decode([]byte(d.key), text)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			return
		}
		again, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(parse(t, again), parse(t, text)) {
			t.Errorf("%s is read as\n%s", file, again)
		}
	})
}

// TestTypesFitTheirSchemas compares every property of the Go types with that of the schemas, both ways.
func TestTypesFitTheirSchemas(t *testing.T) {
	compiled := compile(t)
	for _, event := range slices.Sorted(keys(compiled)) {
		d, known := described[event]
		if !known {
			t.Errorf("a schema %s, but no such event", event)
		} else if d.event != nil {
			sameShape(t, event, reflect.TypeOf(d.event), compiled[event], !slices.Contains(inputs, event))
		}
	}
}

func keys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// sameShape compares a type with a schema. What kindred writes has required properties: all that are never omitted.
func sameShape(t *testing.T, where string, typ reflect.Type, s *jsonschema.Schema, written bool) {
	t.Helper()
	nullable := false
	for s.Ref != nil || len(s.OneOf) == 2 {
		if s.Ref != nil {
			s = s.Ref
			continue
		}
		if kinds(s.OneOf[0])[0] != "null" {
			t.Fatalf("%s: oneOf must be null or something", where)
		}
		nullable, s = true, s.OneOf[1]
	}
	if strings.HasSuffix(where, ".request") {
		written = false // an input inside an output
	}
	want := kinds(s)
	if i := slices.Index(want, "null"); i >= 0 && len(want) == 2 {
		nullable, want = true, slices.Delete(want, i, i+1)
	}
	if typ.Kind() == reflect.Pointer {
		if omitted := !written || strings.HasSuffix(where, "?"); !nullable && !omitted {
			t.Errorf("%s can be null, not so in the schema", where)
		}
		typ = typ.Elem()
	} else if nullable && typ.Kind() != reflect.Slice && written {
		t.Errorf("%s can be null in the schema only", where)
	}
	if got := kindOf(typ); len(want) != 1 || got != want[0] {
		t.Errorf("%s is %s, in the schema %v", where, got, want)
		return
	}
	switch {
	case want[0] == "array":
		sameShape(t, where+"[]", typ.Elem(), items(s), written)
	case want[0] == "object":
		sameProperties(t, where, typ, s, written)
	}
}

func sameProperties(t *testing.T, where string, typ reflect.Type, s *jsonschema.Schema, written bool) {
	t.Helper()
	var names, required []string
	for i := range typ.NumField() {
		f := typ.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		names = append(names, name)
		if options == "" {
			required = append(required, name)
		}
		property := s.Properties[name]
		if property == nil {
			t.Errorf("%s.%s is not in the schema", where, name)
			continue
		}
		if written && f.Type.Kind() == reflect.Slice && options == "" && !slices.Contains(kinds(property), "null") {
			t.Errorf("%s.%s can be null, not so in the schema", where, name)
		}
		if !written && !slices.Contains(s.Required, name) && !slices.Contains(kinds(property), "null") {
			t.Errorf("%s.%s may be left out, and not be null in the schema", where, name)
		}
		if options != "" {
			name += "?"
		}
		sameShape(t, where+"."+name, f.Type, property, written)
	}
	for name := range s.Properties {
		if !slices.Contains(names, name) {
			t.Errorf("%s.%s is in the schema only", where, name)
		}
	}
	if got := slices.Sorted(slices.Values(s.Required)); written && !slices.Equal(got, slices.Sorted(slices.Values(required))) {
		t.Errorf("%s requires %v in the schema, always has %v", where, got, required)
	}
}

func kinds(s *jsonschema.Schema) []string {
	if s.Types == nil {
		return []string{""}
	}
	return s.Types.ToStrings()
}

func items(s *jsonschema.Schema) *jsonschema.Schema {
	one, _ := s.Items.(*jsonschema.Schema)
	return one
}

func kindOf(typ reflect.Type) string {
	if typ == reflect.TypeFor[[]byte]() {
		return "string" // base64
	}
	switch typ.Kind() {
	case reflect.Slice, reflect.Array:
		return "array"
	case reflect.Struct:
		if typ.Name() == "Time" {
			return "string"
		}
		return "object"
	case reflect.Bool:
		return "boolean"
	case reflect.Float64:
		return "number"
	case reflect.Int, reflect.Int64:
		return "integer"
	}
	return typ.Kind().String()
}

func TestWordsFitTheSchemas(t *testing.T) {
	compiled := compile(t)
	check := func(event, property string, words ...string) {
		t.Helper()
		var got []string
		for _, v := range compiled[event].Properties[property].Enum.Values {
			if v != nil {
				got = append(got, v.(string))
			}
		}
		if !slices.Equal(got, words) {
			t.Errorf("%s.%s: %q in the schema, want %q", event, property, got, words)
		}
	}
	check("membership", "band", schemas.BandNames[:]...)
	check("membership-change", "band", schemas.BandNames[:]...)
	check("membership-change", "change", schemas.Entered, schemas.Changed, schemas.Left)
	check("membership-change", "cause", schemas.ByRun, schemas.ByProfile, schemas.BySegment, schemas.ByConsent, schemas.ByErasure,
		schemas.ByDelete, schemas.ByRepair)
	check("expand-request", "action", words(schemas.Expand, schemas.Edit, schemas.Refresh, schemas.Cancel, schemas.Rename, schemas.Delete)...)
	causes := words(schemas.CauseExpand, schemas.CauseEdit, schemas.CauseRefresh, schemas.CauseDataEvent,
		schemas.CauseSourceChange, schemas.CauseSchedule, schemas.CauseCancel, schemas.CauseRename, schemas.CauseDelete)
	check("expand-request", "cause", causes...)
	check("run", "cause", causes...)
	check("run", "status", words(schemas.Queued, schemas.Processing, schemas.Successful, schemas.Failed, schemas.Canceled, schemas.Skipped)...)
	check("run", "stage", words(schemas.Waiting, schemas.Reading, schemas.Training, schemas.Scoring, schemas.Publishing)...)
	check("expansion", "state", words(schemas.StateNew, schemas.StateLive, schemas.StateSegmentGone, schemas.StateDeleted)...)
}

func words[W ~string](list ...W) (words []string) {
	for _, w := range list {
		words = append(words, string(w))
	}
	return words
}

// TestDecodingFitsTheSchemas spoils every property of every example in many ways: the decoder must refuse what the
// schema refuses, and nothing else.
func TestDecodingFitsTheSchemas(t *testing.T) {
	compiled := compile(t)
	spoilt := 0
	examples(t, func(event, file string, text []byte) {
		if !slices.Contains(inputs, event) {
			return
		}
		d := described[event]
		spoil(t, text, compiled[event], func(value []byte) {
			spoilt++
			_, err := d.decode([]byte(d.key), value)
			refused := err != nil && code(t, err) != "key_mismatch" // about which a schema knows nothing
			if invalid := compiled[event].Validate(parse(t, value)) != nil; invalid != refused {
				t.Errorf("%s: refused by the schema %v, by the decoder %v (%v):\n%s", file, invalid, refused, err, value)
			}
		})
	})
	if spoilt < 500 {
		t.Errorf("only %d values were tried", spoilt)
	}
}

var wrong = []string{`null`, `true`, `false`, `0`, `1`, `-1`, `2.5`, `1.0`, `100001`, `1e300`, `""`, `"x"`, `"a b"`, `"a\u0000b"`, `"æ"`,
	`"` + strings.Repeat("x", 256) + `"`, `[]`, `["x"]`, `[""]`, `["a/b"]`, `["a\u0007"]`, `[1]`, `[null]`, `[["x"]]`,
	`{}`, `{"segmentId":"x"}`, `{"segmentId":""}`, `{"segmentId":1}`, `{"segmentId":null}`,
	`{"onDataEvent":1}`, `{"onDataEvent":false,"every":"1h"}`, `{"every":5}`, `{"every":null}`, `{"sourceChange":"x"}`, `{"sourceChange":1}`}

// spoil calls visit with text as it is, without each of its members, and with each property that the schema has, and
// one that it has not, set to each wrong value.
func spoil(t *testing.T, text []byte, s *jsonschema.Schema, visit func([]byte)) {
	t.Helper()
	members := map[string]json.RawMessage{}
	if err := json.Unmarshal(text, &members); err != nil {
		t.Fatal(err)
	}
	marshal := func() {
		value, err := json.Marshal(members)
		if err != nil {
			t.Fatal(err)
		}
		visit(value)
	}
	marshal()
	for name := range members {
		was := members[name]
		delete(members, name)
		marshal()
		members[name] = was
	}
	for name := range keys(s.Properties) {
		replace(members, name, marshal)
	}
	replace(members, "somethingNew", marshal)
}

func replace(members map[string]json.RawMessage, name string, visit func()) {
	was, had := members[name]
	for _, w := range wrong {
		members[name] = json.RawMessage(w)
		visit()
	}
	delete(members, name)
	if had {
		members[name] = was
	}
}

// TestAsyncAPINamesWhatThereIs holds the AsyncAPI document to the topics and the schemas.
func TestAsyncAPINamesWhatThereIs(t *testing.T) {
	text := read(t, "asyncapi.yaml")
	for _, topic := range append(schemas.Topics(12), schemas.Changes(12)) {
		internal := topic.Name == schemas.SegmentMembers || topic.Name == schemas.Models || topic.Name == schemas.Settings
		_, channel, found := bytes.Cut(text, []byte("\n    address: kindred."+topic.Name+"\n"))
		if found == internal {
			t.Errorf("topic %s: described %v, internal %v", topic.Name, found, internal)
		}
		if !found {
			continue
		}
		channel, _, _ = bytes.Cut(channel, []byte("\n    address: "))
		settings := []string{"partitions: " + map[bool]string{true: "12", false: "1"}[topic.Partitions == 12],
			"cleanup.policy: [" + topic.Config["cleanup.policy"] + "]"}
		for _, name := range []string{"retention.ms", "delete.retention.ms"} {
			if ms := topic.Config[name]; ms != "" {
				settings = append(settings, name+": "+ms)
			}
		}
		for _, want := range settings {
			if !bytes.Contains(channel, []byte(" "+want+"\n")) {
				t.Errorf("topic %s is not described with %s", topic.Name, want)
			}
		}
	}
	for _, ref := range regexp.MustCompile(`\$ref: '\./([^']+)'`).FindAllSubmatch(text, -1) {
		read(t, string(ref[1]))
	}
}
