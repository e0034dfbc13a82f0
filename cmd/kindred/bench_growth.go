package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"kindred/cmd/internal/bench"
	"kindred/cmd/internal/config"
	"kindred/cmd/internal/terminal"
)

func (p *program) benchGrowth() *cobra.Command {
	b := &benchCommand{program: p}
	var (
		sizes bench.Sizes
		svg   string
	)
	command := &cobra.Command{
		Use:   "growth [MEASURE ...]",
		Short: "Measure how figures grow with customers, fields and expansions",
		Long: "Measure again and again: with more and more customers, fields and live expansions, one of them at a time. The\n" +
			"others stay at their middle number, expansions at their least. What has one number only stays. A slope of 1 is linear\n" +
			"growth.",
		Example: "  kindred bench growth --svg docs/growth.svg --markdown\n" +
			"  kindred bench growth --customers 10000,100000000 --fields 20 --expansions 1",
		Args: measures(b),
		RunE: func(command *cobra.Command, _ []string) error {
			if err := errors.Join(b.check(), b.checkSizes(sizes)); err != nil {
				return usage(err.Error(), command.CommandPath()+" --help")
			}
			b.own = !serversNamed(command)
			if len(b.Only) == 0 {
				b.Only = bench.Growing()
			}
			growth, err := sizes.Grow(func(customers, fields, expansions int) (*bench.Report, error) {
				p.aside.Line("%s, %s, %s", terminal.Count(customers, "customer"), terminal.Count(fields, "field"), terminal.Count(expansions, "expansion"))
				return b.run(command.Context(), customers, fields, expansions)
			})
			if err != nil {
				return err
			}
			if svg != "" {
				if err := os.WriteFile(svg, []byte(growth.SVG()), 0o644); err != nil {
					return err
				}
			}
			return b.printResult(growth, growth.Markdown, func() { drawGrowth(p.out, growth) })
		},
	}
	flags := command.Flags()
	flags.IntSliceVar(&sizes.Customers, "customers", []int{100_000, 1_000_000, 10_000_000}, "numbers of customers, ascending")
	flags.IntSliceVar(&sizes.Fields, "fields", []int{5, 20, 100}, "numbers of fields")
	flags.IntSliceVar(&sizes.Expansions, "expansions", []int{1, 10, 100}, "numbers of live expansions")
	flags.StringVar(&svg, "svg", "", "draw a plot into this file")
	b.flags(flags, 3)
	return command
}

func (b *benchCommand) checkSizes(sizes bench.Sizes) (err error) {
	if len(sizes.Customers) == 0 || len(sizes.Fields) == 0 || len(sizes.Expansions) == 0 {
		return errors.New("--customers, --fields and --expansions need a number each")
	}
	if max(len(sizes.Customers), len(sizes.Fields), len(sizes.Expansions)) < 2 {
		return errors.New("nothing grows: --customers, --fields or --expansions needs two numbers at least")
	}
	for _, customers := range sizes.Customers {
		err = errors.Join(err, b.checkSize(customers, sizes.Fields[0], sizes.Expansions[0]))
	}
	for _, fields := range sizes.Fields {
		err = errors.Join(err, b.checkSize(sizes.Customers[0], fields, sizes.Expansions[0]))
	}
	for _, expansions := range sizes.Expansions {
		err = errors.Join(err, b.checkSize(sizes.Customers[0], sizes.Fields[0], expansions))
	}
	return err
}

// drawGrowth draws a table for each axis.
func drawGrowth(screen terminal.Screen, growth *bench.Growth) {
	for i := range growth.Axes {
		axis := &growth.Axes[i]
		screen.Title("by "+axis.Name, axis.Setting())
		screen.Line("")
		screen.Table(growth.Rows(axis))
	}
	screen.Line("")
}

func (p *program) benchCustomers() *cobra.Command {
	b := &benchCommand{program: p}
	command := &cobra.Command{
		Use:   "customers DIR",
		Short: "Write the made-up customers to DIR/customers.csv, the ids of the VIPs to DIR/vips.txt",
		Args:  named("DIR"),
		RunE: func(command *cobra.Command, arguments []string) error {
			if err := b.checkSize(b.Customers, b.Fields, 1); err != nil {
				return usage(err.Error(), command.CommandPath()+" --help")
			}
			return b.writeCustomers(arguments[0])
		},
	}
	flags := command.Flags()
	flags.IntVar(&b.Customers, "customers", 100_000, "how many customers to make up")
	flags.IntVar(&b.Fields, "fields", 20, "fields of each customer")
	flags.Uint64Var(&b.Seed, "seed", 1, "seed of the made-up customers")
	return command
}

func (p *program) benchClear() *cobra.Command {
	b := &benchCommand{program: p}
	command := &cobra.Command{
		Use:   "clear NAME",
		Short: "Delete what a bench has kept under a name",
		Args:  named("NAME"),
		RunE: func(command *cobra.Command, arguments []string) error {
			if b.keep = arguments[0]; b.keep == "" {
				return usage("NAME is empty", command.UseLine())
			}
			if err := errors.Join(b.checkKept(), config.CheckPartitions(b.Shards)); err != nil {
				return usage(err.Error(), command.CommandPath()+" --help")
			}
			return b.clearKept(command.Context())
		},
	}
	config.PartitionFlag(command.Flags(), &b.Shards)
	return command
}

func (b *benchCommand) writeCustomers(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	table, err := os.Create(filepath.Join(dir, "customers.csv"))
	if err != nil {
		return err
	}
	defer table.Close()
	vips, err := os.Create(filepath.Join(dir, "vips.txt"))
	if err != nil {
		return err
	}
	defer vips.Close()
	rows, ids := bufio.NewWriterSize(table, 1<<20), bufio.NewWriter(vips)
	err = errors.Join(b.WriteTable(rows, ids), rows.Flush(), ids.Flush(), table.Close(), vips.Close())
	if err != nil {
		return fmt.Errorf("write customers to %s: %w", dir, err)
	}
	return nil
}
