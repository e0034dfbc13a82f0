package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// module is the root of the repository.
const module = "../.."

// TestWhatIsNamedExists reads every text that people find commands and flags in: help, hints, error texts, documents and
// the files that start containers. Each command named must exist, and have the flags that stand on its line.
func TestWhatIsNamedExists(t *testing.T) {
	line := newCommandLine()
	check := func(where, text string, of *cobra.Command) {
		t.Helper()
		for _, wrong := range line.missing(text, of) {
			t.Errorf("%s: %s\n\t%s", where, wrong, text)
		}
	}
	walk(line.root, func(c *cobra.Command) {
		of := c
		if !c.HasParent() {
			of = nil // it speaks of all
		}
		for _, text := range append(usages(c), c.Short, c.Long, c.Example) {
			check("help of "+c.CommandPath(), text, of)
		}
	})
	for where, text := range textsInGo(t) {
		check(where, text, nil)
	}
	for path, text := range files(t, ".md") {
		for _, code := range line.code(text) {
			check(path, code, nil)
		}
	}
	for _, ending := range []string{".yaml", ".json"} {
		for path, text := range files(t, ending) {
			check(path, text, nil)
		}
	}
	for _, script := range []string{"docs/measure", "docs/side-by-side/compare"} {
		check(script, commandsIn(t, script, regexp.MustCompile(`"\$kindred" (.*)`)), nil)
	}
	check("Dockerfile", commandsIn(t, "Dockerfile", regexp.MustCompile(`(?m)^CMD \[(.*)\]`)), nil)
	check("docker-compose.yml", commandsIn(t, "docker-compose.yml", regexp.MustCompile(`(?s)\n  kindred:\n.*?command: \[(.*?)\]`)), nil)
}

// TestWhatDoesNotExistIsFound shows the test above what it must not let pass.
func TestWhatDoesNotExistIsFound(t *testing.T) {
	line := newCommandLine()
	members, _, err := line.root.Find([]string{"members"})
	if err != nil {
		t.Fatal(err)
	}
	check := func(text string, of *cobra.Command, want ...string) {
		t.Helper()
		if got := line.missing(text, of); !slices.Equal(got, want) {
			t.Errorf("%s: found %q, want %q", text, got, want)
		}
	}
	check("kindred expands segments; kindred itself does not", nil)
	check("wait (kindred show vip, /readyz), or lower --min-source", nil)
	check("wait until profiles have arrived (kindred nurse), or lower --min-source", nil, "there is no command kindred nurse")
	check("kindred load rows FILE", nil, "there is no command kindred load rows")
	check("kindred load segment FILE --limit x", nil, "kindred load segment has no flag --limit")
	check("./kindred expand vip --limit 3", nil, "kindred expand has no flag --limit")
	check("go run ./cmd/kindred demo --one", nil, "kindred demo has no flag --one")
	check("with --share or with --speed", nil, "no command has a flag --speed")
	check("with --limit or with --share", members, "kindred members has no flag --share")
	check("members ID --json", members)
	check("kindred bench live --rate 3 and kindred bench growth --svg x", nil)

	code := line.code("Take `kindred list`, `docker compose up --build` or\n`serve\n--changes`, but not kindred fly:\n\n    kcat -b x --o\n    ./kindred lst # why\n")
	if want := []string{"kindred list", "kindred serve --changes", "./kindred lst"}; !slices.Equal(slices.Sorted(slices.Values(code)), slices.Sorted(slices.Values(want))) {
		t.Errorf("the commands of kindred in the document are %q", code)
	}
}

// A flag that a request carries and no run obeys is none.
func TestNoFlagIsWithoutEffect(t *testing.T) {
	walk(newCommandLine().root, func(c *cobra.Command) {
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if strings.Contains(f.Usage, "no effect yet") || strings.Contains(f.Usage, "not there yet") {
				t.Errorf("%s --%s: %s", c.Name(), f.Name, f.Usage)
			}
		})
	})
}

// commandLine is every command and flag that there is.
type commandLine struct {
	root  *cobra.Command
	flags map[string]bool // of all commands
}

func newCommandLine() *commandLine {
	l := &commandLine{root: new(program).root(), flags: map[string]bool{}}
	l.root.InitDefaultHelpCmd()
	l.root.InitDefaultCompletionCmd()
	walk(l.root, func(c *cobra.Command) {
		c.InitDefaultHelpFlag()
		c.LocalFlags().VisitAll(func(f *pflag.Flag) { l.flags[f.Name] = true })
	})
	return l
}

// usages are the help texts of a command's flags.
func usages(c *cobra.Command) (texts []string) {
	c.LocalFlags().VisitAll(func(f *pflag.Flag) { texts = append(texts, f.Usage) })
	return texts
}

// prose are the words that may follow the name of the program where it is no command.
var prose = []string{"expands", "for", "is", "itself"}

var (
	programName = regexp.MustCompile(`^(\./|\./cmd/)?kindred$`)
	plainWord   = regexp.MustCompile(`^[a-z][a-z-]*$`)
	flagName    = regexp.MustCompile(`(?:^|[^a-zA-Z0-9-])--([a-z][a-z0-9-]*)`)
	codeSpan    = regexp.MustCompile("`([^`]+)`")
)

const (
	opening     = "([\"'`"
	closing     = ")]\"'`,;:.?!"
	endsCommand = "),;:.?!" // after a word: what follows is no longer on its command line
)

// missing returns what a text names and is not there. A flag belongs to the command on whose line it stands; elsewhere it
// must be a flag of the given command or, without one, of any.
func (l *commandLine) missing(text string, of *cobra.Command) (wrong []string) {
	for line := range strings.Lines(text) {
		var on *cobra.Command // whose command line this is; nil: nobody's
		named := false        // all words of the command have been read
		for _, token := range strings.Fields(line) {
			word := strings.TrimRight(strings.TrimLeft(token, opening), closing)
			switch {
			case programName.MatchString(word):
				on, named = l.root, false
			case on != nil && !named && plainWord.MatchString(word):
				if sub := child(on, word); sub != nil {
					on = sub
				} else if named = true; on == l.root && slices.Contains(prose, word) {
					on = nil
				} else if on.HasSubCommands() && on.Use == on.Name() {
					wrong = append(wrong, fmt.Sprintf("there is no command %s %s", on.CommandPath(), word))
				}
			default:
				named = true
			}
			for _, flag := range flagName.FindAllStringSubmatch(token, -1) {
				wrong = append(wrong, l.missingFlag(flag[1], on, of)...)
			}
			if strings.ContainsRune(endsCommand, rune(token[len(token)-1])) {
				on = nil
			}
		}
	}
	return wrong
}

// missingFlag judges one flag: where it stands on no command line, on is nil.
func (l *commandLine) missingFlag(name string, on, of *cobra.Command) []string {
	if on == nil {
		on = of
	}
	switch {
	case on == nil && !l.flags[name]:
		return []string{"no command has a flag --" + name}
	case on != nil && on.Flags().Lookup(name) == nil && on.PersistentFlags().Lookup(name) == nil && on.InheritedFlags().Lookup(name) == nil:
		return []string{fmt.Sprintf("%s has no flag --%s", on.CommandPath(), name)}
	}
	return nil
}

func child(of *cobra.Command, name string) *cobra.Command {
	for _, sub := range of.Commands() {
		if sub.Name() == name {
			return sub
		}
	}
	return nil
}

// code returns what a Markdown text has as code and is of kindred: command lines, and flags alone. "bench growth" stands for
// "kindred bench growth". Command lines of other programs are left out, with their flags.
func (l *commandLine) code(markdown string) (all []string) {
	var running strings.Builder
	fenced := false
	take := func(code string) {
		code, _, _ = strings.Cut(code, " #")
		words := strings.Fields(code)
		for len(words) > 0 && strings.Contains(words[0], "=") && !strings.HasPrefix(words[0], "-") { // a variable
			words = words[1:]
		}
		switch {
		case len(words) == 0:
		case programName.MatchString(words[0]), strings.HasPrefix(words[0], "--"), len(words) > 2 && programName.MatchString(words[2]) && words[1] == "run":
			all = append(all, strings.Join(words, " "))
		case child(l.root, words[0]) != nil:
			all = append(all, "kindred "+strings.Join(words, " "))
		}
	}
	for line := range strings.Lines(markdown) {
		switch {
		case strings.HasPrefix(strings.TrimSpace(line), "```"):
			fenced = !fenced
		case fenced || strings.HasPrefix(line, "    ") || strings.HasPrefix(line, "\t"):
			take(strings.TrimSpace(line))
		default:
			running.WriteString(line)
		}
	}
	for _, span := range codeSpan.FindAllStringSubmatch(running.String(), -1) {
		take(span[1])
	}
	return all
}

// files returns the text of every file of the module whose name ends so, by path.
func files(t *testing.T, ending string) map[string]string {
	t.Helper()
	texts := map[string]string{}
	err := filepath.WalkDir(module, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && path != module && strings.HasPrefix(entry.Name(), ".") {
			return filepath.SkipDir
		}
		if entry.IsDir() || !strings.HasSuffix(path, ending) {
			return nil
		}
		text, err := os.ReadFile(path)
		texts[strings.TrimPrefix(filepath.ToSlash(path), module+"/")] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

// textsInGo returns the strings of all Go files but tests, by file and line. Strings that are added up are one; what is no
// literal among them stands as "?".
func textsInGo(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	for path, source := range files(t, ".go") {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		positions := token.NewFileSet()
		file, err := parser.ParseFile(positions, path, source, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		var visit func(ast.Node) bool
		var text func(ast.Expr) string
		text = func(e ast.Expr) string {
			switch e := e.(type) {
			case *ast.BinaryExpr:
				if e.Op == token.ADD {
					return text(e.X) + text(e.Y)
				}
			case *ast.BasicLit:
				value, _ := strconv.Unquote(e.Value) // empty: a number
				return value
			}
			ast.Inspect(e, visit)
			return "?"
		}
		visit = func(node ast.Node) bool {
			switch node := node.(type) {
			case *ast.ImportSpec:
				return false
			case *ast.BinaryExpr:
				if node.Op != token.ADD {
					return true
				}
			case *ast.BasicLit:
			default:
				return true
			}
			at := positions.Position(node.Pos())
			texts[fmt.Sprintf("%s:%d:%d", path, at.Line, at.Column)] = text(node.(ast.Expr))
			return false
		}
		ast.Inspect(file, visit)
	}
	if len(texts) < 1000 {
		t.Fatalf("only %d strings were found", len(texts))
	}
	return texts
}

// commandsIn returns what a pattern finds in a file, its first group, as command lines of kindred.
func commandsIn(t *testing.T, path string, pattern *regexp.Regexp) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(module, path))
	if err != nil {
		t.Fatal(err)
	}
	found := pattern.FindAllStringSubmatch(string(text), -1)
	if found == nil {
		t.Fatalf("%s does not run kindred", path)
	}
	var lines strings.Builder
	for _, match := range found {
		lines.WriteString("kindred " + strings.ReplaceAll(strings.ReplaceAll(match[1], `",`, " "), `"`, "") + "\n")
	}
	return lines.String()
}
