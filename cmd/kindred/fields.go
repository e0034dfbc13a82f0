package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"kindred/cmd/internal/terminal"
	"kindred/pipeline/cache"
	"kindred/pipeline/field"
	"kindred/pipeline/learn"
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
			return p.print(list, func() { list.draw(p.out, p.aside) })
		},
	}
}

// fieldList is what `fields` prints.
type fieldList struct {
	Customers int64         `json:"customers"` // with a profile and consent
	Segment   *surveyedFrom `json:"segment,omitempty"`
	Fields    []fieldLine   `json:"fields"`
}

// surveyedFrom is the segment that fields were judged against.
type surveyedFrom struct {
	ID          string `json:"segmentId"`
	Members     int64  `json:"members"`
	WithProfile int64  `json:"withProfile"` // and consent
}

type fieldLine struct {
	Name        string       `json:"name"`
	Type        string       `json:"type"`
	Distinct    int64        `json:"distinct"` // 255 stands for that many or more
	Coverage    float64      `json:"coverage"`
	Recommended bool         `json:"recommended"`
	Reason      string       `json:"reason,omitempty"`
	Why         string       `json:"why,omitempty"`
	Values      []fieldValue `json:"values"` // the most frequent, at most mostValues
}

type fieldValue struct {
	Value     json.RawMessage `json:"value"`
	Customers int64           `json:"customers"`
}

// mostValues is how many values of a field are named.
const mostValues = 6

// survey finds out about all fields.
func (p *program) survey(ctx context.Context, segment string) (*fieldList, error) {
	c, err := p.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer c.close()
	derived := false
	if segment != "" {
		if derived, err = c.isDerived(ctx, segment); err != nil {
			return nil, err
		}
	}
	declared, err := c.declared(ctx)
	if err != nil {
		return nil, err
	}
	store, shards, err := p.caches(ctx, c)
	if err != nil {
		return nil, err
	}
	defer store.Close()
	found, err := (&learn.Trainer{Cache: store, Number: shards}).Survey(ctx, slices.Collect(maps.Values(declared)), segment, derived)
	if errors.Is(err, cache.ErrNotReady) {
		return nil, hint(err, "again in a moment; is kindred serve running?")
	}
	if err != nil {
		return nil, err
	}
	list := &fieldList{Customers: found.Customers.All, Fields: make([]fieldLine, 0, len(found.Fields))}
	if segment != "" {
		list.Segment = &surveyedFrom{segment, found.Segment, found.Customers.Source}
	}
	for i := range found.Fields {
		list.Fields = append(list.Fields, lineOf(&found.Fields[i]))
	}
	return list, nil
}

func lineOf(f *field.Surveyed) fieldLine {
	line := fieldLine{
		Name: f.Name, Type: f.Type, Distinct: f.Distinct, Coverage: f.Coverage,
		Recommended: f.Used, Reason: f.Reason, Why: f.Why, Values: []fieldValue{},
	}
	for _, v := range f.Values[:min(len(f.Values), mostValues)] {
		line.Values = append(line.Values, fieldValue{json.RawMessage(v.Text), v.All})
	}
	return line
}

// isDerived reports whether an id is that of an expansion. One that is of nothing is an error.
func (c *connection) isDerived(ctx context.Context, id string) (bool, error) {
	segments, err := c.segments(ctx)
	if err != nil || slices.ContainsFunc(segments, func(s schemas.Segment) bool { return s.SegmentID == id }) {
		return false, err
	}
	expansion, err := c.expansion(ctx, id)
	if err == nil && expansion == nil {
		err = hint(fmt.Errorf("there is no segment %s", id), "kindred segments")
	}
	return true, err
}

func (l *fieldList) draw(screen, aside terminal.Screen) {
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
		rows = append(rows, []string{f.Name, f.Type, distinct, terminal.Percent(f.Coverage), judged, f.values()})
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

// values lists the most frequent values for people.
func (f *fieldLine) values() string {
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
