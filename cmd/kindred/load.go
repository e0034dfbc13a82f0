package main

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"kindred/cmd/internal/table"
)

func (p *program) load() *cobra.Command {
	command := &cobra.Command{Use: "load", Short: "Publish profiles or a segment from a file"}
	asGroup(command)
	command.AddCommand(p.loadProfiles(), p.loadSegment())
	return command
}

// formats say what FILE may be.
const formats = "FILE is delimited text whose first line names the columns, a JSON object a line, or Parquet, also inside gzip; its\n" +
	"content says which. - is stdin, which is kept in a temporary file while it is read."

// oneRune parses the value of --delimiter. None is 0.
func oneRune(delimiter string) (rune, error) {
	switch delimiter {
	case "":
		return 0, nil
	case `\t`:
		return '\t', nil
	}
	r, size := utf8.DecodeRuneInString(delimiter)
	if size != len(delimiter) || r == utf8.RuneError || strings.ContainsRune("\"\r\n", r) {
		return 0, fmt.Errorf("--delimiter %q: want one character", delimiter)
	}
	return r, nil
}

// explained gives an error of a file its exit code and way out. A column that was named and does not exist is a wrong argument.
func explained(err error) error {
	var missing *table.NoColumn
	var refused *table.Refused
	switch {
	case errors.As(err, &missing) && len(missing.Have) > 0:
		return &failure{code: misused, err: err, try: "one of " + strings.Join(missing.Have, ", ")}
	case errors.As(err, &missing):
		return &failure{code: misused, err: err}
	case errors.As(err, &refused):
		return hint(err, refused.Try)
	}
	return err
}

// warn tells what is strange about a file.
func (p *program) warn(file string, findings []table.Finding) {
	for _, f := range findings {
		p.aside.Message("warning: " + file + ": " + f.Message)
		if f.Try != "" {
			p.aside.Message("  try: " + f.Try)
		}
	}
}

// short writes a time for people.
func short(took time.Duration) string {
	switch {
	case took < time.Second:
		return took.Round(time.Millisecond).String()
	case took < time.Minute:
		return fmt.Sprintf("%.1f s", took.Seconds())
	}
	return took.Round(time.Second).String()
}
