package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kindred/cmd/internal/table"
	"kindred/cmd/internal/terminal"
	"kindred/schemas"
)

func (p *program) loadSegment() *cobra.Command {
	var segment, name string
	command := &cobra.Command{
		Use:     "segment FILE",
		Short:   "Publish a segment from a file with one customer's id a line; it replaces the present members",
		Example: "  kindred load segment vips.txt --segment vip --name 'VIP customers'",
		Args:    named("FILE"),
		RunE: func(command *cobra.Command, arguments []string) error {
			if err := schemas.ValidSegmentID(segment); err != nil {
				return usage(fmt.Sprintf("--segment %q: %v", segment, err), command.CommandPath()+" --help")
			}
			ids, err := table.IDs(arguments[0])
			if err != nil {
				return err
			}
			return p.publishSegment(command.Context(), segment, name, ids)
		},
	}
	command.Flags().StringVar(&segment, "segment", "", "id of the segment (required)")
	command.Flags().StringVar(&name, "name", "", "what people call it (default as before, at first the id)")
	return command
}

func (p *program) publishSegment(ctx context.Context, segment, name string, ids []string) error {
	c, err := p.connect(ctx)
	if err != nil {
		return err
	}
	defer c.close()
	progress := p.aside.Count("members", int64(len(ids)))
	snapshot, err := c.snapshot(ctx, segment, name, ids, progress.At)
	progress.End("")
	if err != nil {
		return err
	}
	result := struct {
		SegmentID string `json:"segmentId"`
		Snapshot  string `json:"snapshot"`
		Members   int    `json:"members"`
	}{segment, snapshot, len(ids)}
	return p.print(result, func() {
		p.out.Line("segment %s published with %s, as snapshot %s", segment, terminal.Count(len(ids), "member"), snapshot)
	})
}

// snapshot publishes all members of a segment in parts, and returns its id. After each part it calls published with the number
// of members so far.
func (c *connection) snapshot(ctx context.Context, segment, name string, ids []string, published func(int64)) (string, error) {
	snapshot := "load-" + time.Now().UTC().Format("20060102-150405") + "-" + strings.ToLower(rand.Text()[:6])
	all := inParts(ids)
	count := 0
	for i, members := range all {
		value, err := json.Marshal(schemas.SegmentChange{SegmentID: segment, Name: name, Snapshot: snapshot,
			Part: i + 1, Parts: len(all), Members: members})
		if err != nil {
			return "", err
		}
		headers := schemas.Event(schemas.TypeSegmentChange, fmt.Sprintf("%s/%d", snapshot, i+1), segment, time.Now())
		if err := c.publish(ctx, schemas.SegmentChanges, segment, value, headers); err != nil {
			return "", fmt.Errorf("part %d of %d: %w", i+1, len(all), err)
		}
		count += len(members)
		published(int64(count))
	}
	return snapshot, nil
}

const (
	mostIDs   = 20_000  // in a part
	mostBytes = 800_000 // of a part's ids as JSON: a broker takes a megabyte
)

// inParts divides ids into parts that a broker takes. An empty segment is one empty part.
func inParts(ids []string) [][]string {
	var all [][]string
	from, size := 0, 0
	for i, id := range ids {
		quoted, _ := json.Marshal(id) // a string cannot fail
		length := len(quoted) + 1
		if i-from == mostIDs || size+length > mostBytes {
			all = append(all, ids[from:i])
			from, size = i, 0
		}
		size += length
	}
	return append(all, ids[from:])
}
