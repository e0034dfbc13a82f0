package main

import (
	"strings"
	"testing"

	"kindred/cmd/internal/terminal"
)

// TestWhatTheLawMayAskIsSaid: before, after and beside the first expansion.
func TestWhatTheLawMayAskIsSaid(t *testing.T) {
	asks := []string{"by automated means", "13 and 14", "article 21", `"profiling": false`, "article 22", "legal"}
	var help, nothing strings.Builder
	p := &program{out: terminal.Screen{W: &help}, aside: terminal.Screen{W: &nothing}}
	if code := p.run(t.Context(), []string{"expand", "--help"}); code != done {
		t.Fatalf("ended with %d", code)
	}
	for where, text := range map[string]string{"kindred expand --help": help.String(), "README.md": document(t, "README.md")} {
		for _, ask := range asks {
			if !strings.Contains(text, ask) {
				t.Errorf("%s does not say %q", where, ask)
			}
		}
	}
	w, _ := apart(t)
	for _, columns := range []int{0, 80} {
		said := w.kindredOn(columns, done, "expand", "vip")
		if got := strings.Contains(said, "profiled by automated means"); got != (columns > 0) {
			t.Errorf("on a terminal of %d columns expand says:\n%s", columns, said)
		}
	}
}
