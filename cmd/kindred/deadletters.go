package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

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

// letterFilter chooses among the dead letters. What is empty chooses all.
type letterFilter struct {
	topic string // where the record was found, with its prefix
	code  string
}

func (f *letterFilter) flags(flags *pflag.FlagSet) {
	flags.StringVar(&f.topic, "topic", "", "only records of this topic, such as profiles")
	flags.StringVar(&f.code, "code", "", "only this reason, such as wrong_partition")
}

// complete adds the prefix to the topic's name. A topic that kindred does not have is an error.
func (f *letterFilter) complete(prefix schemas.Prefix) error {
	if f.topic == "" {
		return nil
	}
	var names []string
	for _, topic := range schemas.Topics(1) {
		if f.topic == topic.Name || f.topic == prefix.Topic(topic.Name) {
			f.topic = prefix.Topic(topic.Name)
			return nil
		}
		names = append(names, topic.Name)
	}
	return fmt.Errorf("--topic %q: want one of %s", f.topic, strings.Join(names, ", "))
}

func (f *letterFilter) takes(l *letter) bool {
	return (f.topic == "" || f.topic == l.Topic) && (f.code == "" || f.code == l.Code)
}

// String returns the filter in words that follow a number of letters.
func (f *letterFilter) String() string {
	words := ""
	if f.topic != "" {
		words += " of " + f.topic
	}
	if f.code != "" {
		words += " with the code " + f.code
	}
	return words
}

// letter is a dead letter as it lies on its topic. Key, value and headers are valid for as long as the record is.
type letter struct {
	schemas.DeadLetter
	at int64 // its own offset, by which people name it
}

func readLetter(record *wire.Record) (letter, error) {
	d, err := schemas.ReadDeadLetter(record)
	l := letter{DeadLetter: d, at: record.Offset}
	if l.At.IsZero() {
		l.At = time.UnixMilli(record.Timestamp).UTC()
	}
	return l, err
}

// valueless returns why there is nothing that could be put back, in words; empty: there is.
func (l *letter) valueless() string {
	switch {
	case l.Whole():
		return ""
	case l.Code == schemas.CorruptBatch:
		return "its batch could not be read"
	}
	return fmt.Sprintf("its value of %d bytes was too large to be kept", l.Size)
}

// letters visits the dead letters, oldest first, and returns how many records of the topic are none.
func (c *connection) letters(ctx context.Context, visit func(*letter) error) (strange int, err error) {
	end, err := c.end(ctx, schemas.DeadLetters)
	if err != nil {
		return 0, err
	}
	err = c.readReadable(ctx, wire.Position{Topic: c.prefix.Topic(schemas.DeadLetters)}, end, func(record *wire.Record) error {
		l, err := readLetter(record)
		if err != nil {
			strange++ // somebody else's
			return nil
		}
		return visit(&l)
	})
	return strange, err
}

// letter reads one dead letter; nil: there is none at this offset. It is the caller's to keep.
func (c *connection) letter(ctx context.Context, offset int64) (found *letter, err error) {
	end, err := c.end(ctx, schemas.DeadLetters)
	if err != nil || offset >= end {
		return nil, err
	}
	at := wire.Position{Topic: c.prefix.Topic(schemas.DeadLetters), Offset: offset}
	err = c.readReadable(ctx, at, offset+1, func(record *wire.Record) error {
		if record.Offset == offset {
			kept := record.Clone()
			l, err := readLetter(&kept)
			found = &l
			return err
		}
		return nil
	})
	return found, err
}

// letterAt reads the dead letter that an argument names.
func (c *connection) letterAt(ctx context.Context, argument string) (*letter, error) {
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
	var filter letterFilter
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
			list := letterList{page: make([]letterLine, 0, limit)}
			list.Strange, err = c.letters(command.Context(), func(l *letter) error {
				if filter.takes(l) {
					list.add(l)
				}
				return nil
			})
			if err != nil {
				return err
			}
			list.finish()
			return p.print(list, func() { list.draw(p.out, p.aside, filter) })
		},
	}
	filter.flags(command.Flags())
	command.Flags().IntVar(&limit, "limit", usualPage, "show so many of the newest")
	return command
}

// letterList is what `dead-letters list` prints. It holds counts and one page, however many letters there are.
type letterList struct {
	Counts  []letterCount `json:"counts"`
	Letters []letterLine  `json:"letters"` // newest first
	Strange int           `json:"strange"` // records of the topic that are no dead letters

	counts map[[2]string]*letterCount // by topic and code
	page   []letterLine               // the newest, as a ring of its capacity
	next   int                        // where in it the next one goes
}

type letterCount struct {
	Topic  string    `json:"topic"`
	Code   string    `json:"code"`
	Count  int64     `json:"count"`
	Newest time.Time `json:"newest"`
}

// letterLine is what of a dead letter can be shown to anybody.
type letterLine struct {
	Offset       int64     `json:"offset"`
	At           time.Time `json:"at"`
	Topic        string    `json:"topic"`
	Partition    int       `json:"partition"`
	SourceOffset int64     `json:"sourceOffset"`
	Stage        string    `json:"stage"`
	Code         string    `json:"code"`
	Message      string    `json:"message"`
	Replays      int       `json:"replays"`
	Replayable   bool      `json:"replayable"`
}

func (l *letter) line() letterLine {
	return letterLine{
		Offset: l.at, At: l.At, Topic: clip(l.Topic), Partition: l.Partition, SourceOffset: l.Offset,
		Stage: clip(l.Stage), Code: clip(l.Code), Message: clip(l.Message), Replays: l.Replays, Replayable: l.valueless() == "",
	}
}

// clip returns a copy of a text of bounded length: anybody can write a header.
func clip(text string) string {
	const longest = 500 // bytes; kindred's own messages are shorter
	if len(text) > longest {
		text = text[:longest] + "…"
	}
	return strings.Clone(text)
}

// mostCounted bounds the pairs of topic and code that are told apart: anybody can write codes.
const mostCounted = 1000

func (list *letterList) add(l *letter) {
	if list.counts == nil {
		list.counts = map[[2]string]*letterCount{}
	}
	of := [2]string{clip(l.Topic), clip(l.Code)}
	count := list.counts[of]
	if count == nil && len(list.counts) >= mostCounted {
		of = [2]string{"(others)", "(others)"}
		count = list.counts[of]
	}
	if count == nil {
		count = &letterCount{Topic: of[0], Code: of[1]}
		list.counts[of] = count
	}
	count.Count++
	count.Newest = l.At
	switch {
	case cap(list.page) == 0:
	case len(list.page) < cap(list.page):
		list.page = append(list.page, l.line())
	default:
		list.page[list.next] = l.line()
		list.next = (list.next + 1) % len(list.page)
	}
}

// finish puts the counts and the page into their order.
func (list *letterList) finish() {
	list.Counts, list.Letters = []letterCount{}, []letterLine{}
	for _, of := range slices.SortedFunc(maps.Keys(list.counts), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) }) {
		list.Counts = append(list.Counts, *list.counts[of])
	}
	list.Letters = append(append(list.Letters, list.page[list.next:]...), list.page[:list.next]...)
	slices.Reverse(list.Letters)
}

func (list *letterList) draw(screen, aside terminal.Screen, filter letterFilter) {
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
