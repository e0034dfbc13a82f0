package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mattn/go-runewidth"
	"github.com/spf13/cobra"

	"kindred/cmd/internal/terminal"
)

// helpOf returns the help of a command on a terminal of so many columns; 0: on none.
func helpOf(t *testing.T, columns int, command []string) string {
	t.Helper()
	var out strings.Builder
	screen := terminal.Screen{W: &out, Width: columns}
	if code := (&program{out: screen, aside: screen}).run(t.Context(), append(command, "--help")); code != done {
		t.Fatalf("%q --help ends with %d", command, code)
	}
	return out.String()
}

func TestHelpIsNoWiderThanTheTerminal(t *testing.T) {
	var paths [][]string
	walk(new(program).root(), func(c *cobra.Command) { paths = append(paths, strings.Fields(c.CommandPath())[1:]) })
	if len(paths) < 30 {
		t.Fatalf("only %d commands", len(paths))
	}
	for _, path := range paths {
		words := map[int]string{}
		for columns, most := range map[int]int{0: 80, 80: 80, 100: 100, 200: 100} {
			text := helpOf(t, columns, path)
			for line := range strings.Lines(text) {
				if wide := runewidth.StringWidth(strings.TrimRight(line, "\n")); wide > most {
					t.Errorf("%q --help is %d wide on a terminal of %d:\n%s", path, wide, columns, line)
				}
			}
			words[columns] = strings.Join(strings.Fields(text), " ")
		}
		if words[0] != words[100] || words[0] == "" {
			t.Errorf("%q --help says something else on another terminal", path)
		}
	}
}

// An example is copied: none is broken.
func TestNoExampleIsFolded(t *testing.T) {
	walk(new(program).root(), func(c *cobra.Command) {
		for line := range strings.Lines(c.Example) {
			if len(strings.TrimRight(line, "\n")) > 80 {
				t.Errorf("%s: an example is too wide: %s", c.CommandPath(), line)
			}
		}
	})
}

func TestManPagesSayWhatHelpSays(t *testing.T) {
	dir := t.TempDir()
	var out strings.Builder
	screen := terminal.Screen{W: &out}
	if code := (&program{out: screen, aside: screen}).run(t.Context(), []string{"man", dir}); code != done {
		t.Fatalf("it ends with %d: %s", code, out.String())
	}
	pages := 0
	walk(new(program).root(), func(c *cobra.Command) {
		if c.Hidden || c.HasParent() && !c.IsAvailableCommand() {
			return
		}
		pages++
		page, err := os.ReadFile(filepath.Join(dir, manName(c)+".1"))
		if err != nil {
			t.Error(err)
			return
		}
		for _, flag := range strings.Fields(c.NonInheritedFlags().FlagUsages()) {
			if name, is := strings.CutPrefix(flag, "--"); is && !strings.Contains(string(page), `\-\-`+strings.ReplaceAll(strings.TrimRight(name, ",.;:"), "-", `\-`)) {
				t.Errorf("%s does not say %s", manName(c), flag)
			}
		}
		for _, section := range []string{".TH ", ".SH NAME", ".SH SYNOPSIS", ".SH DESCRIPTION", ".SH SEE ALSO"} {
			if !strings.Contains(string(page), section) {
				t.Errorf("%s has no %s", manName(c), section)
			}
		}
	})
	files, err := filepath.Glob(filepath.Join(dir, "*.1"))
	if err != nil || len(files) < pages || pages < 30 {
		t.Errorf("%d files for %d commands: %v", len(files), pages, err)
	}
	if groff, err := exec.LookPath("groff"); err == nil {
		for _, file := range files {
			if said, err := exec.Command(groff, "-man", "-ww", "-z", "-Tutf8", file).CombinedOutput(); err != nil || len(said) > 0 {
				t.Errorf("groff says of %s: %v %s", filepath.Base(file), err, said)
			}
		}
	}
}

// completed returns what a shell is offered, and whether something else was said.
func (w *world) completed(words ...string) (offered []string) {
	w.Helper()
	return w.completedAt(w.kafkaAddr, words...)
}

func (w *world) completedAt(kafka string, words ...string) (offered []string) {
	w.Helper()
	var out, aside strings.Builder
	arguments := append([]string{"__complete", "--kafka", kafka, "--prefix", w.settings.Prefix}, words...)
	code := (&program{out: terminal.Screen{W: &out}, aside: terminal.Screen{W: &aside}}).run(w.Ctx, arguments)
	if said := strings.TrimSpace(aside.String()); code != done || strings.Contains(said, "\n") {
		w.Errorf("completing %q ends with %d and says %s", words, code, said)
	}
	for line := range strings.Lines(out.String()) {
		if !strings.HasPrefix(line, ":") { // what the shell shall do
			id, _, _ := strings.Cut(strings.TrimRight(line, "\n"), "\t")
			offered = append(offered, id)
		}
	}
	return offered
}

func TestIDsAreCompleted(t *testing.T) {
	t.Parallel()
	w, _ := apart(t)
	w.serve()
	w.bring(0, crowd)
	w.segment("vip", `"name":"VIPs","added":%s`, vips(0, crowd))
	w.segment("staff", `"added":["c-1"]`)
	w.successful("more", `"action":"expand","sourceSegmentId":"vip"`)
	w.successful("gone", `"action":"expand","sourceSegmentId":"vip"`)
	w.successful("gone", `"action":"delete"`)
	for _, c := range []struct {
		words string
		want  []string
	}{
		{"show ", []string{"more"}}, {"export ", []string{"more"}}, {"delete ", []string{"more"}}, {"compare more ", []string{"more"}},
		{"expand ", []string{"more", "staff", "vip"}}, {"fields ", []string{"more", "staff", "vip"}}, {"show more ", nil},
		{"expand vip --suppress ", []string{"more", "staff", "vip"}}, {"load segment x --segment ", []string{"staff", "vip"}},
		{"export more --format ", []string{"csv", "jsonl", "parquet"}},
	} {
		if got := w.completed(strings.Split(c.words, " ")...); !slices.Equal(got, c.want) {
			t.Errorf("after %q: %q, want %q", c.words, got, c.want)
		}
	}
	if got := w.completedAt("127.0.0.1:1", "show", ""); got != nil {
		t.Errorf("without a Kafka: %q", got)
	}
}
