package api

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"net/http"
	"path"
	"reflect"
	"strings"
	"sync"
	"time"

	"kindred/cmd/internal/reading"
	"kindred/schemas"
)

// paths is what of the OpenAPI document is written by hand. What the paths answer is added to it: events as their JSON Schemas have
// them, facts as their types have them.
//
//go:embed openapi.json
var paths []byte

// answers are the facts that the paths name.
var answers = []any{
	segmentList{}, expansionList{}, runList{}, receipt{}, problem{},
	reading.Expansion{}, reading.Fields{}, reading.Page{}, reading.Why{}, reading.Health{}, reading.Letters{},
}

// events are the names of the JSON Schemas that are part of the document.
var events = map[string]string{
	"expand-request": "ExpandRequest", "run": "RunEvent", "report": "Report", "definition": "Definition",
}

// openAPI is the document, and its tag.
var openAPI = sync.OnceValues(func() (document []byte, tag string) {
	var doc map[string]any
	must(json.Unmarshal(paths, &doc))
	components := doc["components"].(map[string]any)
	d := &describer{all: map[string]any{}}
	for name, as := range events {
		d.all[as] = eventSchema(name)
	}
	for _, answer := range answers {
		d.schema(reflect.TypeOf(answer))
	}
	components["schemas"] = d.all
	document, err := json.MarshalIndent(doc, "", "  ")
	must(err)
	sum := sha256.Sum256(document)
	return document, `"` + hex.EncodeToString(sum[:8]) + `"`
})

// must ends the process for a document that could never be: a test makes it.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

func (s *server) openAPI(w http.ResponseWriter, r *http.Request) error {
	document, tag := openAPI()
	w.Header().Set("Cache-Control", "no-cache") // it may be kept, as it is about nobody
	w.Header().Set("ETag", tag)
	w.Header().Set("Content-Type", "application/json")
	http.ServeContent(w, r, "openapi.json", time.Time{}, bytes.NewReader(document))
	return nil
}

// eventSchema returns the JSON Schema of an event, whose references stay within the document.
func eventSchema(name string) any {
	text, err := fs.ReadFile(schemas.Documents, path.Join("json", name+".schema.json"))
	must(err)
	for other, as := range events {
		text = bytes.ReplaceAll(text, []byte(`"`+other+`.schema.json"`), []byte(`"#/components/schemas/`+as+`"`))
	}
	var schema map[string]any
	must(json.Unmarshal(text, &schema))
	delete(schema, "$schema") // OpenAPI 3.1 has a newer one, which says the same of these
	return schema
}

// describer makes JSON Schemas of types as encoding/json writes them.
type describer struct{ all map[string]any }

var (
	timeType    = reflect.TypeFor[time.Time]()
	jsonType    = reflect.TypeFor[json.RawMessage]()
	definitions = reflect.TypeFor[schemas.Definition]()
	reports     = reflect.TypeFor[schemas.Report]()
	requests    = reflect.TypeFor[schemas.ExpandRequest]()
	hidden      = reflect.TypeFor[*struct{}]() // stands in the place of what is never written
)

func refer(name string) map[string]any { return map[string]any{"$ref": "#/components/schemas/" + name} }

// schema returns the schema of a type. That of a struct stands among the components.
func (d *describer) schema(t reflect.Type) map[string]any {
	switch t {
	case timeType:
		return map[string]any{"type": "string", "format": "date-time"}
	case jsonType:
		return map[string]any{}
	case definitions:
		return refer("Definition")
	case reports:
		return refer("Report")
	case requests:
		return refer("ExpandRequest")
	}
	switch t.Kind() {
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int, reflect.Int64:
		return map[string]any{"type": "integer"}
	case reflect.Float64:
		return map[string]any{"type": "number"}
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Slice:
		return map[string]any{"type": "array", "items": d.schema(t.Elem())}
	case reflect.Array:
		return map[string]any{"type": "array", "items": d.schema(t.Elem()), "minItems": t.Len(), "maxItems": t.Len()}
	case reflect.Pointer:
		return map[string]any{"anyOf": []any{d.schema(t.Elem()), map[string]any{"type": "null"}}}
	case reflect.Struct:
		return d.object(t)
	}
	panic("no schema of " + t.String())
}

func (d *describer) object(t reflect.Type) map[string]any {
	name := strings.ToUpper(t.Name()[:1]) + t.Name()[1:]
	if d.all[name] != nil {
		return refer(name)
	}
	properties, required := map[string]any{}, []string{}
	d.all[name] = map[string]any{"type": "object", "properties": properties}
	for _, field := range reflect.VisibleFields(t) {
		property, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if !field.IsExported() || property == "-" || field.Anonymous && property == "" || field.Type == hidden {
			continue
		}
		kind := field.Type
		if strings.HasPrefix(options, "omit") {
			if kind.Kind() == reflect.Pointer {
				kind = kind.Elem()
			}
		} else {
			required = append(required, property)
		}
		properties[property] = d.schema(kind)
	}
	if len(required) > 0 {
		d.all[name].(map[string]any)["required"] = required
	}
	return refer(name)
}
