package doctor

import (
	"cmp"
	"context"
	"fmt"

	"kindred/consumers"
	"kindred/schemas"
	"kindred/schemas/broker"
)

// workers says who owns shards.
func (i *Installation) workers(ctx context.Context) ([]Finding, error) {
	group, err := i.Kafka.Group(ctx, string(i.Prefix)+"shards")
	if err != nil {
		return nil, err
	}
	owned, owners := 0, []string{}
	for _, m := range group.Members {
		n := len(m.Partitions[i.Prefix.Topic(schemas.Profiles)])
		owned += n
		owners = append(owners, fmt.Sprintf("%s has %d", name(m), n))
	}
	shards := i.counts[i.Prefix.Topic(schemas.Profiles)]
	switch {
	case len(group.Members) == 0:
		return []Finding{{State: Problem, Text: "no process owns shards: nothing that comes in is handled", Try: "start kindred serve, with --roles shards at least"}}, nil
	case !group.Settled:
		return []Finding{{State: Note, Text: fmt.Sprintf("%s are about to divide the shards among them", counted(len(group.Members), "process"))}}, nil
	case owned < shards:
		return []Finding{{State: Problem, Text: fmt.Sprintf("%d of %s have an owner: %s", owned, counted(shards, "shard"), some(owners)),
			Try: "were partitions added while it ran? the number is fixed for a prefix; else restart kindred serve"}}, nil
	}
	return []Finding{{State: OK, Text: fmt.Sprintf("%s: %s", counted(shards, "shard"), some(owners))}}, nil
}

// control says who routes segment changes and runs expansions, and what waits for that.
func (i *Installation) control(ctx context.Context) ([]Finding, error) {
	id := string(i.Prefix) + "control"
	group, err := i.Kafka.Group(ctx, id)
	if err != nil {
		return nil, err
	}
	waiting, err := i.waiting(ctx, id)
	if err != nil {
		return nil, err
	}
	active, standby := "", 0
	for _, m := range group.Members {
		if len(m.Partitions) > 0 && active == "" {
			active = name(m)
		} else {
			standby++
		}
	}
	switch {
	case len(group.Members) == 0:
		return []Finding{{State: Problem, Text: "no process has control: requests and segment changes are not handled" + waiting,
			Try: "start kindred serve, with --roles control at least"}}, nil
	case active == "":
		return []Finding{{State: Note, Text: "control is about to be given to one of " + counted(len(group.Members), "process") + waiting}}, nil
	}
	f := Finding{State: OK, Text: fmt.Sprintf("%s is active, %d stand by", active, standby)}
	if waiting != "" {
		f.State, f.Text = Note, f.Text+waiting
	}
	return []Finding{f}, nil
}

// waiting returns in words what control has not handled yet.
func (i *Installation) waiting(ctx context.Context, group string) (words string, err error) {
	inputs := []string{schemas.SegmentChanges, schemas.ExpandRequests, schemas.DataEvents, schemas.Fields}
	for _, name := range inputs {
		of := i.positions(name)
		if len(of) != 1 {
			continue // the topics are not as they should be, which is another finding
		}
		committed, err := i.Kafka.Committed(ctx, group, of[0].Topic)
		if err != nil {
			return "", err
		}
		start, err := i.fetcher.Starts(ctx, of)
		if err != nil {
			return "", err
		}
		end, err := i.fetcher.Ends(ctx, of)
		if err != nil {
			return "", err
		}
		if lag := end[0] - max(committed[0], start[0]); lag > 0 {
			words += fmt.Sprintf("; %s of %s wait", counted(lag, "record"), name)
		}
	}
	return words, nil
}

// name is what a process calls itself in its groups.
func name(m broker.GroupMember) string { return cmp.Or(consumers.NameOf(m), m.ID) }
