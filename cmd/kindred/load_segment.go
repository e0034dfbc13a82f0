package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"kindred/cmd/internal/table"
	"kindred/cmd/internal/terminal"
	"kindred/consumers"
	"kindred/pipeline/cache"
	"kindred/schemas"
	"kindred/schemas/retry"
)

func (p *program) loadSegment() *cobra.Command {
	var (
		segment, name, delimiter string
		list                     table.List
		empty                    bool
	)
	command := &cobra.Command{
		Use:   "segment FILE",
		Short: "Publish a segment from a file with one customer's id a line; it replaces the present members",
		Long: "Publish a segment from a file with one customer's id a line, or from a column of a table. It replaces the present members.\n\n" +
			"With --id " + formats + "\nBlanks and quotes around an id are left out; an id that comes twice counts once.",
		Example: "  kindred load segment vips.txt --segment vip --name 'VIP customers'\n" +
			"  kindred load segment orders.csv --id customerID --segment buyers",
		Args: named("FILE"),
		RunE: func(command *cobra.Command, arguments []string) (err error) {
			help := command.CommandPath() + " --help"
			if err := schemas.ValidSegmentID(segment); err != nil {
				return usage(fmt.Sprintf("--segment %q: %v", segment, err), help)
			}
			if list.Delimiter, err = oneRune(delimiter); err != nil {
				return usage(err.Error(), help)
			}
			if list.Input, err = table.Open(arguments[0], command.InOrStdin()); err != nil {
				return explained(err)
			}
			defer list.Input.Close()
			if err := list.Read(); err != nil {
				return explained(err)
			}
			if len(list.IDs) == 0 && !empty {
				return hint(fmt.Errorf("%s: there is no id, and nothing was published: it would take all members out of %s",
					list.Input.Name, segment), "--empty, if nobody is to be in it")
			}
			p.warn(list.Input.Name, list.Findings)
			return p.publishSegment(command.Context(), segment, name, &list)
		},
	}
	flags := command.Flags()
	flags.StringVar(&segment, "segment", "", "id of the segment (required)")
	flags.StringVar(&name, "name", "", "what people call it (default as before, at first the id)")
	flags.StringVar(&list.Column, "id", "", "column of a table that holds the ids (default: there is an id a line, and no table)")
	flags.StringVar(&delimiter, "delimiter", "", `what stands between two cells of a table; \t for a tab (default as in the first line)`)
	flags.BoolVar(&empty, "empty", false, "publish the segment also if there is no id in FILE")
	return command
}

func (p *program) publishSegment(ctx context.Context, segment, name string, list *table.List) error {
	c, err := p.connect(ctx)
	if err != nil {
		return err
	}
	defer c.close()
	progress := p.aside.Count("members", int64(len(list.IDs)))
	snapshot, err := c.snapshot(ctx, segment, name, list.IDs, progress.At)
	progress.End("")
	if err != nil {
		return err
	}
	result := struct {
		SegmentID   string          `json:"segmentId"`
		Snapshot    string          `json:"snapshot"`
		Members     int             `json:"members"`
		Duplicates  int64           `json:"duplicates"`
		WithProfile *int            `json:"withProfile"` // null: it cannot be told now
		Warnings    []table.Finding `json:"warnings"`
	}{segment, snapshot, len(list.IDs), list.Duplicates, nil, append([]table.Finding{}, list.Findings...)}
	with, unknown := p.withProfile(ctx, c, list.IDs, profilesWithin)
	if unknown == nil {
		result.WithProfile = &with
		if without := len(list.IDs) - with; without*10 > len(list.IDs) {
			few := table.Finding{Code: "without_profile", Message: fmt.Sprintf("%s of %s no profile: nothing is learned from them, and nobody is kept out by them",
				terminal.Number(without), having(len(list.IDs))), Try: "are they spelled as in the profiles? or load the profiles, too"}
			p.warn(list.Input.Name, []table.Finding{few})
			result.Warnings = append(result.Warnings, few)
		}
	}
	return p.print(result, func() {
		p.out.Line("segment %s published with %s, as snapshot %s", segment, terminal.Count(len(list.IDs), "member"), snapshot)
		if list.Duplicates > 0 {
			p.out.Line("  %s came more than once", terminal.Count(list.Duplicates, "id"))
		}
		switch {
		case len(list.IDs) == 0:
		case unknown != nil:
			p.out.Line("  how many of them have a profile cannot be told: %v", unknown)
		default:
			p.out.Line("  %s of %s a profile", terminal.Number(with), having(len(list.IDs)))
		}
	})
}

func having(ids int) string {
	if ids == 1 {
		return "1 has"
	}
	return terminal.Number(ids) + " have"
}

// profilesWithin is how long the caches may take for the profiles that a load before this one has published.
const profilesWithin = 10 * time.Second

// withProfile counts the customers who have a profile, by the caches once they have read what is in Kafka now. It fails when they
// have not within the given time.
func (p *program) withProfile(ctx context.Context, c *connection, ids []string, within time.Duration) (with int, err error) {
	store, shards, err := p.caches(ctx, c)
	if err != nil {
		return 0, err
	}
	defer store.Close()
	if err := c.profilesRead(ctx, store, shards, within); err != nil {
		return 0, err
	}
	members := make(map[string]bool, len(ids))
	for _, id := range ids {
		members[id] = true
	}
	var view *cache.View
	for shard := range shards {
		if view, err = store.Scan(ctx, shard, cache.Want{Into: view}); err != nil {
			if errors.Is(err, cache.ErrNotReady) {
				err = errors.New("the caches are not filled yet; is kindred serve running?")
			}
			return 0, err
		}
		for row := range view.NumRows {
			if cache.HasProfile(view.Row(row)) && members[string(view.ID(row))] {
				with++
			}
		}
	}
	return with, nil
}

// profilesRead waits until the caches have the profiles that are in Kafka now. Where there is no cache at all it says nothing:
// whoever scans one is told.
func (c *connection) profilesRead(ctx context.Context, store *cache.Store, shards int, within time.Duration) error {
	of := make([]consumers.Position, shards)
	for shard := range of {
		of[shard] = consumers.Position{Topic: c.prefix.Topic(schemas.Profiles), Partition: shard}
	}
	ends, err := c.fetcher.Ends(ctx, of)
	if err != nil {
		return err
	}
	for until := time.Now().Add(within); ; {
		metas, err := store.ReadMetas(ctx, shards)
		if err != nil {
			return err
		}
		behind, none := 0, 0
		for shard, meta := range metas {
			switch {
			case meta == nil:
				none++
				behind++
			case meta.Lacks(&schemas.Ends{Profiles: ends}, shard) != "":
				behind++
			}
		}
		switch {
		case behind == 0, none == shards:
			return nil
		case !time.Now().Before(until):
			return fmt.Errorf("%d of %d shards have not read all profiles yet; is kindred serve running?", behind, shards)
		}
		if err := retry.Sleep(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
}

// snapshot publishes all members of a segment in parts, and returns its id. After each part it calls published with the number
// of members so far.
func (c *connection) snapshot(ctx context.Context, segment, name string, ids []string, published func(int64)) (string, error) {
	snapshot := newBatch(time.Now())
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
	if ids == nil {
		ids = []string{} // a part without a list of members would be refused
	}
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
