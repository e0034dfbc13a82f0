package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kindred/cmd/internal/reading"
	"kindred/cmd/internal/table"
	"kindred/cmd/internal/terminal"
	"kindred/schemas"
	"kindred/schemas/retry"
)

func (p *program) export() *cobra.Command {
	e := exporting{program: p}
	command := &cobra.Command{
		Use:   "export ID",
		Short: "Write all members of an expansion to a file, or follow them",
		Long: "Write all members of an expansion, the most similar first, with the columns customerId, score and band.\n\n" +
			"The file is there whole or not at all, and only you can read it. While a run is publishing, export waits for\n" +
			"its end. With --follow it writes JSON lines to stdout until Ctrl-C: everybody who is a member, as \"member\",\n" +
			"then every change as it comes, as \"entered\", \"changed\" or \"left\"; the last one of a customer counts.",
		Example: "  kindred export vip-expansion -o vip.parquet\n" +
			"  kindred export vip-expansion --format csv | wc -l\n" +
			"  kindred export vip-expansion --follow",
		Args: named("ID"),
		RunE: func(command *cobra.Command, arguments []string) error {
			if err := e.check(command, arguments[0]); err != nil {
				return err
			}
			return e.run(command.Context())
		},
	}
	flags := command.Flags()
	flags.StringVar(&e.format, "format", "", "csv, jsonl or parquet (default: what the file's name ends with, else csv)")
	flags.StringVarP(&e.path, "output", "o", "-", "file to write; - for stdout")
	flags.BoolVar(&e.force, "force", false, "replace the file when it is there already")
	flags.BoolVar(&e.follow, "follow", false, "go on with every change, as JSON lines on stdout")
	flags.BoolVar(&e.heldOut, "holdout", false, "those who would be members and are held out, instead of the members")
	return command
}

// exporting is one export, as it was asked for.
type exporting struct {
	*program
	id            string
	format, path  string
	force, follow bool
	heldOut       bool
}

// exported is what `export` prints.
type exported struct {
	ExpansionID string         `json:"expansionId"`
	File        string         `json:"file"`
	Format      string         `json:"format"`
	HeldOut     bool           `json:"heldOut"` // not the members, but those who are held out
	Customers   int64          `json:"customers"`
	Bands       []exportedBand `json:"bands"`
	Bytes       int64          `json:"bytes"`
	SHA256      string         `json:"sha256"`
	RunID       string         `json:"runId"` // of the last run that was successful
	AsOf        time.Time      `json:"asOf"`
}

type exportedBand struct {
	Band      string `json:"band"`
	Customers int64  `json:"customers"`
}

func (e *exporting) check(command *cobra.Command, id string) error {
	help := command.CommandPath() + " --help"
	if err := canBeExpansion(command, id); err != nil {
		return err
	}
	e.id = id
	if e.format == "" {
		if e.format = table.FormatOf(e.path); e.format == "" {
			e.format = "csv"
		}
		if e.follow {
			e.format = "jsonl"
		}
	}
	switch {
	case !slices.Contains(table.Formats, e.format):
		return usage(fmt.Sprintf("--format %q: want %s", e.format, strings.Join(table.Formats, ", ")), help)
	case e.follow && (e.format != "jsonl" || e.path != "-" || e.heldOut):
		return usage("--follow writes the members to stdout, as JSON lines", command.CommandPath()+" "+id+" --follow")
	case e.path == "-" && e.settings.JSON && !e.follow:
		return usage("--json tells about a file: stdout has the members", command.CommandPath()+" "+id+" --json -o FILE")
	case e.path == "-" && e.format == "parquet" && e.out.IsTerminal():
		return usage("Parquet is not for a terminal", command.CommandPath()+" "+id+" -o "+id+".parquet")
	}
	return nil
}

func (e *exporting) run(ctx context.Context) error {
	var file *exportFile
	if e.path != "-" {
		var err error
		if file, err = createExport(e.path, e.force); err != nil {
			return err
		}
		defer file.abort()
	}
	if err := e.settings.ReachRedis(ctx); err != nil {
		return err
	}
	c, err := e.connect(ctx)
	if err != nil {
		return err
	}
	defer c.close()
	facts, close, err := e.facts(ctx, c, schemas.Expansions)
	if err != nil {
		return err
	}
	defer close()
	roster, err := e.list(ctx, c, facts)
	if err != nil {
		return err
	}
	defer roster.Close()
	if e.follow {
		return e.followAll(ctx, facts, roster)
	}
	if file == nil {
		out := e.stdout()
		if err := e.write(ctx, out, roster); err != nil {
			return err
		}
		return out.Flush()
	}
	if err := e.write(ctx, file, roster); err != nil {
		return fmt.Errorf("write %s: %w", e.path, err)
	}
	if err := file.finish(); err != nil {
		return err
	}
	return e.tell(file, roster)
}

// stdout is where lines go when there is no file.
func (e *exporting) stdout() *bufio.Writer {
	if e.out.IsTerminal() {
		return bufio.NewWriter(&cleaned{screen: e.out})
	}
	return bufio.NewWriterSize(e.out.W, 1<<16)
}

// list lists everybody at a moment when no run is publishing: then the list has what the last run has decided, and live changes.
func (e *exporting) list(ctx context.Context, c *connection, facts *reading.Facts) (*reading.Roster, error) {
	for {
		before, err := e.atRest(ctx, c, facts)
		if err != nil {
			return nil, err
		}
		roster, err := e.listNow(ctx, facts)
		if err != nil {
			return nil, err
		}
		after, err := e.look(ctx, c, facts)
		if err == nil && after.Epoch == before.Epoch && !publishing(after) {
			return roster, nil
		}
		roster.Close() // a run has begun to publish meanwhile
		if err != nil {
			return nil, err
		}
	}
}

// listNow lists those who are asked for, as the caches have them now.
func (e *exporting) listNow(ctx context.Context, facts *reading.Facts) (*reading.Roster, error) {
	if e.heldOut {
		return facts.HeldOutRoster(ctx, e.id)
	}
	seen, end := e.progress(int64(facts.Shards))
	defer end()
	return facts.Roster(ctx, e.id, seen)
}

// progress shows to people how many shards have been read.
func (e *exporting) progress(shards int64) (seen func(shard int), end func()) {
	if !e.aside.IsTerminal() {
		return func(int) {}, func() {}
	}
	p := e.aside.Count("shards", shards)
	return func(shard int) { p.At(int64(shard + 1)) }, func() { p.End("") }
}

// atRest waits until no run of the expansion is publishing.
func (e *exporting) atRest(ctx context.Context, c *connection, facts *reading.Facts) (*schemas.Expansion, error) {
	for told := false; ; {
		expansion, err := e.look(ctx, c, facts)
		if err != nil || !publishing(expansion) {
			return expansion, err
		}
		if !told {
			told = true
			e.aside.Line("waiting for the end of run %s, which is publishing", expansion.Run.RunID)
		}
		if err := retry.Sleep(ctx, restEvery); err != nil {
			return nil, err
		}
	}
}

const restEvery = 200 * time.Millisecond

// look reads the expansion anew.
func (e *exporting) look(ctx context.Context, c *connection, facts *reading.Facts) (*schemas.Expansion, error) {
	book, err := c.book(ctx, schemas.Expansions)
	if err != nil {
		return nil, err
	}
	facts.Book = book
	return facts.Committed(e.id)
}

func publishing(e *schemas.Expansion) bool { return e.Run != nil && e.Run.Committed }

// write writes everybody as a table, unless ctx ends before that.
func (e *exporting) write(ctx context.Context, to io.Writer, roster *reading.Roster) error {
	rows, err := table.WriteMembers(to, e.format, map[string]string{
		"kindred.expansionId": e.id, "kindred.runId": runOf(roster.Expansion), "kindred.asOf": roster.AsOf.Format(time.RFC3339Nano),
	})
	if err != nil {
		return err
	}
	formulas := 0
	err = roster.Each(func(m reading.Member) error {
		if strings.ContainsRune("=+-@", rune(m.CustomerID[0])) {
			formulas++
		}
		return cmp.Or(ctx.Err(), rows.Write(&table.Member{CustomerID: m.CustomerID, Score: m.Score, Band: m.Band}))
	})
	if err == nil {
		err = rows.Close()
	}
	if err == nil && e.format == "csv" && formulas > 0 {
		e.aside.Line("%s begin with =, +, - or @, which spreadsheets take for formulas: import customerId as text",
			terminal.Count(formulas, "id"))
	}
	return err
}

// runOf returns the id of the run whose report an expansion has; empty: it is not known.
func runOf(e *schemas.Expansion) string {
	if e.LastRun != nil && e.LastRun.Status == schemas.Successful {
		return e.LastRun.RunID
	}
	return ""
}

// tell prints what was written.
func (e *exporting) tell(file *exportFile, roster *reading.Roster) error {
	result := exported{ExpansionID: e.id, File: e.path, Format: e.format, HeldOut: e.heldOut, Customers: roster.Total,
		Bytes: file.bytes, SHA256: file.checksum(), RunID: runOf(roster.Expansion), AsOf: roster.AsOf}
	for band, n := range roster.Bands {
		result.Bands = append(result.Bands, exportedBand{schemas.BandNames[band], n})
	}
	e.tellAge(roster.AsOf)
	return e.print(result, func() {
		who := "members"
		if e.heldOut {
			who = "held out"
		}
		e.out.Message(fmt.Sprintf("%s %s of %s in %s: %s bytes, sha256 %s", terminal.Number(roster.Total), who, e.id, e.path,
			terminal.Number(file.bytes), result.SHA256))
	})
}

// cleaned writes lines to a terminal, which what somebody has called a customer must not reach as it is.
type cleaned struct {
	screen terminal.Screen
	rest   []byte
}

func (c *cleaned) Write(p []byte) (int, error) {
	c.rest = append(c.rest, p...)
	for {
		line, rest, found := bytes.Cut(c.rest, []byte("\n"))
		if !found {
			return len(p), nil
		}
		c.screen.Line("%s", line)
		c.rest = rest
	}
}
