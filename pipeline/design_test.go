package pipeline_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// These documents prove what they say by naming tests: each of them must be there.
func TestDesignNamesTestsThatExist(t *testing.T) {
	there := declaredTests(t)
	for _, path := range []string{"DESIGN.md", "../docs/reliability.md"} {
		document, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		named := regexp.MustCompile(`\bTest[A-Z]\w+`).FindAllString(string(document), -1)
		if len(named) == 0 {
			t.Errorf("%s names no test", path)
		}
		for _, name := range named {
			if !there[name] {
				t.Errorf("%s names %s, which does not exist", path, name)
			}
		}
	}
}

// Every row of reliability.md ends with the test that shows it.
func TestEveryRowOfReliabilityNamesItsTest(t *testing.T) {
	document, err := os.ReadFile("../docs/reliability.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for line := range strings.Lines(string(document)) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) < 2 || cells[0] != "" || strings.HasPrefix(line, "| fault |") || strings.HasPrefix(line, "|---") {
			continue
		}
		rows++
		if len(cells) != 6 || !strings.HasPrefix(strings.TrimSpace(cells[4]), "Test") {
			t.Errorf("not a fault, its injection, what happens and a test: %s", line)
		}
	}
	if rows == 0 {
		t.Error("there are no rows")
	}
}

// declaredTests are the tests of all packages, by name.
func declaredTests(t *testing.T) map[string]bool {
	t.Helper()
	declared := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	there := map[string]bool{}
	err := filepath.WalkDir("..", func(file string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(file, "_test.go") {
			return err
		}
		source, err := os.ReadFile(file)
		for _, match := range declared.FindAllSubmatch(source, -1) {
			there[string(match[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return there
}
