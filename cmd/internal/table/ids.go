package table

import (
	"bytes"
	"fmt"
	"io"
	"slices"
)

// List is an input that names customers: an id a line, or a column of a table.
type List struct {
	Input     *Input
	Column    string // that holds the ids; empty: the input has an id a line, and nothing else
	Delimiter rune   // of a table; 0: it is noticed

	// What Read has found.
	IDs        []string // each once, in the order of the input
	Duplicates int64    // ids that came again
	Findings   []Finding
}

// Read reads all ids. Lines and cells without one are passed over.
func (l *List) Read() error {
	r, err := l.rows()
	if err == nil {
		err = l.read(r)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", l.Input.Name, err)
	}
	return nil
}

// rows opens a table, or a list as a table of one column.
func (l *List) rows() (rows, error) {
	if l.Column != "" {
		return l.Input.rows(l.Delimiter)
	}
	return l.Input.list()
}

func (l *List) read(r rows) error {
	found, blank := newCustomers(), mark{}
	seen := map[string]bool{}
	var id []byte
	for {
		cells, err := r.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		id = id[:0]
		if at := l.at(r); at >= 0 && at < len(cells) {
			id = appendID(id, &cells[at])
		}
		if len(bytes.TrimSpace(id)) == 0 {
			blank.see(r)
			continue
		}
		id := found.look(id, r)
		if err := (nothing{""}).valid(id, r); err != nil {
			return err
		}
		if seen[string(id)] {
			l.Duplicates++
			continue
		}
		l.IDs = append(l.IDs, string(id))
		seen[l.IDs[len(l.IDs)-1]] = true
	}
	if l.at(r) < 0 {
		return &NoColumn{l.Column, slices.Clone(r.columns())}
	}
	if list, ok := r.(*list); ok {
		found.quoted = list.quoted
	} else if blank.count > 0 {
		l.Findings = append(l.Findings, Finding{"blank_ids", fmt.Sprintf("%s without an id, the first in %s", count(blank.count, "row"), blank.first), ""})
	}
	l.Findings = append(l.Findings, found.findings()...)
	return nil
}

// at is where the ids are in a row; -1: nowhere yet.
func (l *List) at(r rows) int {
	if l.Column == "" {
		return 0
	}
	return slices.Index(r.columns(), l.Column)
}
