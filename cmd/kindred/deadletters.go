package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"kindred/cmd/internal/reading"
	"kindred/cmd/internal/terminal"
	"kindred/schemas"
	"kindred/schemas/wire"
)

func (p *program) deadLetters() *cobra.Command {
	command := &cobra.Command{
		Use:   "dead-letters",
		Short: "Look at the records that could not be handled, and put them back",
		Long: "A record that cannot be handled is passed over and kept on the topic dead-letters for two weeks, byte for byte, with\n" +
			"the reason. Nothing that is printed here holds a customer's id or the value of a field, unless show is asked for it.",
	}
	asGroup(command)
	command.AddCommand(p.listLetters(), p.showLetter(), p.replayLetters())
	return command
}

// letterFlags choose among the dead letters.
type letterFlags struct{ reading.LetterFilter }

func (f *letterFlags) flags(flags *pflag.FlagSet) {
	flags.StringVar(&f.Topic, "topic", "", "only records of this topic, such as profiles")
	flags.StringVar(&f.Code, "code", "", "only this reason, such as wrong_partition")
}

// complete adds the prefix to the topic's name. A topic that kindred does not have is an error.
func (f *letterFlags) complete(prefix schemas.Prefix) error {
	if f.Topic == "" {
		return nil
	}
	var names []string
	for _, topic := range append(schemas.Topics(1), schemas.Changes(1)) {
		if f.Topic == topic.Name || f.Topic == prefix.Topic(topic.Name) {
			f.Topic = prefix.Topic(topic.Name)
			return nil
		}
		names = append(names, topic.Name)
	}
	return fmt.Errorf("--topic %q: want one of %s", f.Topic, strings.Join(names, ", "))
}

// String returns the filter in words that follow a number of letters.
func (f *letterFlags) String() string {
	words := ""
	if f.Topic != "" {
		words += " of " + f.Topic
	}
	if f.Code != "" {
		words += " with the code " + f.Code
	}
	return words
}

// letters visits the dead letters, oldest first, and returns how many records of the topic are none.
func (c *connection) letters(ctx context.Context, visit func(*reading.DeadLetter) error) (strange int, err error) {
	if _, err := c.partitions(ctx, schemas.DeadLetters); err != nil {
		return 0, err
	}
	return reading.EachDeadLetter(ctx, c.fetcher, c.prefix, visit)
}

// letter reads one dead letter; nil: there is none at this offset. It is the caller's to keep.
func (c *connection) letter(ctx context.Context, offset int64) (found *reading.DeadLetter, err error) {
	end, err := c.end(ctx, schemas.DeadLetters)
	if err != nil || offset >= end {
		return nil, err
	}
	at := wire.Position{Topic: c.prefix.Topic(schemas.DeadLetters), Offset: offset}
	err = c.readReadable(ctx, at, offset+1, func(record *wire.Record) error {
		if record.Offset == offset {
			kept := record.Clone()
			l, err := reading.ReadDeadLetter(&kept)
			found = &l
			return err
		}
		return nil
	})
	return found, err
}

// letterAt reads the dead letter that an argument names.
func (c *connection) letterAt(ctx context.Context, argument string) (*reading.DeadLetter, error) {
	offset, err := strconv.ParseInt(argument, 10, 64)
	if err != nil || offset < 0 {
		return nil, usage(fmt.Sprintf("OFFSET %q is no number", argument), "kindred dead-letters list")
	}
	found, err := c.letter(ctx, offset)
	if err == nil && found == nil {
		err = hint(fmt.Errorf("there is no dead letter at offset %d: letters are kept for two weeks", offset), "kindred dead-letters list")
	}
	return found, err
}

// Limits of --limit.
const (
	usualPage   = 20
	largestPage = 10_000
)

func (p *program) listLetters() *cobra.Command {
	var filter letterFlags
	var limit int
	command := &cobra.Command{
		Use:     "list",
		Short:   "Count dead letters by topic and reason, and show the newest",
		Example: "  kindred dead-letters list --topic profiles --code wrong_partition",
		Args:    named(),
		RunE: func(command *cobra.Command, _ []string) error {
			err := filter.complete(schemas.Prefix(p.settings.Prefix))
			if err == nil && (limit < 0 || limit > largestPage) {
				err = fmt.Errorf("--limit %d: want 0 to %s", limit, terminal.Number(largestPage))
			}
			if err != nil {
				return usage(err.Error(), command.CommandPath()+" --help")
			}
			c, err := p.connect(command.Context())
			if err != nil {
				return err
			}
			defer c.close()
			if _, err := c.partitions(command.Context(), schemas.DeadLetters); err != nil {
				return err
			}
			list, err := (&reading.Facts{Prefix: c.prefix, Kafka: c.fetcher}).Letters(command.Context(), filter.LetterFilter, limit)
			if err != nil {
				return err
			}
			return p.print(list, func() { drawLetters(p.out, p.aside, list, filter) })
		},
	}
	filter.flags(command.Flags())
	command.Flags().IntVar(&limit, "limit", usualPage, "show so many of the newest")
	return command
}

func drawLetters(screen, aside terminal.Screen, list *reading.Letters, filter letterFlags) {
	if list.Strange > 0 {
		aside.Line("%s of the topic hold no dead letter: another program has written them", terminal.Count(list.Strange, "record"))
	}
	if len(list.Counts) == 0 {
		aside.Line("there are no dead letters%s", &filter)
		return
	}
	var rows [][]string
	for _, c := range list.Counts {
		rows = append(rows, []string{c.Topic, c.Code, terminal.Number(c.Count), clock(c.Newest)})
	}
	screen.Table([]string{"topic", "code", "#letters", "newest"}, rows)
	if len(list.Letters) == 0 {
		return
	}
	screen.Title("The newest", "kindred dead-letters show OFFSET has the rest of one")
	for _, l := range list.Letters {
		screen.Beside(strconv.FormatInt(l.Offset, 10), fmt.Sprintf("%s  %s %d/%d", clock(l.At), l.Topic, l.Partition, l.SourceOffset))
		screen.Indented(6, l.Code+": "+l.Message)
	}
}

// clock writes a moment as it is known everywhere.
func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") }
