package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"kindred/cmd/internal/reading"
	"kindred/cmd/internal/terminal"
	"kindred/schemas"
)

func (p *program) fields() *cobra.Command {
	return &cobra.Command{
		Use:   "fields [SEGMENT]",
		Short: "Show what is known of every field, and whether it is recommended to learn from",
		Long: "Show the fields of the profiles: type, how many values, how many of the customers have one, whether the field is recommended\n" +
			"to learn from, and why not. Values are named that at least 10 customers have, the most frequent first; those of a sensitive\n" +
			"field are not. With a SEGMENT, or an expansion, a field that gives its members away is found, too, as a run would find it.",
		Example: "  kindred fields\n  kindred fields vip",
		Args:    atMostOne("SEGMENT"),
		RunE: func(command *cobra.Command, arguments []string) error {
			segment := ""
			if len(arguments) == 1 {
				segment = arguments[0]
				if err := schemas.ValidSegmentID(segment); err != nil {
					return usage(fmt.Sprintf("segment %q: %v", segment, err), command.CommandPath()+" --help")
				}
			}
			list, err := p.survey(command.Context(), segment)
			if err != nil {
				return err
			}
			return p.print(list, func() { drawFields(p.out, p.aside, list) })
		},
	}
}

// survey finds out about all fields.
func (p *program) survey(ctx context.Context, segment string) (*reading.Fields, error) {
	c, err := p.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer c.close()
	topics := []string{schemas.Fields}
	if segment != "" {
		topics = append(topics, schemas.Segments, schemas.Expansions)
	}
	facts, close, err := p.facts(ctx, c, topics...)
	if err != nil {
		return nil, err
	}
	defer close()
	return facts.Fields(ctx, segment)
}

func drawFields(screen, aside terminal.Screen, l *reading.Fields) {
	if len(l.Fields) == 0 {
		aside.Line("no profile has a field yet: kindred load profiles FILE brings some")
		return
	}
	var rows [][]string
	recommended := 0
	for i := range l.Fields {
		f := &l.Fields[i]
		judged := "no: " + f.Why
		if f.Recommended {
			judged = "yes"
			recommended++
		}
		distinct := terminal.Number(f.Distinct)
		if f.Distinct == 255 {
			distinct += "+"
		}
		rows = append(rows, []string{f.Name, f.Type, distinct, terminal.Percent(f.Coverage), judged, valuesOf(f)})
	}
	screen.Table([]string{"field", "type", "#values", "#have it", "recommended", "most frequent"}, rows)
	words := fmt.Sprintf("%d of %s recommended, of %s.", recommended, terminal.Count(len(l.Fields), "field"), terminal.Count(l.Customers, "customer"))
	if s := l.Segment; s != nil {
		words += fmt.Sprintf(" Of %s in %s %s a profile.", terminal.Count(s.Members, "customer"), s.ID, have(s.WithProfile))
	} else {
		words += " A field that gives a segment away shows with its id: kindred fields SEGMENT"
	}
	screen.Line("")
	screen.Say(words)
}

func have(n int64) string {
	if n == 1 {
		return "1 has"
	}
	return terminal.Number(n) + " have"
}

// valuesOf lists the most frequent values for people.
func valuesOf(f *reading.Field) string {
	var words []string
	for _, v := range f.Values {
		text := string(v.Value)
		var plain string
		if json.Unmarshal(v.Value, &plain) == nil {
			text = plain
		}
		words = append(words, text)
	}
	return strings.Join(words, ", ")
}
