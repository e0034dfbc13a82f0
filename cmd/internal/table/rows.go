package table

import (
	"kindred/schemas"
)

// rows goes over the rows of an input. There is one kind of it for each format: delimited.go, json.go, parquet.go.
type rows interface {
	// next returns the cells of the next row, by column; columns beyond them are absent there. They are valid until the
	// following call, and their names are empty. io.EOF: there is no other row.
	next() ([]schemas.FieldValue, error)
	columns() []string // all from the start where the format has a header, else those met so far
	typed() bool       // the format tells numbers from texts
	at() string        // where the row stands, such as "line 3"
}

// mark is how often something was met, and where first.
type mark struct {
	count int64
	first string
}

func (m *mark) see(r rows) {
	if m.count++; m.count == 1 {
		m.first = r.at()
	}
}

// Finding is something about an input that its owner should know. It names lines and columns, and holds no cell.
type Finding struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Try     string `json:"hint,omitempty"`
}
