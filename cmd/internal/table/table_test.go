package table_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"kindred/cmd/internal/table"
	"kindred/schemas"
)

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file.csv")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// rows reads a table and writes every row as "id name=value ...", numbers bare and strings in quotes.
func rows(t *testing.T, tab table.Table, text string) ([]string, error) {
	t.Helper()
	tab.Path = file(t, text)
	if err := tab.Look(); err != nil {
		return nil, err
	}
	var got []string
	err := tab.Each(func(id string, fields []schemas.FieldValue) error {
		line := id
		for _, f := range fields {
			if f.Kind == schemas.Number {
				line += fmt.Sprintf(" %s=%v", f.Name, f.Number)
			} else {
				line += fmt.Sprintf(" %s=%q", f.Name, f.Text)
			}
		}
		got = append(got, line)
		return nil
	})
	if err == nil && int64(len(got)) != tab.Rows {
		t.Errorf("Rows is %d, got %d", tab.Rows, len(got))
	}
	return got, err
}

func TestRowsBecomeProfiles(t *testing.T) {
	check := func(what string, tab table.Table, text string, want ...string) {
		t.Helper()
		got, err := rows(t, tab, text)
		if err != nil {
			t.Errorf("%s: %v", what, err)
		} else if !slices.Equal(got, want) {
			t.Errorf("%s: got\n%q\nwant\n%q", what, got, want)
		}
	}
	check("a column of numbers is numbers", table.Table{ID: "id"},
		"id,age,zip\na,41,0150\nb,7.5,1234\n", `a age=41 zip="0150"`, `b age=7.5 zip="1234"`)
	check("an empty cell is no field, and no reason against numbers", table.Table{ID: "id"},
		"id,age,city\na,,\nb,3,Oslo\n", `a`, `b age=3 city="Oslo"`)
	check("without an id column rows are numbered", table.Table{}, "city\nOslo\nBergen\n", `1 city="Oslo"`, `2 city="Bergen"`)
	check("another delimiter", table.Table{ID: "id", Delimiter: ';'}, "id;a\nx;1,5\n", `x a="1,5"`)
	check("skipped columns", table.Table{ID: "id", Skip: []string{"b"}}, "id,a,b\nx,1,2\n", `x a=1`)
	check("quotes, a mark, CRLF and the last line without an end", table.Table{ID: "id"},
		"\ufeffid,a\r\nx,\"1 \"\"q\"\",\n2\"\r\ny,z", `x a="1 \"q\",\n2"`, `y a="z"`)
	check("no rows", table.Table{ID: "id"}, "id,a\n")
}

func TestWhatIsWrongIsNamedByLine(t *testing.T) {
	refused := func(want string, tab table.Table, text string) {
		t.Helper()
		if _, err := rows(t, tab, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want one that says %q", err, want)
		}
	}
	refused("empty", table.Table{}, "")
	refused("line 3 has more or fewer cells", table.Table{}, "a,b\n1,2\n3\n")
	refused("line 2", table.Table{}, "a\n\"x\"y\n")
	refused("line 2: column 2 is not UTF-8", table.Table{}, "a,b\nx,\xff\n")
	refused("two columns", table.Table{}, "a,a\n")
	refused("column 2 has no name", table.Table{}, "a,\n")
	refused("line 3: a customer id", table.Table{ID: "id"}, "id,a\nx,1\n,2\n")

	_, err := rows(t, table.Table{ID: "key"}, "id,a\n")
	var missing *table.NoColumn
	if !errors.As(err, &missing) || missing.Name != "key" || !slices.Equal(missing.Have, []string{"id", "a"}) {
		t.Errorf("got %v, want a NoColumn that names the column and those that are there", err)
	}
}

// A cell is a number exactly when encoding/json takes it for one; a row shows it.
func TestNumbersAreJSONNumbers(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		cell := rapid.OneOf(
			rapid.StringMatching(`-?[0-9]{0,3}(\.[0-9]{0,3})?([eE][-+]?[0-9]{0,4})?`),
			rapid.SampledFrom([]string{"NaN", "Inf", "0x1", "1_000", "+1", " 1", "1e999", "-0"}),
		).Filter(func(s string) bool { return s != "" }).Draw(r, "cell")
		var want float64
		numeric := json.Unmarshal([]byte(cell), &want) == nil && strings.TrimSpace(cell) == cell
		tab := table.Table{ID: "id", Path: file(t, "id,a\nx,"+cell+"\n")}
		if err := tab.Look(); err != nil {
			r.Fatal(err)
		}
		if tab.Columns[0].Numeric != numeric {
			r.Errorf("%q: numeric is %v, want %v", cell, tab.Columns[0].Numeric, numeric)
		}
	})
}

func TestAListOfIDs(t *testing.T) {
	ids, err := table.IDs(file(t, "\ufeffb\r\na\n\nb\nc c"))
	if err != nil || !slices.Equal(ids, []string{"b", "a", "c c"}) {
		t.Errorf("got %q, %v", ids, err)
	}
	if _, err := table.IDs(file(t, "a\nb\x01\n")); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("got %v, want an error in line 2", err)
	}
}
