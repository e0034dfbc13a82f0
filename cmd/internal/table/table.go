// Package table reads customers from files: a table with a row a customer and a column a field, or a list of ids with
// one a line. Its errors name the line. It yields what a profile is made of, and does not know how profiles are published.
package table

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"kindred/schemas"
)

// Table is a delimited file whose first line names its columns. Look must be called before Each.
type Table struct {
	Path      string
	Delimiter rune     // 0: comma
	ID        string   // column that holds the customer's id; empty: the number of the row, from 1
	Skip      []string // columns that are not fields

	Columns []Column // the fields, in the order of the file
	Rows    int64
}

// Column is one field.
type Column struct {
	Name    string
	Numeric bool // every cell that is not empty is a JSON number, and there is one

	at   int // in the row
	text bool
}

// NoColumn is the error for a column that was named and is not in the file.
type NoColumn struct {
	Name string
	Have []string
}

func (e *NoColumn) Error() string { return fmt.Sprintf("there is no column %q", e.Name) }

// Look reads the whole file once, to find out which columns are there, which hold numbers, and how many rows there
// are.
func (t *Table) Look() error {
	t.Columns, t.Rows = nil, 0
	return t.read(func(header []string) error {
		return t.choose(header)
	}, func(row []string, _ int) error {
		t.Rows++
		for i := range t.Columns {
			column := &t.Columns[i]
			if cell := row[column.at]; !empty(cell) && !column.text {
				column.text = !number(cell)
				column.Numeric = !column.text
			}
		}
		return nil
	})
}

// choose finds the columns that are fields.
func (t *Table) choose(header []string) error {
	for _, name := range append(slices.Clone(t.Skip), t.ID) {
		if name != "" && !slices.Contains(header, name) {
			return &NoColumn{Name: name, Have: slices.Clone(header)}
		}
	}
	for at, name := range header {
		switch {
		case name == "":
			return fmt.Errorf("column %d has no name", at+1)
		case slices.Contains(header[:at], name):
			return fmt.Errorf("there are two columns %q", name)
		case name != t.ID && !slices.Contains(t.Skip, name):
			t.Columns = append(t.Columns, Column{Name: name, at: at})
		}
	}
	return nil
}

// empty reports whether a cell holds nothing but spaces: some exports pad a missing number with one.
func empty(cell string) bool { return strings.TrimSpace(cell) == "" }

// Each yields every row. What it yields is overwritten by the next row. An empty cell yields no field.
func (t *Table) Each(visit func(id string, fields []schemas.FieldValue) error) error {
	idAt := -1
	names := make([][]byte, len(t.Columns))
	for i, column := range t.Columns {
		names[i] = []byte(column.Name)
	}
	fields := make([]schemas.FieldValue, 0, len(t.Columns))
	texts := make([][]byte, len(t.Columns)) // the cells, kept to be used again
	rows := 0
	return t.read(func(header []string) error {
		idAt = slices.Index(header, t.ID)
		return nil
	}, func(row []string, line int) error {
		rows++
		id := strconv.Itoa(rows)
		if idAt >= 0 {
			id = row[idAt]
			if err := schemas.ValidCustomerID([]byte(id)); err != nil {
				return fmt.Errorf("line %d: %w", line, err)
			}
		}
		fields = fields[:0]
		for i := range t.Columns {
			cell := row[t.Columns[i].at]
			if empty(cell) {
				continue
			}
			field := schemas.FieldValue{Name: names[i]}
			if t.Columns[i].Numeric {
				value, err := strconv.ParseFloat(cell, 64)
				if err != nil {
					return fmt.Errorf("line %d: column %q is no longer a number: did the file change?", line, t.Columns[i].Name)
				}
				field.Kind, field.Number = schemas.Number, value
			} else {
				texts[i] = append(texts[i][:0], cell...)
				field.Kind, field.Text = schemas.String, texts[i]
			}
			fields = append(fields, field)
		}
		return visit(id, fields)
	})
}

// read goes through the file once.
func (t *Table) read(header func([]string) error, row func([]string, int) error) error {
	file, err := os.Open(t.Path)
	if err != nil {
		return err
	}
	defer file.Close()
	text := bufio.NewReaderSize(file, 1<<20)
	skipMark(text)
	reader := csv.NewReader(text)
	reader.ReuseRecord = true
	if t.Delimiter != 0 {
		reader.Comma = t.Delimiter
	}
	for first := true; ; first = false {
		record, err := reader.Read()
		if err == io.EOF {
			if first {
				return fmt.Errorf("%s: the file is empty: want a first line that names the columns", t.Path)
			}
			return nil
		}
		if err == nil {
			err = t.visit(first, record, reader, header, row)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", t.Path, plain(err))
		}
	}
}

func (t *Table) visit(first bool, record []string, reader *csv.Reader, header func([]string) error, row func([]string, int) error) error {
	line, _ := reader.FieldPos(0)
	for at, cell := range record {
		if !utf8.ValidString(cell) {
			return fmt.Errorf("line %d: column %d is not UTF-8", line, at+1)
		}
	}
	if first {
		return header(record)
	}
	return row(record, line)
}

// plain turns an error of the csv package into one that names the line.
func plain(err error) error {
	var wrong *csv.ParseError
	if errors.As(err, &wrong) {
		if errors.Is(err, csv.ErrFieldCount) {
			return fmt.Errorf("line %d has more or fewer cells than the first line", wrong.Line)
		}
		return fmt.Errorf("line %d: %w", wrong.Line, wrong.Err)
	}
	return err
}

// skipMark steps over the mark that some programs put before UTF-8.
func skipMark(text *bufio.Reader) {
	if mark, err := text.Peek(3); err == nil && string(mark) == "\ufeff" {
		text.Discard(3)
	}
}
