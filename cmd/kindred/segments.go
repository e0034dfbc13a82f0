package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kindred/cmd/internal/terminal"
	"kindred/pipeline/cache"
	"kindred/schemas"
	"kindred/schemas/wire"
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

// segmentLine is a segment as `segments` prints it.
type segmentLine struct {
	SegmentID    string        `json:"segmentId"`
	Name         string        `json:"name"`
	Members      int64         `json:"members"` // with or without a profile
	Gone         bool          `json:"gone"`
	LastSnapshot string        `json:"lastSnapshot"` // empty: none was complete yet
	Open         *openSnapshot `json:"open"`
	UsedBy       []use         `json:"usedBy"`
}

type openSnapshot struct {
	Snapshot string    `json:"snapshot"`
	Have     int       `json:"have"`
	Parts    int       `json:"parts"`
	Since    time.Time `json:"since"`
}

// use is how an expansion uses a segment.
type use struct {
	ExpansionID string `json:"expansionId"`
	As          string `json:"as"` // source, candidates or suppress
}

// segmentLines reads all segments, and how many shards could not say how many customers are in them.
func (p *program) segmentLines(ctx context.Context) (lines []segmentLine, waiting int, err error) {
	c, err := p.connect(ctx)
	if err != nil {
		return nil, 0, err
	}
	defer c.close()
	segments, err := c.segments(ctx)
	if err != nil {
		return nil, 0, err
	}
	expansions, err := c.expansions(ctx)
	if err != nil {
		return nil, 0, err
	}
	store, shards, err := p.caches(ctx, c)
	if err != nil {
		return nil, 0, err
	}
	defer store.Close()
	metas, err := store.ReadMetas(ctx, shards)
	if err != nil {
		return nil, 0, err
	}
	uses := usesOf(expansions)
	lines = make([]segmentLine, 0, len(segments))
	for i := range segments {
		s := &segments[i]
		line := segmentLine{SegmentID: s.SegmentID, Name: s.Name, Gone: s.Gone, LastSnapshot: s.LastSnapshot, UsedBy: uses[s.SegmentID]}
		if line.UsedBy == nil {
			line.UsedBy = []use{}
		}
		if s.Open != nil {
			line.Open = &openSnapshot{s.Open.Snapshot, len(s.Open.Have), s.Open.Parts, s.Open.At}
		}
		line.Members, waiting = sizeOf(s.SegmentID, metas)
		lines = append(lines, line)
	}
	return lines, waiting, nil
}

// sizeOf adds up how many customers are in a segment, and counts the shards that cannot say.
func sizeOf(segment string, metas []*cache.Meta) (size int64, waiting int) {
	for _, meta := range metas {
		if meta == nil || !meta.Ready {
			waiting++
			continue
		}
		size += meta.Segments[segment].Size
	}
	return size, waiting
}

// usesOf returns which expansions use a segment, by segment and in the order of the expansions.
func usesOf(expansions []schemas.Expansion) map[string][]use {
	uses := map[string][]use{}
	for _, e := range expansions {
		d := e.Definition
		if d == nil {
			continue
		}
		add := func(segment, as string) { uses[segment] = append(uses[segment], use{e.ExpansionID, as}) }
		add(d.SourceSegmentID, "source")
		if d.Candidates.SegmentID != "" {
			add(d.Candidates.SegmentID, "candidates")
		}
		for _, segment := range d.Suppress {
			add(segment, "suppress")
		}
	}
	return uses
}

// segments reads what the router has recorded of all segments, ordered by id.
func (c *connection) segments(ctx context.Context) ([]schemas.Segment, error) {
	latest := map[string]schemas.Segment{}
	err := c.read(ctx, schemas.Segments, func(record *wire.Record) error {
		if record.Value == nil {
			delete(latest, string(record.Key))
			return nil
		}
		var segment schemas.Segment
		if err := json.Unmarshal(record.Value, &segment); err != nil {
			return fmt.Errorf("segment at offset %d: %w", record.Offset, err)
		}
		latest[string(record.Key)] = segment
		return nil
	})
	return slices.SortedFunc(maps.Values(latest), func(a, b schemas.Segment) int { return cmp.Compare(a.SegmentID, b.SegmentID) }), err
}

func drawSegments(screen, aside terminal.Screen, lines []segmentLine, waiting int) {
	if len(lines) == 0 {
		aside.Line("there are no segments yet: kindred load segment FILE brings one")
		return
	}
	var rows [][]string
	for i := range lines {
		l := &lines[i]
		rows = append(rows, []string{l.SegmentID, l.Name, terminal.Number(l.Members), l.standing(), l.users()})
	}
	screen.Table([]string{"segment", "name", "#members", "snapshot", "used by"}, rows)
	if waiting > 0 {
		aside.Line("%s cannot say yet who is in a segment: their members are not counted", terminal.Count(waiting, "shard"))
	}
}

// standing describes in words which snapshot counts, and what comes.
func (l *segmentLine) standing() string {
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

// users lists the expansions that use the segment.
func (l *segmentLine) users() string {
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
