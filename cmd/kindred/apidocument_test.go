package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// apiDocument is the OpenAPI document of a server, to compare answers with.
type apiDocument struct {
	doc      map[string]any
	compiler *jsonschema.Compiler
	paths    map[string]*regexp.Regexp
}

const documentURL = "file:///openapi.json"

var inPath = regexp.MustCompile(`\\\{[A-Za-z]+\\\}`)

func newDocument(w *world, text string) *apiDocument {
	w.Helper()
	d := &apiDocument{compiler: jsonschema.NewCompiler(), paths: map[string]*regexp.Regexp{}}
	parsed, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	w.OK(err)
	d.doc = parsed.(map[string]any)
	d.compiler.AssertFormat()
	w.OK(d.compiler.AddResource(documentURL, parsed))
	for path := range d.doc["paths"].(map[string]any) {
		d.paths[path] = regexp.MustCompile("^" + inPath.ReplaceAllString(regexp.QuoteMeta(path), "[^/]+") + "$")
	}
	return d
}

// check says what of an answer is not as the document says; empty: nothing.
func (d *apiDocument) check(r *http.Request, answer *http.Response, body []byte) string {
	if d == nil {
		return ""
	}
	for path, is := range d.paths {
		operation := d.at("paths", path, strings.ToLower(r.Method))
		if !is.MatchString(r.URL.EscapedPath()) || operation == nil {
			continue
		}
		at := []string{"paths", path, strings.ToLower(r.Method), "responses", strconv.Itoa(answer.StatusCode)}
		response, _ := d.at(at...).(map[string]any)
		if ref, refers := response["$ref"].(string); refers {
			at = strings.Split(strings.TrimPrefix(ref, "#/"), "/")
			response, _ = d.at(at...).(map[string]any)
		}
		kind, _, _ := strings.Cut(answer.Header.Get("Content-Type"), ";")
		content, _ := response["content"].(map[string]any)
		switch {
		case response == nil:
			return fmt.Sprintf("the status %d", answer.StatusCode)
		case content == nil && len(body) == 0:
			return ""
		case content[kind] == nil:
			return fmt.Sprintf("the content %q", kind)
		case !strings.HasSuffix(kind, "json"):
			return ""
		}
		return d.validate(append(at, "content", kind, "schema"), body)
	}
	if answer.StatusCode >= 400 && answer.Header.Get("Content-Type") == "application/problem+json" {
		return d.validate([]string{"components", "schemas", "Problem"}, body)
	}
	return ""
}

// at returns what stands at a place of the document; nil: nothing does.
func (d *apiDocument) at(names ...string) (found any) {
	found = d.doc
	for _, name := range names {
		of, _ := found.(map[string]any)
		found = of[name]
	}
	return found
}

func (d *apiDocument) validate(at []string, body []byte) string {
	escape := strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D", "+", "%2B")
	pointer := ""
	for _, name := range at {
		pointer += "/" + escape.Replace(name)
	}
	schema, err := d.compiler.Compile(documentURL + "#" + pointer)
	if err != nil {
		return err.Error()
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	var value any
	if err := decoder.Decode(&value); err != nil {
		return err.Error()
	}
	if err := schema.Validate(value); err != nil {
		return err.Error()
	}
	return ""
}
