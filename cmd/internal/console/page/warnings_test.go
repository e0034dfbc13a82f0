package page_test

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"kindred/schemas"
)

// A run says the way out for everybody who reads its record, mostly by commands. Pages say it in words of their own.
func TestNoPageNamesAFlag(t *testing.T) {
	codes := append(codesIn(t, `Code\w+ += "(\w+)"`, "../../../../schemas/runerror.go"),
		codesIn(t, `(?:Code: +|warn\(|code\w+ += )"(\w+)"`, "../../../../pipeline/learn/*.go", "../../../../pipeline/field/warnings.go")...)
	if len(codes) < 35 {
		t.Fatalf("only these codes were found: %v", codes)
	}
	if testing.Short() {
		codes = codes[:5] // nothing of it runs side by side
	}
	flag := regexp.MustCompile(`--[a-z]`)
	for _, code := range codes {
		const hint = "lower it (--floor), or kindred edit vip-expansion --share 0.1"
		w := typical()
		w.drift.Warning = &schemas.Warning{Code: code, Message: "something has moved", Hint: hint}
		e := &w.expansions[0]
		e.LastRun = &schemas.LastRun{RunID: "r-2", Cause: schemas.CauseRefresh, Status: schemas.Failed, EndedAt: moment,
			Error: &schemas.RunError{Code: code, Message: "it cannot be", Hint: hint}}
		e.Report.Warnings = []schemas.Warning{{Code: code, Message: "something is strange", Hint: hint}}
		for i := range w.runs {
			if w.runs[i].RunID == "r-2" {
				w.runs[i].Error = e.LastRun.Error
			}
		}
		h := w.site().Handler()
		ways := 0
		for _, at := range []string{"/", "/expansion?id=vip-expansion", "/run?id=vip-expansion&run=r-1", "/run?id=vip-expansion&run=r-2", "/runs", "/drift?id=vip-expansion"} {
			v := get(t, h, at)
			ways += strings.Count(v.text, "Try: ")
			for _, e := range v.elements {
				if e.name != "code" && flag.MatchString(e.text) || strings.Contains(v.text, hint) {
					t.Fatalf("%s: %s says %q", code, at, e.text)
				}
			}
			for _, link := range v.links {
				if strings.HasPrefix(link, "/") && get(t, h, link).status >= http.StatusInternalServerError {
					t.Errorf("%s: %s leads to %s", code, at, link)
				}
			}
		}
		if ways == 0 && !slices.Contains(mendedUpstream, code) {
			t.Errorf("%s: no page tells the way out", code)
		}
	}
}

// mendedUpstream are the codes of warnings whose hints name no command: what to do is to be done where the data comes from.
var mendedUpstream = []string{"json_keys", "large_source", "long_name", "nested", "small_source", "source_without_profile", "too_many_fields", "unknown_property"}

// codesIn returns what stands in the parentheses of a pattern, wherever it is found in files.
func codesIn(t *testing.T, pattern string, files ...string) (codes []string) {
	t.Helper()
	for _, glob := range files {
		names, _ := filepath.Glob(glob)
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, found := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(text), -1) {
				codes = append(codes, found[1])
			}
		}
	}
	return codes
}
