package pipeline_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// arrows say which packages of the pipeline each of them may import. All of them may import schemas.
var arrows = map[string][]string{
	"format":    {},
	"cache":     {"format"},
	"field":     {"format"},
	"train":     {},
	"model":     {"format"},
	"selection": {"model"},
	"learn":     {"cache", "field", "format", "model", "selection", "train"},
	"shard":     {"cache", "model"},
	"route":     {},
	"control":   {"cache", "learn", "model", "route", "selection"},
	"oracle":    {"model"}, // it judges the others, so it shares nothing with them but the words of a model
	"testkit":   {"route"}, // imported by tests only, so it may know the doors to Kafka
}

// homes are the only packages that may import a heavy library. Tests may bring their own servers.
var homes = map[string][]string{
	"github.com/segmentio/kafka-go":          {"schemas/broker", "consumers", "producers", "pipeline/testkit"},
	"github.com/segmentio/kafka-go/compress": {"schemas/wire"},
	"github.com/redis/go-redis":              {"pipeline/cache"},
	"github.com/sjwhitworth/golearn":         {"pipeline/train"},
	"github.com/twmb/franz-go":               {"cmd/internal/embedded", "pipeline/testkit"},
	"github.com/twmb/franz-go/pkg/kversion":  {"cmd/internal/doctor", "pipeline/testkit"},
	"github.com/twmb/franz-go/pkg/kmsg":      {"schemas/broker", "pipeline/testkit"},
	"github.com/alicebob/miniredis":          {"cmd/internal/embedded"},
	"github.com/prometheus/client_golang":    {"cmd/internal/console"},
	"github.com/spf13/cobra":                 {"cmd/kindred"},
	"github.com/vbauerster/mpb":              {"cmd/internal/terminal"},
	"github.com/mattn/go-runewidth":          {"cmd/internal/terminal"},
	"github.com/parquet-go/parquet-go":       {"cmd/internal/table"},
	"github.com/santhosh-tekuri/jsonschema":  {},
}

// source is a package of the project: its imports outside tests, and whether it says what it is.
type source struct {
	dir        string
	imports    []string
	documented bool
}

func TestWhoMayImportWhom(t *testing.T) {
	for _, s := range sources(t) {
		for _, imported := range s.imports {
			if inside, ours := strings.CutPrefix(imported, "kindred/"); ours {
				if !mayImport(s.dir, inside) {
					t.Errorf("%s must not import %s", s.dir, inside)
				}
			} else if library, allowed := home(imported); library != "" && !slices.Contains(allowed, s.dir) {
				t.Errorf("%s must not import %s, whose home is %v", s.dir, imported, allowed)
			}
		}
	}
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	for _, s := range sources(t) {
		if !s.documented {
			t.Errorf("%s has no package comment", s.dir)
		}
	}
}

// Whoever is warned is told what to do.
func TestEveryWarningHasAWayOut(t *testing.T) {
	named := func(e ast.Expr) bool {
		if list, is := e.(*ast.ArrayType); is {
			e = list.Elt
		}
		if of, is := e.(*ast.SelectorExpr); is {
			e = of.Sel
		}
		name, is := e.(*ast.Ident)
		return is && name.Name == "Warning"
	}
	found := 0
	check := func(file string, literal *ast.CompositeLit) {
		message, hint := false, false
		for _, element := range literal.Elts {
			switch e := element.(type) {
			case *ast.CompositeLit:
				return // of a list
			case *ast.KeyValueExpr:
				key, _ := e.Key.(*ast.Ident)
				message, hint = message || key.Name == "Message", hint || key.Name == "Hint"
			}
		}
		if found++; message && !hint {
			t.Errorf("%s: a warning without a hint", file)
		}
	}
	files := token.NewFileSet()
	err := filepath.WalkDir("..", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return err
		}
		parsed, err := parser.ParseFile(files, file, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if literal, is := n.(*ast.CompositeLit); is && literal.Type != nil && named(literal.Type) {
				check(files.Position(literal.Pos()).String(), literal)
				for _, element := range literal.Elts {
					if inner, is := element.(*ast.CompositeLit); is {
						check(files.Position(inner.Pos()).String(), inner)
					}
				}
			}
			return true
		})
		return nil
	})
	if err != nil || found < 15 {
		t.Errorf("%d warnings were looked at: %v", found, err)
	}
}

func mayImport(from, to string) bool {
	top, stage, _ := strings.Cut(from, "/")
	switch {
	case to == "pipeline/testkit":
		return false
	case top == "cmd", from == "pipeline/testkit" && !strings.HasPrefix(to, "pipeline/"):
		return true // where all parts meet
	case from == "schemas/wire" || from == "schemas/retry":
		return false
	case from == "schemas/broker":
		return to == "schemas/retry" || to == "schemas/wire"
	case to == "schemas/broker":
		return top == "consumers" || top == "producers"
	case to == "schemas/wire", to == "schemas/retry", to == "schemas" && top != "schemas":
		return true
	case top == "pipeline":
		return slices.Contains(arrows[stage], strings.TrimPrefix(to, "pipeline/"))
	}
	return false
}

// home finds the longest library path that an import lies in.
func home(imported string) (library string, allowed []string) {
	for l, dirs := range homes {
		if (imported == l || strings.HasPrefix(imported, l+"/")) && len(l) > len(library) {
			library, allowed = l, dirs
		}
	}
	return library, allowed
}

func sources(t *testing.T) []*source {
	t.Helper()
	root := ".."
	found := map[string]*source{}
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() && strings.HasPrefix(entry.Name(), ".") && file != root {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		dir := path.Clean(strings.TrimPrefix(filepath.ToSlash(filepath.Dir(file)), root+"/"))
		if found[dir] == nil {
			found[dir] = &source{dir: dir}
		}
		s := found[dir]
		s.documented = s.documented || parsed.Doc != nil
		for _, i := range parsed.Imports {
			name, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			s.imports = append(s.imports, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	all := make([]*source, 0, len(found))
	for _, s := range found {
		all = append(all, s)
	}
	return all
}
