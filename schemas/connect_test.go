package schemas_test

import (
	"encoding/json"
	"slices"
	"testing"

	"kindred/schemas"
)

// TestConnectsSchemaFitsTheJSONSchema: what Kafka Connect is told of a record is what the record's JSON Schema says.
func TestConnectsSchemaFitsTheJSONSchema(t *testing.T) {
	type property struct {
		Type       any                 `json:"type"` // a name, or a list of names
		Required   []string            `json:"required"`
		Properties map[string]property `json:"properties"`
		OneOf      []property          `json:"oneOf"` // null, or an object
	}
	types := map[string]string{"string": "string", "double": "number", "int64": "integer", "struct": "object"}
	var compare func(path string, c schemas.ConnectField, p property)
	compare = func(path string, c schemas.ConnectField, p property) {
		if len(p.OneOf) == 2 && p.OneOf[0].Type == "null" {
			p = p.OneOf[1]
			p.Type = []any{p.Type, "null"}
		}
		want := any(types[c.Type])
		if c.Optional {
			want = []any{types[c.Type], "null"}
		}
		if got, _ := json.Marshal(p.Type); string(got) != mustJSON(t, want) {
			t.Errorf("%s is %s, optional %v, and by the JSON Schema %s", path, c.Type, c.Optional, got)
		}
		var names []string
		for _, f := range c.Fields {
			compare(path+"."+f.Field, f, p.Properties[f.Field])
			names = append(names, f.Field)
		}
		if !slices.Equal(names, p.Required) || len(names) != len(p.Properties) {
			t.Errorf("%s has %q, by the JSON Schema %q of %d", path, names, p.Required, len(p.Properties))
		}
	}
	for topic, file := range map[string]string{schemas.Memberships: "membership", schemas.MembershipChanges: "membership-change"} {
		var p property
		if err := json.Unmarshal(read(t, "json/"+file+".schema.json"), &p); err != nil {
			t.Fatal(err)
		}
		c, known := schemas.Connect(topic)
		if !known {
			t.Fatalf("Connect knows no schema of %s", topic)
		}
		compare(topic, c, p)
	}
	if _, known := schemas.Connect(schemas.Runs); known {
		t.Error("Connect knows a schema of runs, whose records differ")
	}
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
