package table

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"kindred/schemas"
)

// delimited are the rows of a file whose first line names the columns and whose cells stand between delimiters, in quotes
// where they need to. All its cells are texts.
type delimited struct {
	reader    *csv.Reader
	header    []string
	delimiter rune
	cells     []schemas.FieldValue
	line      int
}

// delimiters are those that are noticed; where two would do, the first counts.
var delimiters = []rune{',', ';', '\t', '|'}

func newDelimited(text *bufio.Reader, delimiter rune) (*delimited, error) {
	if delimiter == 0 {
		delimiter = noticed(text)
	}
	d := &delimited{reader: csv.NewReader(text), delimiter: delimiter}
	d.reader.Comma = delimiter
	d.reader.ReuseRecord = true
	header, err := d.record()
	if err == io.EOF {
		return nil, refuse("a first line that names the columns, then a row a line", "the file is empty")
	}
	if err != nil {
		return nil, err
	}
	for _, name := range header {
		d.header = append(d.header, strings.TrimSpace(name))
	}
	d.cells = make([]schemas.FieldValue, len(header))
	if len(header) == 1 {
		if at := strings.IndexAny(d.header[0], ",;\t|"); at >= 0 {
			return nil, refuse(fmt.Sprintf("--delimiter '%c'", d.header[0][at]), "the table has one column, %q", d.header[0])
		}
	}
	return d, nil
}

// noticed returns the delimiter of a table: the most frequent one in the first line among those that the second line has as
// often, or among all when there is none of these.
func noticed(text *bufio.Reader) rune {
	begin, _ := text.Peek(64 << 10)
	header, begin, _ := bytes.Cut(begin, []byte("\n"))
	second, _, _ := bytes.Cut(begin, []byte("\n"))
	best, most := ',', 0
	for _, agreeing := range []bool{true, false} {
		for _, delimiter := range delimiters {
			n := unquoted(header, delimiter)
			if n > most && (!agreeing || len(second) == 0 || unquoted(second, delimiter) == n) {
				best, most = delimiter, n
			}
		}
		if most > 0 {
			break
		}
	}
	return best
}

// unquoted counts how often a character stands outside quotes.
func unquoted(line []byte, delimiter rune) (n int) {
	quoted := false
	for _, c := range line {
		switch {
		case c == '"':
			quoted = !quoted
		case rune(c) == delimiter && !quoted:
			n++
		}
	}
	return n
}

func (d *delimited) next() ([]schemas.FieldValue, error) {
	record, err := d.record()
	if err != nil {
		return nil, err
	}
	for i, cell := range record {
		d.cells[i].Kind, d.cells[i].Text = schemas.String, append(d.cells[i].Text[:0], cell...)
	}
	return d.cells, nil
}

func (d *delimited) record() ([]string, error) {
	record, err := d.reader.Read()
	if err != nil {
		return nil, d.explain(err, record)
	}
	d.line, _ = d.reader.FieldPos(0)
	if at := slices.IndexFunc(record, func(cell string) bool { return !utf8.ValidString(cell) }); at >= 0 {
		return nil, refuse("iconv -f latin1 -t utf8, if it is in Latin-1, as Excel's CSV often is",
			"%s: column %d is not UTF-8", d.at(), at+1)
	}
	return record, nil
}

// explain turns an error of the csv package into one that names the line, and the way out.
func (d *delimited) explain(err error, record []string) error {
	var wrong *csv.ParseError
	switch {
	case !errors.As(err, &wrong):
		return err
	case !errors.Is(err, csv.ErrFieldCount):
		return refuse(`a cell with a quote in it needs quotes around it, and the quote twice: "5"" disk"`, "line %d: %w", wrong.Line, wrong.Err)
	}
	err = fmt.Errorf("line %d has %d cells, the first line has %d", wrong.Line, len(record), len(d.header))
	if len(record) > len(d.header) {
		return &Refused{err, fmt.Sprintf("a cell that holds %q, such as a decimal comma, needs quotes around it", d.delimiter)}
	}
	return &Refused{err, "is a cell cut off, or a quote not closed?"}
}

func (d *delimited) columns() []string { return d.header }
func (d *delimited) typed() bool       { return false }
func (d *delimited) at() string        { return fmt.Sprintf("line %d", d.line) }
