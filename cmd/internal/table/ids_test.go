package table_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"kindred/cmd/internal/table"
)

func TestAListOfIDs(t *testing.T) {
	check := func(what string, list table.List, text, codes string, want ...string) {
		t.Helper()
		list.Input = file(t, text)
		if err := list.Read(); err != nil || !slices.Equal(list.IDs, want) {
			t.Errorf("%s: got %q, %v", what, list.IDs, err)
		}
		var found []string
		for _, f := range list.Findings {
			found = append(found, f.Code)
		}
		if strings.Join(found, " ") != codes {
			t.Errorf("%s: found %v, want %s", what, list.Findings, codes)
		}
	}
	check("as they stand", table.List{}, "\ufeffb\r\na\n\nb\nc c", "", "b", "a", "c c")
	check("blanks and quotes", table.List{}, "a \n\"b\"\n \nc\u00a0\n", "id_blanks id_quotes", "a", "b", "c")
	check("an old Mac", table.List{}, "a\rb\r", "", "a", "b")
	check("gzip", table.List{}, gzipped("a\nb\n"), "", "a", "b")
	check("nobody", table.List{}, "\n", "")
	check("a few with commas", table.List{}, "Doe, J\na\nb\nc\n", "", "Doe, J", "a", "b", "c")
	check("words that mean nothing elsewhere", table.List{}, "NA\na\n", "", "NA", "a")
	check("a column", table.List{Column: "id"}, "name;id\nAnn;a\nBo;b\nCid;\nAnn;a\n", "blank_ids", "a", "b")
	check("JSON lines", table.List{Column: "id"}, `{"id":17}`+"\n"+`{"id":"b"}`, "", "17", "b")
	check("a header", table.List{Column: "customerId"}, "customerId\na\n", "", "a")

	refused := func(want, try string, list table.List, text string) {
		t.Helper()
		list.Input = file(t, text)
		err := list.Read()
		var known *table.Refused
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error that says %q", err, want)
		} else if try != "" && (!errors.As(err, &known) || !strings.Contains(known.Try, try)) {
			t.Errorf("%v: the way out is not %q", err, try)
		}
	}
	refused("line 2: a customer id may not hold control characters", "", table.List{}, "a\nb\x01\n")
	refused("the first line looks like the name of a column", "--id customer_id", table.List{}, "customer_id\na\nb\n")
	refused("the first line looks like the name of a column", "--id Kunde", table.List{}, "Kunde\n"+strings.Repeat("c-1\n", 10))
	refused("several cells, with ';' between them", "--id COLUMN", table.List{}, "a;\nb;\n")
	refused("several cells, with '\\t' between them", "--id COLUMN", table.List{}, "a\tAnn\nb\tBo\n")
	refused("this is a table, of JSON lines", "--id COLUMN", table.List{}, `{"id":17}`)
	list := table.List{Column: "key", Input: file(t, "id,a\nx,1\n")}
	var missing *table.NoColumn
	if err := list.Read(); !errors.As(err, &missing) || missing.Name != "key" {
		t.Errorf("got %v, want a NoColumn", err)
	}
}
