package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// TestEveryFlagIsTriedInAScript: whatever a help text offers has been typed once, against something that answers or refuses. Only
// bench, which measures for minutes, has tests of its own.
func TestEveryFlagIsTriedInAScript(t *testing.T) {
	scripts, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("there are no scripts: %v", err)
	}
	tried := map[string]bool{} // "kindred expand --share"
	root := new(program).root()
	for _, path := range scripts {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		script, _, _ := strings.Cut(string(text), "\n-- ") // the first file
		for line := range strings.Lines(script) {
			words := strings.Fields(line)
			at := slices.Index(words, "kindred")
			if at < 0 {
				continue
			}
			command, rest, err := root.Find(words[at+1:])
			if err != nil {
				continue
			}
			for _, word := range rest {
				name, _, _ := strings.Cut(word, "=")
				tried[command.CommandPath()+" "+name] = true
			}
		}
	}
	walk(root, func(c *cobra.Command) {
		if strings.HasPrefix(c.CommandPath(), "kindred bench") {
			return
		}
		c.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
			if !tried[c.CommandPath()+" --"+f.Name] && f.Name != "help" {
				t.Errorf("no script tries %s --%s", c.CommandPath(), f.Name)
			}
		})
	})
}
