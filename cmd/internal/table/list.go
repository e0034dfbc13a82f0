package table

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strings"

	"kindred/schemas"
)

// list are the rows of a file with an id a line: one column, which has no name. What looks like a table is refused.
type list struct {
	lines  *bufio.Scanner
	cell   [1]schemas.FieldValue
	line   int
	quoted mark
}

const nameTheColumn = "--id COLUMN, which says where a table has the ids"

// list goes to the start of the input as a list.
func (in *Input) list() (*list, error) {
	text, kind, err := in.content()
	if err != nil {
		return nil, err
	}
	if kind != delimitedText {
		return nil, refuse(nameTheColumn, "this is a table, of %s", kind)
	}
	if err := isList(text); err != nil {
		return nil, err
	}
	l := &list{lines: bufio.NewScanner(text)}
	l.lines.Buffer(nil, longestLine)
	return l, nil
}

// isList refuses what begins like a table: with several cells a line, or with a line that names a column.
func isList(text *bufio.Reader) error {
	begin, _ := text.Peek(64 << 10)
	if len(begin) == 64<<10 {
		begin = begin[:bytes.LastIndexByte(begin, '\n')+1] // the last line is cut
	}
	var lines [][]byte
	for line := range bytes.Lines(begin) {
		if line = bytes.Trim(line, "\r\n "); len(line) > 0 {
			lines = append(lines, line)
		}
	}
	if len(lines) == 0 {
		return nil
	}
	for _, delimiter := range delimiters {
		several := 0
		for _, line := range lines {
			several += min(unquoted(line, delimiter), 1)
		}
		if 2*several > len(lines) {
			return refuse(nameTheColumn, "the lines have several cells, with %q between them: want an id a line", delimiter)
		}
	}
	if isHeader(lines[0], lines[1:]) {
		return refuse(fmt.Sprintf("--id %s; or another order, if it is an id", bytes.Trim(lines[0], `"`)),
			"the first line looks like the name of a column: want an id a line")
	}
	return nil
}

// isHeader guesses whether a first line names the column of the others: it is a usual name, or has no digit while each of many
// others has one.
func isHeader(first []byte, others [][]byte) bool {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return r
		}
		return -1
	}, strings.ToLower(string(first)))
	for _, what := range []string{"", "account", "client", "contact", "customer", "email", "member", "person", "profile", "subscriber", "user"} {
		if name == what+"id" || name == what+"ids" || what != "" && (name == what+"number" || name == what+"key" || name == what) {
			return !digit(first)
		}
	}
	if len(others) < 10 || digit(first) {
		return false
	}
	for _, other := range others {
		if !digit(other) {
			return false
		}
	}
	return true
}

func digit(text []byte) bool { return bytes.ContainsAny(text, "0123456789") }

func (l *list) next() ([]schemas.FieldValue, error) {
	if l.lines.Scan() {
		l.line++
		id := l.lines.Bytes()
		if inside := bytes.TrimSpace(id); len(inside) > 1 && inside[0] == '"' && inside[len(inside)-1] == '"' {
			id = bytes.ReplaceAll(inside[1:len(inside)-1], []byte(`""`), []byte(`"`))
			l.quoted.see(l)
		}
		l.cell[0] = schemas.FieldValue{Kind: schemas.String, Text: id}
		return l.cell[:], nil
	}
	if err := l.lines.Err(); err != nil {
		l.line++
		return nil, fmt.Errorf("%s: %w", l.at(), err)
	}
	return nil, io.EOF
}

func (l *list) columns() []string { return nil }
func (l *list) typed() bool       { return false }
func (l *list) at() string        { return fmt.Sprintf("line %d", l.line) }
