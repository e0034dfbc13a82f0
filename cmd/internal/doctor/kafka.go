package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kversion"

	"kindred/producers"
	"kindred/schemas"
)

// needed are the requests that kindred sends in a version of its own choice: by key, name and version.
var needed = []struct {
	key     int16
	name    string
	version int16
}{{0, "Produce", 8}, {1, "Fetch", 11}, {11, "JoinGroup", 5}, {22, "InitProducerId", 1}, {28, "TxnOffsetCommit", 3}, {44, "IncrementalAlterConfigs", 0}}

// versions says which Kafka it is. Kafka does not tell its version: it is guessed from the requests that it takes.
func (i *Installation) versions(ctx context.Context) ([]Finding, error) {
	newest, err := i.Kafka.Versions(ctx)
	if err != nil {
		return nil, err
	}
	layout, err := i.Kafka.Layout(ctx)
	if err != nil {
		return nil, err
	}
	var guessed kversion.Versions
	for key, version := range newest {
		guessed.SetMaxKeyVersion(key, version)
	}
	var lacks []string
	for _, n := range needed {
		if newest[n.key] < n.version {
			lacks = append(lacks, fmt.Sprintf("%s %d", n.name, n.version))
		}
	}
	version := "a Kafka that does not tell its version"
	// Any other guess is of no version that is known.
	if guess := guessed.VersionGuess(); strings.HasPrefix(guess, "v") || strings.HasPrefix(guess, "at least") {
		version = "Kafka " + strings.Replace(guess, "v", "", 1) + " by the requests that it takes"
	}
	of := version + ", " + counted(len(layout.Brokers), "broker")
	if lacks != nil {
		return []Finding{{State: Problem, Text: of + ", which does not take " + some(lacks), Try: "Kafka 2.4 or later"}}, nil
	}
	return []Finding{{State: OK, Text: of}}, nil
}

// topics says which topics are missing, which are not as they must be, and which partitions nobody leads.
func (i *Installation) topics(ctx context.Context) (found []Finding, err error) {
	shards := i.shardCount()
	if len(i.counts) == 0 {
		return []Finding{{State: Problem, Text: fmt.Sprintf("there is no topic that begins with %q", i.Prefix),
			Try: "is --prefix right? kindred topics ensure creates them, as kindred serve does when it starts"}}, nil
	}
	if shards == 0 {
		shards = usualShards
	}
	topics := schemas.Topics(shards)
	if i.Changes || i.counts[i.Prefix.Topic(schemas.MembershipChanges)] > 0 {
		topics = append(topics, schemas.Changes(shards))
	}
	differences, err := producers.Diff(ctx, i.Kafka, i.Prefix, topics)
	if err != nil {
		return nil, err
	}
	for _, d := range differences {
		switch d.What {
		case "missing":
			ensure := "kindred topics ensure"
			if d.Topic == i.Prefix.Topic(schemas.MembershipChanges) {
				ensure += " --changes"
			}
			found = append(found, Finding{State: Problem, Text: d.String(), Try: ensure})
		case "partitions":
			found = append(found, Finding{State: Problem, Text: d.String(), Try: "all topics of customers need as many partitions as " +
				"profiles, and the number is fixed: start anew under another --prefix, or give --partitions as it is"})
		case "cleanup.policy":
			found = append(found, Finding{State: Problem, Text: d.String(), Try: "set it with Kafka's kafka-configs.sh; kindred serve does not start on it"})
		default:
			found = append(found, Finding{State: Note, Text: d.String(), Try: "if that is not meant, set it with Kafka's kafka-configs.sh"})
		}
	}
	leaderless, err := i.leaderless(ctx)
	if err != nil {
		return found, err
	}
	if len(leaderless) > 0 {
		found = append(found, Finding{State: Problem, Text: "nobody leads " + some(leaderless), Try: "start the brokers that hold these partitions"})
	}
	if found == nil {
		found = []Finding{{State: OK, Text: fmt.Sprintf("all %d are there and as they should be, %s", len(topics), counted(shards, "partition"))}}
	}
	return found, nil
}

// usualShards is how many shards there would be if nobody said otherwise.
const usualShards = 12

// leaderless lists the partitions that have no leader at present.
func (i *Installation) leaderless(ctx context.Context) (found []string, err error) {
	layout, err := i.Kafka.Layout(ctx)
	if err != nil {
		return nil, err
	}
	for topic, partitions := range i.counts {
		for p := range partitions {
			if _, err := layout.Leader(topic, p); err != nil {
				found = append(found, fmt.Sprintf("%s/%d", topic, p))
			}
		}
	}
	slices.Sort(found)
	return found, nil
}
