package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// operation is what the document says of one method of a path.
type operation struct {
	OperationID string `json:"operationId"`
	Parameters  []struct {
		Name, In string
		Required bool
		Schema   struct{ Enum []string }
	}
	Responses map[string]any
}

func documented(t *testing.T) (doc struct {
	OpenAPI    string
	Paths      map[string]map[string]operation
	Components struct{ Schemas, Responses map[string]any }
}) {
	t.Helper()
	text, _ := openAPI()
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestEveryRouteIsInTheDocumentAndNothingElse(t *testing.T) {
	doc := documented(t)
	said := map[string]string{} // parameters by method and path
	for path, methods := range doc.Paths {
		for method, of := range methods {
			var names []string
			for _, p := range of.Parameters {
				if p.In == "query" {
					names = append(names, p.Name)
				}
				if p.Name == "topic" && !slices.Equal(p.Schema.Enum, topics()) {
					t.Errorf("the document has the topics %v, want %v", p.Schema.Enum, topics())
				}
				if p.In == "path" && !p.Required {
					t.Errorf("%s of %s is not required", p.Name, path)
				}
			}
			said[strings.ToUpper(method)+" "+path] = fmt.Sprint(slices.Sorted(slices.Values(names)))
		}
	}
	is := map[string]string{}
	for _, r := range (&server{}).routes() {
		is[r.method+" "+r.path] = fmt.Sprint(slices.Sorted(slices.Values(r.parameters)))
	}
	if !maps.Equal(said, is) {
		t.Errorf("the document has\n%v\nand the server\n%v", said, is)
	}
}

func TestTheDocumentRefersToWhatIsInIt(t *testing.T) {
	doc := documented(t)
	text, _ := openAPI()
	used := map[string]bool{}
	for _, ref := range regexp.MustCompile(`"\$ref": "([^"]*)"`).FindAllStringSubmatch(string(text), -1) {
		parts := strings.Split(ref[1], "/")
		if len(parts) < 4 || parts[0] != "#" || doc.Components.Schemas[parts[3]] == nil && doc.Components.Responses[parts[3]] == nil {
			t.Errorf("it refers to %s", ref[1])
			continue
		}
		used[parts[3]] = true
	}
	for name := range doc.Components.Schemas {
		if !used[name] {
			t.Errorf("nothing refers to %s", name)
		}
	}
}

// What is asked for by generated clients has a name of its own.
func TestEveryOperationHasAnId(t *testing.T) {
	ids := map[string]bool{}
	for path, methods := range documented(t).Paths {
		for method, of := range methods {
			if of.OperationID == "" || ids[of.OperationID] || len(of.Responses) < 2 {
				t.Errorf("%s %s has the id %q and %d answers", method, path, of.OperationID, len(of.Responses))
			}
			ids[of.OperationID] = true
		}
	}
}
