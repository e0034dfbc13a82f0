// Package table reads customers from files: a table with a row a customer and a column a field, or a list of ids. It tells the
// format by the content: delimited text, a JSON object a line, or Parquet. Its errors and findings name the line. It yields what
// a profile is made of, and does not know how profiles are published.
package table

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"kindred/schemas"
)

// Table has a row for each customer. Look must be called before Each.
type Table struct {
	Input     *Input
	Delimiter rune     // of a delimited file; 0: it is noticed
	ID        string   // column that holds the customer's id; empty: the number of the row, from 1
	Consent   string   // column that says whether the customer may be profiled; empty: every row may
	Skip      []string // columns that are not fields
	Nothing   []string // more words that mean an absent value; "": instead of the usual ones

	// What Look has found.
	Columns  []Column // fields that some row has, in the order of the file
	Rows     int64
	Profiles int64            // customers: of rows with the same id the last one counts
	Absent   int64            // cells without a value, of these columns
	Words    map[string]int64 // how many of them for each word that means nothing
	Noticed  rune             // the delimiter that was noticed; 0: none, or the comma
	Findings []Finding

	idAt, consentAt int   // in the row; -1: there is none
	placed          int   // columns of the input that have been looked at
	unnamed         []int // columns, from 1
	id              []byte
}

// mostFields is how many fields kindred keeps.
const mostFields = 256

// mostRowBytes is how many bytes of text a row may have: a broker takes a megabyte.
const mostRowBytes = 900_000

// NoColumn is the error for a column that was named and is not in the input.
type NoColumn struct {
	Name string
	Have []string
}

func (e *NoColumn) Error() string { return fmt.Sprintf("there is no column %q", e.Name) }

// Row is a customer as the input has it. It is overwritten by the next one.
type Row struct {
	ID     []byte
	Fields []schemas.FieldValue
	Denied bool // the customer must not be profiled
}

// Look reads the whole input once, to find out which columns are there, which hold numbers, how many rows there are, and
// what is wrong or strange. What it does not object to, Each yields without an error.
func (t *Table) Look() error {
	t.Columns, t.Findings, t.Words, t.Rows, t.Absent, t.placed, t.unnamed = nil, nil, map[string]int64{}, 0, 0, 0, nil
	t.idAt, t.consentAt = -1, -1
	ids := newCustomers()
	err := t.each(func(r rows, cells []schemas.FieldValue) error {
		t.Rows++
		if err := t.identify(r, cells); err != nil {
			return err
		}
		if t.ID != "" {
			ids.look(t.id, r)
		}
		if _, err := t.denied(r, cells); err != nil {
			return err
		}
		return t.look(r, cells)
	})
	if err != nil {
		return err
	}
	if t.Profiles = t.Rows; t.ID != "" {
		t.Profiles = ids.distinct()
	}
	t.conclude(ids)
	return nil
}

// Each yields every row. An absent cell yields no field.
func (t *Table) Each(visit func(*Row) error) error {
	var row Row
	names := make([][]byte, len(t.Columns))
	for i := range t.Columns {
		names[i] = []byte(t.Columns[i].Name)
	}
	number := int64(0)
	return t.each(func(r rows, cells []schemas.FieldValue) (err error) {
		if number++; number > t.Rows {
			return fmt.Errorf("there are more than %d rows now: did the file change?", t.Rows)
		}
		if err = t.identify(r, cells); err != nil {
			return err
		}
		if row.Denied, err = t.denied(r, cells); err != nil {
			return err
		}
		if row.ID = bytes.TrimSpace(t.id); t.ID == "" {
			row.ID = strconv.AppendInt(row.ID[:0], number, 10)
		}
		row.Fields = row.Fields[:0]
		for i := range t.Columns {
			column := &t.Columns[i]
			cell, text, there := t.cell(cells, column.at)
			if !there {
				continue
			}
			if field, ok := column.value(cell, text); ok {
				field.Name = names[i]
				row.Fields = append(row.Fields, field)
			}
		}
		return visit(&row)
	})
}

// each goes through the input once.
func (t *Table) each(visit func(rows, []schemas.FieldValue) error) error {
	name := func(err error) error { return fmt.Errorf("%s: %w", t.Input.Name, err) }
	r, err := t.Input.rows(t.Delimiter)
	if err != nil {
		return name(err)
	}
	if d, ok := r.(*delimited); ok && t.Delimiter == 0 && d.delimiter != ',' {
		t.Noticed = d.delimiter
	}
	header := len(r.columns()) > 0
	if err := t.place(r); err != nil {
		return name(err)
	}
	if err := t.named(r.columns()); header && err != nil {
		return err
	}
	for {
		cells, err := r.next()
		if err == io.EOF {
			return t.named(r.columns())
		}
		if err == nil {
			err = t.place(r)
		}
		if err == nil {
			err = visit(r, cells)
		}
		if err != nil {
			return name(err)
		}
	}
}

// place finds out what the columns are that have not been met yet.
func (t *Table) place(r rows) error {
	names := r.columns()
	for ; t.placed < len(names); t.placed++ {
		at, name := t.placed, names[t.placed]
		switch {
		case name == "":
			t.unnamed = append(t.unnamed, at+1)
		case slices.Contains(names[:at], name):
			return refuse("rename one", "there are two columns %q", name)
		case name == t.ID:
			t.idAt = at
		case name == t.Consent:
			t.consentAt = at
		case !slices.Contains(t.Skip, name):
			t.Columns = append(t.Columns, Column{Name: name, at: at, typed: r.typed()})
		}
	}
	return nil
}

// named demands that the columns that were named are there.
func (t *Table) named(have []string) error {
	for _, name := range append(slices.Clone(t.Skip), t.ID, t.Consent) {
		if name != "" && !slices.Contains(have, name) {
			return &NoColumn{Name: name, Have: slices.Clone(have)}
		}
	}
	return nil
}

// identify keeps the id of a row.
func (t *Table) identify(r rows, cells []schemas.FieldValue) error {
	if t.ID == "" {
		return nil
	}
	if t.idAt < 0 {
		return &NoColumn{t.ID, slices.Clone(r.columns())}
	}
	if t.id = t.id[:0]; t.idAt < len(cells) {
		t.id = appendID(t.id, &cells[t.idAt])
	}
	return nothing(t.Nothing).valid(bytes.TrimSpace(t.id), r)
}

// denied reports whether a row's customer must not be profiled. What cannot be understood is an error: consent is not guessed.
func (t *Table) denied(r rows, cells []schemas.FieldValue) (bool, error) {
	if t.Consent == "" {
		return false, nil
	}
	if t.consentAt < 0 {
		return false, &NoColumn{t.Consent, slices.Clone(r.columns())}
	}
	if t.consentAt < len(cells) {
		if yes, ok := consent(&cells[t.consentAt]); ok {
			return !yes, nil
		}
	}
	return false, refuse("yes or no, true or false, 1 or 0 in every row", "%s: column %q does not say whether the customer consents", r.at(), t.Consent)
}

func consent(cell *schemas.FieldValue) (yes, ok bool) {
	switch cell.Kind {
	case schemas.Bool:
		return cell.Bool, true
	case schemas.Number:
		return cell.Number == 1, cell.Number == 0 || cell.Number == 1
	case schemas.String:
		switch strings.ToLower(string(bare(cell))) {
		case "true", "yes", "1", "t", "y", "on":
			return true, true
		case "false", "no", "0", "f", "n", "off":
			return false, true
		}
	}
	return false, false
}

// cell returns a cell and, of a text, what is between the blanks; false: it means nothing.
func (t *Table) cell(cells []schemas.FieldValue, at int) (*schemas.FieldValue, []byte, bool) {
	if at >= len(cells) || cells[at].Kind == schemas.Absent {
		return nil, nil, false
	}
	cell := &cells[at]
	if cell.Kind != schemas.String {
		return cell, nil, true
	}
	text := bare(cell)
	_, no := nothing(t.Nothing).means(text)
	return cell, text, !no
}

// look looks at the cells of a row.
func (t *Table) look(r rows, cells []schemas.FieldValue) error {
	size := 0
	for i := range t.Columns {
		column := &t.Columns[i]
		cell, text, there := t.cell(cells, column.at)
		if !there {
			if len(text) > 0 {
				word, _ := nothing(t.Nothing).means(text)
				t.Words[word]++
			}
			continue
		}
		column.look(cell, text, r)
		size += len(cell.Text) + len(column.Name)
	}
	if size > mostRowBytes {
		return refuse("--skip the column that holds a document", "%s: the profile would have %d bytes, and a broker takes a megabyte", r.at(), size)
	}
	return nil
}

// conclude decides what every column is, and gathers what is to be told.
func (t *Table) conclude(ids *customers) {
	if t.Findings = ids.findings(); t.ID == "" && t.Rows > 0 {
		t.Findings = append(t.Findings, Finding{"row_numbers", "the number of the row is the customer's id: whoever has that id is replaced",
			"--id COLUMN"})
	}
	for _, at := range t.unnamed {
		t.Findings = append(t.Findings, Finding{"unnamed", fmt.Sprintf("column %d has no name: it is left out", at), "name it in the first line"})
	}
	if twice := t.Rows - t.Profiles; twice > 0 {
		t.Findings = append(t.Findings, Finding{"duplicates", count(twice, "row") + " have an id that comes again: the last row of a customer counts", ""})
	}
	var empty, long []string
	var of []Finding
	fields := t.Columns[:0]
	for _, column := range t.Columns {
		column.settle()
		of = append(of, column.findings()...)
		switch {
		case column.Present == 0:
			if column.others.count == 0 {
				empty = append(empty, column.Name)
			}
			continue
		case len(column.Name) > schemas.LongestFieldName:
			long = append(long, column.Name)
		}
		t.Absent += t.Rows - column.Present
		fields = append(fields, column)
	}
	t.Columns = fields
	t.Findings = append(t.Findings, fewer(of)...)
	if len(empty) > 0 && t.Rows > 0 {
		t.Findings = append(t.Findings, Finding{"empty", "no row has a value in " + listed(empty), ""})
	}
	if len(long) > 0 {
		t.Findings = append(t.Findings, Finding{"long_names", fmt.Sprintf("%s longer than %d bytes: not kept", names(len(long)), schemas.LongestFieldName),
			"a shorter name"})
	}
	if n := len(t.Columns); n > mostFields {
		t.Findings = append(t.Findings, Finding{"too_many_fields",
			fmt.Sprintf("%d of %d columns will not be kept: %d fields are kept, those that come first", n-mostFields, n, mostFields),
			"--skip COLUMN, or a table with the columns that matter"})
	}
}

func names(n int) string {
	if n == 1 {
		return "1 column has a name"
	}
	return fmt.Sprintf("%d columns have names", n)
}

// fewer leaves at most a few findings of each code, and says how many are left out.
func fewer(all []Finding) (some []Finding) {
	const most = 8
	met := map[string]int{}
	for _, f := range all {
		if met[f.Code]++; met[f.Code] <= most {
			some = append(some, f)
		}
	}
	for _, f := range some {
		if more := met[f.Code] - most; more > 0 {
			some = append(some, Finding{f.Code, fmt.Sprintf("the same of %s", count(int64(more), "other column")), f.Try})
			met[f.Code] = 0
		}
	}
	return some
}

// Lost is the finding that customers have fields for which a table has no columns.
func Lost(names []string) Finding {
	return Finding{"fields_lost", "most of the present profiles have fields that are missing here: " + listed(names) +
		". A profile replaces the one before as a whole, so members who owe their score to them will leave",
		"a table with all columns, under the names that they had"}
}

// listed writes a few names, and how many others there are.
func listed(names []string) string {
	const most = 5
	text := "column"
	if len(names) > 1 {
		text = "columns"
	}
	for i, name := range names[:min(most, len(names))] {
		if i > 0 {
			text += ","
		}
		text += fmt.Sprintf(" %q", name)
	}
	if more := len(names) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
