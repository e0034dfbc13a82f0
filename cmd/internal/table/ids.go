package table

import (
	"bufio"
	"bytes"
	"fmt"
	"os"

	"kindred/schemas"
)

// IDs reads a file with one customer's id a line. Empty lines are passed over, an id that comes twice counts once.
func IDs(path string) ([]string, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text := bufio.NewReaderSize(file, 1<<20)
	skipMark(text)
	var ids []string
	seen := map[string]bool{}
	lines := bufio.NewScanner(text)
	for line := 1; lines.Scan(); line++ {
		id := bytes.TrimSuffix(lines.Bytes(), []byte("\r"))
		if len(id) == 0 || seen[string(id)] {
			continue
		}
		if err := schemas.ValidCustomerID(id); err != nil {
			return nil, fmt.Errorf("%s: line %d: %w", path, line, err)
		}
		ids = append(ids, string(id))
		seen[string(id)] = true
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return ids, nil
}
