package table_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"reflect"
	"testing"

	"github.com/parquet-go/parquet-go"

	"kindred/cmd/internal/table"
)

// odd are members with ids that a format could spoil.
func odd() (all []table.Member) {
	for i, id := range []string{"c-1", `a,b`, `say "x"`, " c", "c ", "=1+1", "-7", "007", "1e5", "true", "null", "NA", `\N`, "<&>", "a;b", "高収入", "\u2028",
		"\ufeffx", "a|b", "'"} {
		all = append(all, table.Member{CustomerID: id, Score: float64(i) / 10_000, Band: []string{"not similar", "very similar"}[i%2]})
	}
	return append(all, table.Member{CustomerID: "z", Score: 1, Band: "very similar"})
}

func written(t *testing.T, format string, members []table.Member) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := table.WriteMembers(&b, format, map[string]string{"kindred.expansionId": "vip-expansion"})
	if err != nil {
		t.Fatal(err)
	}
	for i := range members {
		if err := w.Write(&members[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestMembersAreWrittenAsTheyAre(t *testing.T) {
	want := odd()
	same := func(format string, got []table.Member) {
		t.Helper()
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v", format, got, want)
		}
	}

	rows, err := csv.NewReader(bytes.NewReader(written(t, "csv", want))).ReadAll()
	if err != nil || len(rows) != len(want)+1 || fmt.Sprint(rows[0]) != "[customerId score band]" {
		t.Fatalf("csv: %v, %d rows, first %v", err, len(rows), rows[0])
	}
	var read []table.Member
	for _, row := range rows[1:] {
		var score float64
		if _, err := fmt.Sscan(row[1], &score); err != nil {
			t.Fatal(err)
		}
		read = append(read, table.Member{CustomerID: row[0], Score: score, Band: row[2]})
	}
	same("csv", read)

	read = nil
	for lines := json.NewDecoder(bytes.NewReader(written(t, "jsonl", want))); lines.More(); {
		var m table.Member
		if err := lines.Decode(&m); err != nil {
			t.Fatal(err)
		}
		read = append(read, m)
	}
	same("jsonl", read)

	file := written(t, "parquet", want)
	if read, err = parquet.Read[table.Member](bytes.NewReader(file), int64(len(file))); err != nil {
		t.Fatal(err)
	}
	same("parquet", read)
}

// Whoever opens the file sees texts and a number, none of them missing, and of which expansion they are.
func TestAParquetFileOfMembersHasTypes(t *testing.T) {
	for _, n := range []int{0, 3, 300_000} {
		members := make([]table.Member, n)
		for i := range members {
			members[i] = table.Member{CustomerID: fmt.Sprint("c-", i), Score: 0.5, Band: "similar"}
		}
		bytesOf := written(t, "parquet", members)
		file, err := parquet.OpenFile(bytes.NewReader(bytesOf), int64(len(bytesOf)))
		if err != nil {
			t.Fatal(err)
		}
		const want = "message Member {\n\trequired binary customerId (STRING);\n\trequired double score;\n\trequired binary band (STRING);\n}"
		if got := file.Schema().String(); got != want {
			t.Errorf("the schema is %s, want %s", got, want)
		}
		if id, _ := file.Lookup("kindred.expansionId"); id != "vip-expansion" || file.NumRows() != int64(n) {
			t.Errorf("it is of %q and has %d rows, want %d", id, file.NumRows(), n)
		}
		if groups := len(file.RowGroups()); n > 200_000 && groups < 2 {
			t.Errorf("%d rows are in %d groups: all of them were in memory", n, groups)
		}
	}
}
