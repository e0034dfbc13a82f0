package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"kindred/cmd/internal/bench"
	"kindred/cmd/internal/config"
	"kindred/cmd/internal/terminal"
)

func (p *program) bench() *cobra.Command {
	b := &benchCommand{program: p}
	command := &cobra.Command{
		Use:   "bench [MEASURE ...]",
		Short: "Measure how fast kindred is, against what is physically possible",
		Long: "Measure how fast kindred is, on made-up customers. Beside a figure stands its limit, where there is one: what the\n" +
			"same servers and the same memory give, in the same run, to somebody who does nothing else. It runs on a\n" +
			"Kafka and a Redis of its own in this process, or on those that --kafka and --redis name; there it works under\n" +
			"a prefix of its own, and deletes what it has made.\n\nMeasures: " + strings.Join(bench.Names, ", "),
		Example: "  kindred bench --customers 1000000\n" +
			"  kindred bench live --rate 10000 --expansions 10 --memberships-per-change 2\n" +
			"  kindred bench ingest scan --kafka kafka:9092 --redis redis:6379 --json",
		Args: measures(b),
		RunE: func(command *cobra.Command, _ []string) error {
			if err := errors.Join(b.check(), b.checkSize(b.Customers, b.Fields, b.Expansions), b.checkPerChange(), b.checkSources()); err != nil {
				return usage(err.Error(), command.CommandPath()+" --help")
			}
			b.own = !serversNamed(command)
			if b.keep != "" && b.own {
				return usage("--keep: the bench's own servers keep nothing", "--kafka and --redis")
			}
			report, err := b.run(command.Context(), b.Customers, b.Fields, b.Expansions)
			if err != nil {
				return err
			}
			return b.printResult(report, report.Markdown, func() { drawBench(p.out, report) })
		},
	}
	flags := command.Flags()
	flags.IntVar(&b.Customers, "customers", 100_000, "how many customers to make up")
	flags.IntVar(&b.Fields, "fields", 20, "fields of each customer")
	flags.IntVar(&b.Expansions, "expansions", 1, "how many live expansions to make")
	flags.IntVar(&b.Sources, "sources", 1, "how many segments the live expansions are of, which a data event learns from one by one")
	flags.IntVar(&b.History, "history", 0, "profile changes that a rebuild finds in the topics, with the memberships that they caused")
	flags.Float64Var(&b.PerChange, "memberships-per-change", 0, "how many memberships follow from a profile event, for live; 0 for profiles that change at random")
	flags.StringVar(&b.keep, "keep", "", "keep what is made, under this name: the next bench with it finds its customers there")
	b.flags(flags, 5)
	command.AddCommand(p.benchGrowth(), p.benchCustomers(), p.benchClear())
	return command
}

// benchCommand is what bench and its subcommands share.
type benchCommand struct {
	*program
	bench.Bench
	keep     string // the name under which what is made is kept; empty: it is deleted
	own      bool   // Kafka and Redis of its own, in this process
	markdown bool   // tables of Markdown
	profiles string // directory for CPU profiles; empty: none are taken
}

func (b *benchCommand) flags(flags *pflag.FlagSet, repeat int) {
	flags.IntVar(&b.Rate, "rate", 1000, "profile events a second, for live")
	flags.DurationVar(&b.Duration, "duration", 5*time.Second, "for how long profile events come, for live")
	flags.IntVar(&b.Repeat, "repeat", repeat, "how often to measure; figures are medians")
	flags.Float64Var(&b.Share, "share", 0.2, "how many of those who are similar enough the first expansion takes, above 0, up to 1")
	flags.Uint64Var(&b.Seed, "seed", 1, "seed of the made-up customers")
	flags.BoolVar(&b.Changes, "changes", false, "have membership-changes written, too, as by serve --changes")
	flags.BoolVar(&b.markdown, "markdown", false, "print Markdown tables")
	flags.StringVar(&b.profiles, "profile", "", "write a CPU profile of each measure to this directory (go tool pprof)")
	config.PartitionFlag(flags, &b.Shards)
}

// measures accepts names of measures as arguments.
func measures(b *benchCommand) cobra.PositionalArgs {
	return func(command *cobra.Command, names []string) error {
		for _, name := range names {
			if !slices.Contains(bench.Names, name) {
				return usage(fmt.Sprintf("there is no measure %q", name), "some of "+strings.Join(bench.Names, " "))
			}
		}
		b.Only = names
		return nil
	}
}

// serversNamed reports whether the bench is to run on servers that exist, not on its own.
func serversNamed(command *cobra.Command) bool {
	return command.Flags().Changed("kafka") || command.Flags().Changed("redis")
}

// between returns an error when the value of a flag lies outside its bounds.
func between(flag string, value, from, to int) error {
	if value < from || value > to {
		return fmt.Errorf("--%s %d: want %s to %s", flag, value, terminal.Number(from), terminal.Number(to))
	}
	return nil
}

func (b *benchCommand) check() error {
	err := errors.Join(between("rate", b.Rate, 1, 1_000_000), between("repeat", b.Repeat, 1, 99), config.CheckPartitions(b.Shards))
	err = errors.Join(err, between("history", b.History, 0, 1_000_000_000))
	if !(b.Share > 0 && b.Share <= 1) {
		err = errors.Join(err, fmt.Errorf("--share %v: want above 0, up to 1", b.Share))
	}
	if b.keep != "" {
		err = errors.Join(err, b.checkKept())
	}
	if b.Duration < time.Millisecond || b.Duration > 24*time.Hour {
		err = errors.Join(err, fmt.Errorf("--duration %v: want 1ms to 24h", b.Duration))
	}
	return err
}

// checkKept returns an error when the name under which a bench is kept cannot be a part of the prefix.
func (b *benchCommand) checkKept() error {
	with := b.settings
	with.Prefix += kept(b.keep)
	return with.Check()
}

func (b *benchCommand) checkSize(customers, fields, expansions int) error {
	return errors.Join(
		between("customers", customers, 2000, 100_000_000),
		between("fields", fields, 4, 250),
		between("expansions", expansions, 1, 1000),
	)
}

// checkPerChange refuses more memberships of a change than there are expansions: each has one.
func (b *benchCommand) checkPerChange() error {
	if b.PerChange < 0 || b.PerChange > float64(b.Expansions) {
		return fmt.Errorf("--memberships-per-change %v: want 0 to %d, as many as --expansions", b.PerChange, b.Expansions)
	}
	return nil
}

// checkSources refuses more segments than there are expansions.
func (b *benchCommand) checkSources() error {
	return between("sources", b.Sources, 1, max(b.Expansions, 1))
}

// printResult prints a result as JSON, as Markdown or as draw does.
func (b *benchCommand) printResult(result any, markdown func() string, draw func()) error {
	if b.markdown && !b.settings.JSON {
		draw = func() { fmt.Fprint(b.out.W, markdown()) }
	}
	return b.print(result, draw)
}

// drawBench draws the figures as a table.
func drawBench(screen terminal.Screen, report *bench.Report) {
	screen.Title("kindred bench", "")
	screen.Say(report.Setting())
	screen.Line("")
	screen.Table(report.Rows())
	for _, m := range report.Measures {
		for _, note := range m.Notes {
			screen.Line("")
			screen.Say(m.Name + ": " + note)
		}
	}
	screen.Line("")
}
