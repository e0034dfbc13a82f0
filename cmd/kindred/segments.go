package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"kindred/cmd/internal/reading"
	"kindred/cmd/internal/terminal"
	"kindred/schemas"
)

func (p *program) segmentList() *cobra.Command {
	return &cobra.Command{
		Use:   "segments",
		Short: "List the segments: how many are in each, which snapshot counts, and which expansions use it",
		Long: "List the segments that upstream has published: how many customers are in each, with or without a profile, which snapshot\n" +
			"counts, how many parts have come of one that is open, and which expansions use the segment.",
		Args: named(),
		RunE: func(command *cobra.Command, _ []string) error {
			lines, waiting, err := p.segmentLines(command.Context())
			if err != nil {
				return err
			}
			return p.print(lines, func() { drawSegments(p.out, p.aside, lines, waiting) })
		},
	}
}

// segmentLines reads all segments, and how many shards could not say how many customers are in them.
func (p *program) segmentLines(ctx context.Context) (lines []reading.Segment, waiting int, err error) {
	c, err := p.connect(ctx)
	if err != nil {
		return nil, 0, err
	}
	defer c.close()
	facts, close, err := p.facts(ctx, c, schemas.Segments, schemas.Expansions)
	if err != nil {
		return nil, 0, err
	}
	defer close()
	return facts.Segments(ctx)
}

func drawSegments(screen, aside terminal.Screen, lines []reading.Segment, waiting int) {
	if len(lines) == 0 {
		aside.Line("there are no segments yet: kindred load segment FILE brings one")
		return
	}
	var rows [][]string
	for i := range lines {
		l := &lines[i]
		rows = append(rows, []string{l.SegmentID, l.Name, terminal.Number(l.Members), snapshotOf(l), usersOf(l)})
	}
	screen.Table([]string{"segment", "name", "#members", "snapshot", "used by"}, rows)
	if waiting > 0 {
		aside.Line("%s cannot say yet who is in a segment: their members are not counted", terminal.Count(waiting, "shard"))
	}
}

// snapshotOf describes in words which snapshot counts, and what comes.
func snapshotOf(l *reading.Segment) string {
	words := l.LastSnapshot
	if words == "" {
		words = "-"
	}
	if l.Gone {
		words = "gone"
	}
	if l.Open != nil {
		words += fmt.Sprintf(", %d of %d parts of %s", l.Open.Have, l.Open.Parts, l.Open.Snapshot)
	}
	return strings.TrimPrefix(words, "-, ")
}

// usersOf lists the expansions that use the segment.
func usersOf(l *reading.Segment) string {
	var words []string
	for _, u := range l.UsedBy {
		word := u.ExpansionID
		if u.As != "source" {
			word += " (" + u.As + ")"
		}
		words = append(words, word)
	}
	return strings.Join(words, ", ")
}
