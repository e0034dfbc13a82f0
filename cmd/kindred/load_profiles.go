package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kindred/cmd/internal/table"
	"kindred/cmd/internal/terminal"
	"kindred/schemas"
)

// loading is a load of profiles, as it was asked for.
type loading struct {
	table.Table
	types     []schemas.Field // columns and their types
	sensitive []string        // columns
	event     bool            // publish a data event at the end
}

func (p *program) loadProfiles() *cobra.Command {
	var l loading
	var (
		delimiter string
		types     []string
		quiet     bool
	)
	command := &cobra.Command{
		Use:   "profiles FILE",
		Short: "Publish a profile for every row of a table",
		Long: "Publish a profile for every row of a table. " + formats + "\n\n" +
			"The file is looked through before anything is published, and what is wrong or strange about it is told first. Where\n" +
			"cells have no type, a column of numbers is published as numbers, also when a tenth of its cells or fewer are words. An\n" +
			"empty cell is absent, and so is one that says NULL, NA, N/A, NaN, None or \\N. Of rows with the same id the last one counts.\n\n" +
			"Without --consent a customer who has said no to profiling stays so: the topic of the profiles is read first, a second or\n" +
			"two for each million. At the end a data event refreshes the expansions that wait for one.",
		Example: "  kindred load profiles customers.csv --id customerID --skip churn\n" +
			"  kindred load profiles people.csv.gz --id id --consent newsletter \\\n" +
			"    --sensitive religion --type sex=Person.Gender\n" +
			"  psql -c 'copy customers to stdout csv header' |\n" +
			"    kindred load profiles - --id id --null '?'",
		Args: named("FILE"),
		RunE: func(command *cobra.Command, arguments []string) error {
			if err := l.parse(delimiter, types); err != nil {
				return usage(err.Error(), command.CommandPath()+" --help")
			}
			l.event = !quiet
			in, err := table.Open(arguments[0], command.InOrStdin())
			if err != nil {
				return explained(err)
			}
			defer in.Close()
			l.Input = in
			if err := l.look(p); err != nil {
				return err
			}
			return p.publishProfiles(command.Context(), &l)
		},
	}
	flags := command.Flags()
	flags.StringVar(&l.ID, "id", "", "column that holds the customer's id (default the number of the row)")
	flags.StringVar(&l.Consent, "consent", "", "column that says whether the customer may be profiled: true or false, yes or no, 1 or 0")
	flags.StringArrayVar(&l.Skip, "skip", nil, "column to leave out; may be repeated")
	flags.StringArrayVar(&l.sensitive, "sensitive", nil, "column that is never learned from, whoever asks; may be repeated")
	flags.StringArrayVar(&types, "type", nil, "column and its type, such as sex=Person.Gender, declared to the fields topic; may be repeated")
	flags.StringArrayVar(&l.Nothing, "null", nil, "word that means an absent value, beside the usual ones; '' takes these away; may be repeated")
	flags.StringVar(&delimiter, "delimiter", "", `what stands between two cells; \t for a tab (default as in the first line)`)
	flags.BoolVar(&quiet, "no-event", false, "publish no data event at the end")
	return command
}

// parse parses the flags that are more than texts.
func (l *loading) parse(delimiter string, types []string) (err error) {
	if l.Delimiter, err = oneRune(delimiter); err != nil {
		return err
	}
	for _, declaration := range types {
		at := strings.LastIndex(declaration, "=")
		if at <= 0 || at == len(declaration)-1 {
			return fmt.Errorf("--type %q: want COLUMN=TYPE", declaration)
		}
		l.types = append(l.types, schemas.Field{Name: declaration[:at], Type: declaration[at+1:]})
	}
	return nil
}

// look looks through the file and tells what is strange about it. It returns an error when nothing of it can be published.
func (l *loading) look(p *program) error {
	if err := l.Look(); err != nil {
		return explained(err)
	}
	names := l.names()
	declared := slices.Clone(l.sensitive)
	for _, field := range l.types {
		declared = append(declared, field.Name)
	}
	if l.Rows > 0 {
		for _, name := range declared {
			if !slices.Contains(names, name) {
				return usage(fmt.Sprintf("%q is declared, and there is no such field", name), "one of "+strings.Join(names, ", "))
			}
		}
	}
	nothing := errors.New(l.Input.Name + ": nothing was published: ")
	switch {
	case l.Rows == 0:
		return hint(fmt.Errorf("%wthere is no row below the names of the columns", nothing), "a file with rows")
	case len(names) == 0:
		return hint(fmt.Errorf("%wno row has a value in any column but the id", nothing), "a table with a column for each field")
	case len(names) == 1 && l.ID == "" && l.Consent == "" && len(l.Skip) == 0:
		return hint(fmt.Errorf("%wthe table has one column, %q, and nothing that says whose it is", nothing, names[0]),
			"--id COLUMN in a table with other columns; kindred load segment if this is a list of customers")
	}
	if l.Noticed != 0 {
		p.aside.Line("%s: %q stands between cells", l.Input.Name, l.Noticed)
	}
	p.warn(l.Input.Name, l.Findings)
	return nil
}

func (l *loading) names() (all []string) {
	for i := range l.Columns {
		all = append(all, l.Columns[i].Name)
	}
	return all
}

// loaded is what a load has done.
type loaded struct {
	Rows     int64           `json:"rows"`
	Profiles int64           `json:"profiles"` // customers
	Fields   []string        `json:"fields"`
	Numbers  []string        `json:"numbers"` // those of the fields that are published as numbers
	Absent   absent          `json:"absent"`
	Denied   int64           `json:"denied"`            // profiles published with profiling false
	Kept     int64           `json:"kept,omitempty"`    // those of them whose customers had said so before
	BatchID  string          `json:"batchId,omitempty"` // of the data event
	Warnings []table.Finding `json:"warnings"`
	Seconds  float64         `json:"seconds"`
}

type absent struct {
	Cells int64            `json:"cells"`
	Words map[string]int64 `json:"words"` // how many of them said so
}

func (p *program) publishProfiles(ctx context.Context, l *loading) error {
	c, err := p.connect(ctx)
	if err != nil {
		return err
	}
	defer c.close()
	begun := time.Now()
	if len(l.types)+len(l.sensitive) > 0 {
		before, err := c.declared(ctx)
		if err == nil {
			err = c.declare(ctx, l.declarations(before))
		}
		if err != nil {
			return err
		}
	}
	publication := publication{program: p, connection: c, loading: l, batch: newBatch(begun)}
	lost, err := publication.lost(ctx)
	if err != nil {
		return err
	}
	l.Findings = append(l.Findings, lost...)
	p.warn(l.Input.Name, lost)
	if err := publication.run(ctx); err != nil {
		return err
	}
	result := loaded{
		Rows: l.Rows, Profiles: l.Profiles, Fields: l.names(), Numbers: []string{}, Absent: absent{l.Absent, l.Words},
		Denied: publication.denied, Kept: publication.kept, Warnings: append([]table.Finding{}, l.Findings...),
	}
	if l.event {
		if err := c.announce(ctx, publication.batch); err != nil {
			return fmt.Errorf("%w (the profiles are published, the data event is not)", err)
		}
		result.BatchID = publication.batch
	}
	for i := range l.Columns {
		if l.Columns[i].Numeric {
			result.Numbers = append(result.Numbers, l.Columns[i].Name)
		}
	}
	result.Seconds = time.Since(begun).Seconds()
	return p.print(result, func() { result.draw(p, time.Since(begun)) })
}

// draw tells people what was published.
func (r *loaded) draw(p *program, took time.Duration) {
	text := fmt.Sprintf("%s with %s published in %s", terminal.Count(r.Profiles, "profile"), terminal.Count(len(r.Fields), "field"), short(took))
	if len(r.Numbers) > 0 {
		text += "; as numbers: " + strings.Join(r.Numbers, ", ")
	}
	p.out.Line("%s", text)
	if r.Profiles < r.Rows {
		p.out.Line("  from %s", terminal.Count(r.Rows, "row"))
	}
	if r.Absent.Cells > 0 {
		p.out.Line("  %s", r.Absent.text())
	}
	if r.Kept > 0 {
		p.out.Line("  %s said no to profiling before, and so it stays", terminal.Count(r.Kept, "customer"))
	} else if r.Denied > 0 {
		p.out.Line("  %s may not be profiled", terminal.Count(r.Denied, "customer"))
	}
	if len(r.Warnings) > 0 {
		p.out.Line("  %s, see above", terminal.Count(len(r.Warnings), "warning"))
	}
}

func (a *absent) text() string {
	text := terminal.Count(a.Cells, "absent cell")
	var words []string
	for _, word := range slices.Sorted(maps.Keys(a.Words)) {
		words = append(words, fmt.Sprintf("%s %s", terminal.Number(a.Words[word]), word))
	}
	if len(words) > 0 {
		text += ", of them " + strings.Join(words, ", ")
	}
	return text
}
