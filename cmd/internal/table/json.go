package table

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"kindred/schemas"
)

// jsonLines are the rows of a file with a JSON object a line. Its columns are the names of all objects, in the order in which
// they are met.
type jsonLines struct {
	lines  *bufio.Scanner
	names  []string
	places map[string]int // by name
	cells  []schemas.FieldValue
	line   int

	profile schemas.Profile // reads an object as strictly as the fields of a profile are read
	value   []byte
}

const longestLine = 2 << 20

func newJSON(text io.Reader) *jsonLines {
	j := &jsonLines{lines: bufio.NewScanner(text), places: map[string]int{}}
	j.lines.Buffer(make([]byte, 64<<10), longestLine)
	return j
}

func (j *jsonLines) next() ([]schemas.FieldValue, error) {
	for j.lines.Scan() {
		j.line++
		line := bytes.TrimSpace(j.lines.Bytes())
		if len(line) == 0 {
			continue
		}
		j.value = append(append(append(j.value[:0], `{"fields":`...), line...), '}')
		if err := j.profile.Decode(j.value); err != nil {
			var malformed *schemas.Malformed
			if errors.As(err, &malformed) && malformed.Code == schemas.NotJSON {
				err = errors.New("want one JSON object")
			}
			return nil, fmt.Errorf("%s: %w", j.at(), err)
		}
		cells := j.sorted()
		if j.isProfile() {
			return nil, refuse("jq -c '.fields + {customerId, profiling: (.profiling != false)}' makes rows of them, whose consent is in profiling",
				"%s: this is a profile as Kafka has it, and no row: its fields are an object of their own", j.at())
		}
		return cells, nil
	}
	if err := j.lines.Err(); err != nil {
		j.line++
		return nil, fmt.Errorf("%s: %w", j.at(), err)
	}
	return nil, io.EOF
}

// sorted returns the cells of the object by column.
func (j *jsonLines) sorted() []schemas.FieldValue {
	clear(j.cells)
	for _, f := range j.profile.Fields {
		at, known := j.places[string(f.Name)]
		if !known {
			at = len(j.names)
			j.names = append(j.names, string(f.Name))
			j.places[j.names[at]] = at
			j.cells = append(j.cells, schemas.FieldValue{})
		}
		f.Name = nil
		j.cells[at] = f
	}
	return j.cells
}

// isProfile reports whether the object is an event of kindred's. As a row it would take all fields from its customer.
func (j *jsonLines) isProfile() bool {
	id, named := j.places["customerId"]
	fields, apart := j.places["fields"]
	return named && apart && j.cells[id].Kind == schemas.String && j.cells[fields].Kind == schemas.Other
}

func (j *jsonLines) columns() []string { return j.names }
func (j *jsonLines) typed() bool       { return true }
func (j *jsonLines) at() string        { return fmt.Sprintf("line %d", j.line) }
