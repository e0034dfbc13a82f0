package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"kindred/cmd/internal/table"
	"kindred/cmd/internal/terminal"
	"kindred/schemas"
)

func (p *program) loadProfiles() *cobra.Command {
	var (
		file      table.Table
		delimiter string
		types     []string
	)
	command := &cobra.Command{
		Use:   "profiles FILE.csv",
		Short: "Publish a profile for every row of a table",
		Long: "Publish a profile for every row of a table whose first line names the columns. A column whose cells are all\n" +
			"numbers is published as numbers; an empty cell is absent.",
		Example: "  kindred load profiles customers.csv --id customerID --skip churn\n" +
			"  kindred load profiles people.csv --delimiter ';' --type sex=Person.Gender",
		Args: named("FILE"),
		RunE: func(command *cobra.Command, arguments []string) error {
			file.Path = arguments[0]
			help := command.CommandPath() + " --help"
			var err error
			if file.Delimiter, err = oneRune(delimiter); err != nil {
				return usage(err.Error(), help)
			}
			declared, err := declarations(types)
			if err != nil {
				return usage(err.Error(), help)
			}
			if err := look(&file, declared); err != nil {
				return err
			}
			return p.publishProfiles(command.Context(), &file, declared)
		},
	}
	flags := command.Flags()
	flags.StringVar(&file.ID, "id", "", "column that holds the customer's id (default the number of the row)")
	flags.StringVar(&delimiter, "delimiter", ",", `what stands between two cells; \t for a tab`)
	flags.StringArrayVar(&file.Skip, "skip", nil, "column to leave out; may be repeated")
	flags.StringArrayVar(&types, "type", nil, "column and its type, such as sex=Person.Gender, declared to the fields topic; may be repeated")
	return command
}

// oneRune parses the value of --delimiter.
func oneRune(delimiter string) (rune, error) {
	if delimiter == `\t` {
		return '\t', nil
	}
	r, size := utf8.DecodeRuneInString(delimiter)
	if size == 0 || size != len(delimiter) || r == utf8.RuneError || strings.ContainsRune("\"\r\n", r) {
		return 0, fmt.Errorf("--delimiter %q: want one character", delimiter)
	}
	return r, nil
}

// declarations parses the values of --type.
func declarations(types []string) ([]schemas.Field, error) {
	var fields []schemas.Field
	for _, declaration := range types {
		column, kind, ok := cutLast(declaration, "=")
		if !ok || column == "" || kind == "" {
			return nil, fmt.Errorf("--type %q: want COLUMN=TYPE", declaration)
		}
		fields = append(fields, schemas.Field{Name: column, Type: kind})
	}
	return fields, nil
}

// cutLast cuts a text at the last separator.
func cutLast(text, separator string) (before, after string, found bool) {
	if at := strings.LastIndex(text, separator); at >= 0 {
		return text[:at], text[at+len(separator):], true
	}
	return text, "", false
}

// look reads the whole file before anything is published. A column that was named and does not exist is a wrong argument.
func look(file *table.Table, declared []schemas.Field) error {
	err := file.Look()
	var missing *table.NoColumn
	if errors.As(err, &missing) {
		return &failure{code: misused, err: err, try: "one of " + strings.Join(missing.Have, ", ")}
	}
	if err != nil {
		return err
	}
	var names []string
	for _, column := range file.Columns {
		names = append(names, column.Name)
	}
	for _, field := range declared {
		if !slices.Contains(names, field.Name) {
			return usage(fmt.Sprintf("--type %s: there is no such column", field.Name), "one of "+strings.Join(names, ", "))
		}
	}
	return nil
}

func (p *program) publishProfiles(ctx context.Context, file *table.Table, declared []schemas.Field) error {
	c, err := p.connect(ctx)
	if err != nil {
		return err
	}
	defer c.close()
	if err := c.declare(ctx, declared); err != nil {
		return err
	}
	f, err := p.flood(ctx, c, schemas.Profiles)
	if err != nil {
		return err
	}
	begun := time.Now()
	progress := p.aside.Count("profiles", file.Rows)
	var profile []byte
	err = f.finish(file.Each(func(id string, fields []schemas.FieldValue) error {
		profile = schemas.AppendProfile(profile[:0], id, fields, true)
		progress.At(f.acknowledged.Load())
		return f.add([]byte(id), profile)
	}))
	progress.End("")
	if err != nil {
		return fmt.Errorf("%w (%s published before)", err, terminal.Count(f.acknowledged.Load(), "profile"))
	}
	return p.loadedProfiles(file, time.Since(begun))
}

// declare publishes the types of fields.
func (c *connection) declare(ctx context.Context, fields []schemas.Field) error {
	for _, field := range fields {
		value, err := json.Marshal(field)
		if err != nil {
			return err
		}
		headers := schemas.Event(schemas.TypeField, field.Name+"/"+field.Type, field.Name, time.Now())
		if err := c.publish(ctx, schemas.Fields, field.Name, value, headers); err != nil {
			return err
		}
	}
	return nil
}

// loadedProfiles prints what was published.
func (p *program) loadedProfiles(file *table.Table, took time.Duration) error {
	result := struct {
		Profiles int64    `json:"profiles"`
		Fields   []string `json:"fields"`
		Numbers  []string `json:"numbers"` // those of the fields that are published as numbers
		Seconds  float64  `json:"seconds"`
	}{Profiles: file.Rows, Fields: []string{}, Numbers: []string{}, Seconds: took.Seconds()}
	for _, column := range file.Columns {
		result.Fields = append(result.Fields, column.Name)
		if column.Numeric {
			result.Numbers = append(result.Numbers, column.Name)
		}
	}
	return p.print(result, func() {
		text := fmt.Sprintf("%s with %s published in %s", terminal.Count(result.Profiles, "profile"),
			terminal.Count(len(result.Fields), "field"), short(took))
		if len(result.Numbers) > 0 {
			text += "; as numbers: " + strings.Join(result.Numbers, ", ")
		}
		p.out.Line("%s", text)
	})
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
