package table_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"unicode/utf16"

	"pgregory.net/rapid"

	"kindred/cmd/internal/table"
	"kindred/schemas"
)

func file(t *testing.T, text string) *table.Input {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	in, err := table.Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close() })
	in.Name = "file"
	return in
}

// rows reads a table and writes every row as "id name=value ...", texts in quotes.
func rows(t *testing.T, tab *table.Table, text string) ([]string, error) {
	t.Helper()
	tab.Input = file(t, text)
	if err := tab.Look(); err != nil {
		return nil, err
	}
	var got []string
	err := tab.Each(func(row *table.Row) error {
		line := string(row.ID)
		for i := range row.Fields {
			f := &row.Fields[i]
			line += fmt.Sprintf(" %s=%s", f.Name, schemas.AppendCanonical(nil, f))
		}
		if row.Denied {
			line += " denied"
		}
		got = append(got, line)
		return nil
	})
	if err == nil && int64(len(got)) != tab.Rows {
		t.Errorf("Rows is %d, got %d", tab.Rows, len(got))
	}
	return got, err
}

// becomes demands that a text becomes rows, with findings of certain codes.
func becomes(t *testing.T, what string, tab table.Table, text string, codes string, want ...string) *table.Table {
	t.Helper()
	got, err := rows(t, &tab, text)
	if err != nil {
		t.Errorf("%s: %v", what, err)
	} else if !slices.Equal(got, want) {
		t.Errorf("%s: got\n%q\nwant\n%q", what, got, want)
	}
	var found []string
	for _, f := range tab.Findings {
		found = append(found, f.Code)
	}
	if strings.Join(found, " ") != codes {
		t.Errorf("%s: found %v, want %s", what, tab.Findings, codes)
	}
	return &tab
}

func TestRowsBecomeProfiles(t *testing.T) {
	by := table.Table{ID: "id"}
	becomes(t, "a column of numbers is numbers", by, "id,age\na,41\nb, 7.50\n", "", `a age=41`, `b age=7.5`)
	becomes(t, "an empty cell is no field, and no reason against numbers", by,
		"id,age,city\na,,\nb,3,Oslo\n", "", `a`, `b age=3 city="Oslo"`)
	becomes(t, "without an id column rows are numbered", table.Table{}, "city,a\nOslo,x\nBergen,y\n", "row_numbers",
		`1 city="Oslo" a="x"`, `2 city="Bergen" a="y"`)
	becomes(t, "skipped columns", table.Table{ID: "id", Skip: []string{"b"}}, "id,a,b\nx,1,2\n", "", `x a=1`)
	becomes(t, "quotes, CRLF and the last line without an end", by,
		"id,a\r\nx,\"1 \"\"q\"\",\n2\"\r\ny,z", "", `x a="1 \"q\",\n2"`, `y a="z"`)
	becomes(t, "no rows", by, "id,a\n", "")
	becomes(t, "columns without a name", by, ",id,a,\n0,x,1,\n", "unnamed unnamed", `x a=1`)
	becomes(t, "blanks around names", by, "id , a\nx,1\n", "", `x a=1`)
}

func TestEveryFormatAndEncodingIsTold(t *testing.T) {
	by := table.Table{ID: "id"}
	want := []string{`x a="ø"`, `y a="b"`}
	const text = "id,a\nx,ø\ny,b\n"
	check := func(what, text string) {
		t.Helper()
		becomes(t, what, by, text, "", want...)
	}
	check("a mark", "\ufeff"+text)
	check("line ends of an old Mac", strings.ReplaceAll(text, "\n", "\r"))
	check("line ends of all kinds", "id,a\r\nx,ø\ry,b\n")
	check("gzip", gzipped(text))
	check("UTF-16, as Excel writes it", "\xff\xfe"+wide(text, false))
	check("UTF-16, big end first", "\xfe\xff"+wide(text, true))
	check("UTF-16 without a mark", wide(text, false))
	check("JSON lines", "{\"id\":\"x\",\"a\":\"ø\"}\n\n{\"a\":\"b\",\"id\":\"y\"}")
	check("JSON lines in gzip and UTF-16", gzipped("\xff\xfe"+wide("{\"id\":\"x\",\"a\":\"ø\"}\n{\"a\":\"b\",\"id\":\"y\"}", false)))
	becomes(t, "half a pair in UTF-16", by, "\xff\xfe"+wide("id,a\nx,", false)+"\x00\xd8z\x00", "", `x a="`+"\ufffd"+`z"`)
	becomes(t, "characters beyond 16 bits", by, "\xff\xfe"+wide("id,a\nx,😀\n", false), "", `x a="😀"`)
}

func gzipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write([]byte(text))
	w.Close()
	return b.String()
}

func wide(text string, big bool) string {
	var b strings.Builder
	for _, unit := range utf16.Encode([]rune(text)) {
		low, high := byte(unit), byte(unit>>8)
		if big {
			low, high = high, low
		}
		b.Write([]byte{low, high})
	}
	return b.String()
}

func TestADelimiterIsNoticed(t *testing.T) {
	check := func(want rune, text string, rows ...string) {
		t.Helper()
		if tab := becomes(t, fmt.Sprintf("%q", want), table.Table{ID: "id"}, text, "", rows...); tab.Noticed != want {
			t.Errorf("noticed %q, want %q", tab.Noticed, want)
		}
	}
	check(0, "id,a|b\nx,1\n", `x a|b=1`)
	check(';', "id;a\nx;1\n", `x a=1`)
	check('\t', "id\ta, b, c\nx\t1\n", `x a, b, c=1`)
	check('|', "id|\"a;b;c\"\nx|1\n", `x a;b;c=1`)
	becomes(t, "one that is said", table.Table{ID: "id", Delimiter: ':'}, "id:a,b\nx:1\n", "", `x a,b=1`)
}

func TestUsualWordsMeanNothing(t *testing.T) {
	tab := becomes(t, "usual words", table.Table{ID: "id"}, "id,age\na,NULL\nb,n/a\nc,\\N\nd,nan\ne,NA\nf,none\ng, \nh,7\n", "",
		"a", "b", "c", "d", "e", "f", "g", "h age=7")
	if tab.Absent != 7 || tab.Words["NULL"] != 1 || tab.Words["N/A"] != 1 || len(tab.Words) != 6 {
		t.Errorf("%d absent, of them %v", tab.Absent, tab.Words)
	}
	becomes(t, "words of one's own, too", table.Table{ID: "id", Nothing: []string{"?", "-"}}, "id,age,c\na,?,NULL\nb,-,x\nc,1,?\n", "",
		`a`, `b c="x"`, `c age=1`)
	becomes(t, "not the usual ones", table.Table{ID: "id", Nothing: []string{"", "?"}}, "id,country\na,NA\nb,\nc,?\n", "", `a country="NA"`, `b`, `c`)
	becomes(t, "in JSON too", table.Table{ID: "id"}, `{"id":"a","x":"NULL","y":null,"z":1}`, "empty", `a z=1`)
}

func TestWhatMakesAColumnTextIsNamed(t *testing.T) {
	by := table.Table{ID: "id"}
	says := func(code, message, text string, want ...string) {
		t.Helper()
		tab := becomes(t, code, by, text, code, want...)
		if len(tab.Findings) != 1 || !strings.Contains(tab.Findings[0].Message, message) {
			t.Errorf("found %v, want one that says %q", tab.Findings, message)
		}
	}
	says("text", `column "age": 1 of 3 cells is no number, the first in line 3`, "id,age\na,41\nb,old\nc,7\n",
		`a age="41"`, `b age="old"`, `c age="7"`)
	tens := "b,1\nc,2\nd,3\ne,4\nf,5\ng,6\nh,7\ni,8\n"
	numbers := []string{"b n=1", "c n=2", "d n=3", "e n=4", "f n=5", "g n=6", "h n=7", "i n=8"}
	says("some_text", `column "n": 1 of 10 cells is no number, the first in line 2: only that`, "id,n\na,old\n"+tens+"j,9\n",
		slices.Concat([]string{`a n="old"`}, numbers, []string{"j n=9"})...)
	says("text", `column "n": 1 of 9 cells is no number, the first in line 2: all of it`, "id,n\na,old\n"+tens,
		`a n="old"`, `b n="1"`, `c n="2"`, `d n="3"`, `e n="4"`, `f n="5"`, `g n="6"`, `h n="7"`, `i n="8"`)
	says("leading_zeros", `column "n"`, "id,n\na,01\n"+strings.ReplaceAll(tens, "\n", "0\n"),
		`a n="01"`, `b n="10"`, `c n="20"`, `d n="30"`, `e n="40"`, `f n="50"`, `g n="60"`, `h n="70"`, `i n="80"`)
	says("leading_zeros", `column "zip": 1 number has a leading zero, the first in line 2`, "id,zip\na,0150\nb,1234\n", `a zip="0150"`, `b zip="1234"`)
	says("decimal_comma", `column "p": 2 numbers have a decimal comma, the first in line 2`, "id;p\na;1,5\nb;-2,25\n", `a p="1,5"`, `b p="-2,25"`)
	says("large_integers", `column "card": 1 whole number beyond 2^53, the first in line 3`, "id,card\na,9007199254740992\nb,9007199254740993\n",
		`a card="9007199254740992"`, `b card="9007199254740993"`)
	says("large_integers", `the first in line 2`, `{"id":"a","n":1}`+"\n"+`{"id":"b","n":-9007199254740993}`, `a n="1"`, `b n="-9007199254740993"`)
	says("mixed", `column "n": 1 number (the first in line 1) and 1 text (the first in line 2)`, `{"id":"a","n":1}`+"\n"+`{"id":"b","n":"x"}`,
		`a n=1`, `b n="x"`)
	says("not_kept", `column "l": 1 cell cannot be a field`, `{"id":"a","n":true,"l":[1]}`, `a n=true`)
	says("empty", `no row has a value in column "b"`, "id,a,b\nx,1,\n", `x a=1`)
	becomes(t, "a few numbers among texts are no surprise", by, "id,a\nx,1\ny,b\nz,c\n", "", `x a="1"`, `y a="b"`, `z a="c"`)
}

func TestStrangeIDsAreTold(t *testing.T) {
	by := table.Table{ID: "id"}
	check := func(code, text string, want ...string) {
		t.Helper()
		tab := becomes(t, code, by, text, code, want...)
		if len(tab.Findings) == 1 && !strings.Contains(tab.Findings[0].Message, "the first in line 3") && code != "duplicates" {
			t.Errorf("%s: %s", code, tab.Findings[0].Message)
		}
	}
	check("id_blanks", "id,a\nx,1\n y\u00a0,2\n", "x a=1", "y a=2")
	check("id_leading_zeros", "id,a\n70,1\n007,2\n", "70 a=1", "007 a=2")
	check("id_shortened", "id,a\n70,1\n1.23E+15,2\n", "70 a=1", "1.23E+15 a=2")
	check("id_decimals", "id,a\n70,1\n17.0,2\n", "70 a=1", "17.0 a=2")
	check("duplicates", "id,a\nx,1\ny,2\nx,3\n", "x a=1", "y a=2", "x a=3")
	if tab := becomes(t, "twice", by, "id,a\nx,1\ny,2\nx,3\nx,4\n", "duplicates", "x a=1", "y a=2", "x a=3", "x a=4"); tab.Profiles != 2 {
		t.Errorf("%d profiles, want 2", tab.Profiles)
	}
	becomes(t, "numbers in JSON", by, `{"id":17,"a":1}`+"\n"+`{"id":9007199254740993,"a":1}`+"\n"+`{"id":18.0,"a":1}`, "", "17 a=1", "9007199254740993 a=1", "18 a=1")
}

func TestConsentIsReadAndNotGuessed(t *testing.T) {
	by := table.Table{ID: "id", Consent: "ok"}
	becomes(t, "words", by, "id,a,ok\na,1,true\nb,1,No\nc,1,1\nd,1,0\ne,1, Y\nf,1,off\n", "",
		"a a=1", "b a=1 denied", "c a=1", "d a=1 denied", "e a=1", "f a=1 denied")
	becomes(t, "JSON", by, `{"id":"a","a":1,"ok":false}`+"\n"+`{"id":"b","a":1,"ok":1}`, "", "a a=1 denied", "b a=1")
	for _, text := range []string{"id,ok\na,yes\nb,maybe\n", "id,ok\na,yes\nb,\n", "{\"id\":\"a\",\"ok\":true}\n{\"id\":\"b\"}"} {
		tab := by
		if _, err := rows(t, &tab, text); err == nil || !strings.Contains(err.Error(), `column "ok" does not say whether the customer consents`) {
			t.Errorf("%q: got %v", text, err)
		}
	}
}

func TestColumnsThatWillNotBeKeptAreTold(t *testing.T) {
	var header, row strings.Builder
	for i := range 1200 {
		fmt.Fprintf(&header, ",c%d", i)
		row.WriteString(",y")
	}
	tab := table.Table{ID: "id"}
	if _, err := rows(t, &tab, "id"+header.String()+"\na"+row.String()+"\n"); err != nil {
		t.Fatal(err)
	}
	if len(tab.Findings) != 1 || !strings.HasPrefix(tab.Findings[0].Message, "944 of 1200 columns will not be kept") {
		t.Errorf("found %v", tab.Findings)
	}
}

func TestWhatIsWrongIsNamedByLine(t *testing.T) {
	refused := func(want, try string, tab table.Table, text string) {
		t.Helper()
		_, err := rows(t, &tab, text)
		var known *table.Refused
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want one that says %q", err, want)
		} else if try != "" && (!errors.As(err, &known) || !strings.Contains(known.Try, try)) {
			t.Errorf("%v: the way out is not %q", err, try)
		}
	}
	by := table.Table{ID: "id"}
	refused("empty", "names the columns", by, "")
	refused("line 3 has 1 cells, the first line has 2", "", table.Table{}, "a,b\n1,2\n3\n")
	refused("line 2 has 3 cells, the first line has 2", "decimal comma", by, "id,a\nx,1,5\n")
	refused("line 2", "quotes around it", table.Table{}, "a\n\"x\"y\n")
	refused("line 2: column 2 is not UTF-8", "iconv", table.Table{}, "a,b\nx,\xff\n")
	refused("two columns", "rename", table.Table{}, "a,a\n")
	refused("line 3: the id is blank", "", by, "id,a\nx,1\n ,2\n")
	refused("line 2: the id is NULL", "--null ''", by, "id,a\nNULL,1\n")
	refused("line 3: a customer id may not hold control characters", "", by, "id,a\nx,1\n\"y\x01\",2\n")
	refused("line 2: want one JSON object", "", by, "{\"id\":\"a\"}\n{\n")
	refused("line 2", "", by, "{\"id\":\"a\"}\n{\"id\":\"b\",\"id\":\"c\"}\n")
	refused("line 2: the id is blank", "", by, "{\"id\":\"a\"}\n{\"a\":1}\n")
	refused("line 1: this is a profile as Kafka has it", "jq", by, `{"customerId":"a","fields":{"b":1},"profiling":false}`)
	becomes(t, "fields is a name like others", by, `{"id":"a","fields":"corn","customerId":"b"}`, "", `a fields="corn" customerId="b"`)
	refused("JSON array", "jq", by, "[{\"id\":\"a\"}]")
	refused("Excel workbook", "CSV", by, "PK\x03\x04....")
	refused("compressed by zstd", "zstd", by, "\x28\xb5\x2f\xfd....")
	refused("one column, \"name;age\"", "--delimiter ';'", table.Table{Delimiter: ','}, "name;age\nAnn;41\n")
	refused("read Parquet", "", by, "PAR1 and then nothing")
	refused("line 2: the profile would have 1000001 bytes", "--skip", by, "id,a\nx,"+strings.Repeat("y", 1_000_000)+"\n")

	tab := table.Table{ID: "key", Skip: []string{"a"}}
	for _, text := range []string{"id,a\n", "{\"id\":1,\"a\":1}"} {
		_, err := rows(t, &tab, text)
		var missing *table.NoColumn
		if !errors.As(err, &missing) || missing.Name != "key" || !slices.Equal(missing.Have, []string{"id", "a"}) {
			t.Errorf("got %v, want a NoColumn that names the column and those that are there", err)
		}
	}
}

// A cell is a number exactly when encoding/json takes it for one that a profile may hold, and float64 keeps it; a row shows it.
func TestNumbersAreJSONNumbers(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		cell := rapid.OneOf(
			rapid.StringMatching(`-?[0-9]{0,3}(\.[0-9]{0,3})?([eE][-+]?[0-9]{0,4})?`),
			rapid.StringMatching(`-?[1-9][0-9]{13,18}`),
			rapid.SampledFrom([]string{"Inf", "0x1", "1_000", "+1", "1e999", "-0", "9007199254740992", "9007199254740993"}),
		).Filter(func(s string) bool { return s != "" }).Draw(r, "cell")
		var want float64
		numeric := json.Unmarshal([]byte(cell), &want) == nil && (math.Abs(want) <= 1<<53 || strings.ContainsAny(cell, ".eE")) && cell != "9007199254740993"
		tab := table.Table{ID: "id", Input: file(t, "id,a\nx,"+cell+"\n")}
		if err := tab.Look(); err != nil {
			r.Fatal(err)
		}
		if tab.Columns[0].Numeric != numeric {
			r.Errorf("%q: numeric is %v, want %v", cell, tab.Columns[0].Numeric, numeric)
		}
	})
}

func TestStdinIsReadTwiceAndNotKept(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("TMPDIR", folder)
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	go func() { _ = os.WriteFile(pipe, []byte("id,a\nx,1\n"), 0) }()
	for _, path := range []string{"-", pipe} {
		in, err := table.Open(path, strings.NewReader("id,a\nx,1\n"))
		if err != nil {
			t.Fatal(err)
		}
		tab := table.Table{Input: in, ID: "id"}
		if err := tab.Look(); err != nil {
			t.Fatal(err)
		}
		n := 0
		if err := tab.Each(func(*table.Row) error { n++; return nil }); err != nil || n != 1 {
			t.Errorf("%s: %d rows, %v", in.Name, n, err)
		}
		if kept, _ := os.ReadDir(folder); len(kept) != 0 { // so nothing is left after a kill either
			t.Errorf("%d files have a name", len(kept))
		}
		if err := in.Close(); err != nil {
			t.Error(err)
		}
	}
}
