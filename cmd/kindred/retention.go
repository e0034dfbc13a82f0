package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"kindred/pipeline/shard"
	"kindred/producers"
	"kindred/schemas"
	"kindred/schemas/broker"
)

// tombstones returns how long the inputs of the shards keep a tombstone at least, as their topics are set now. A cache that
// was whole longer ago than that may have missed an erasure.
func tombstones(ctx context.Context, cluster *broker.Cluster, prefix schemas.Prefix) (time.Duration, error) {
	var topics []string
	for _, name := range shard.Inputs {
		topics = append(topics, prefix.Topic(name))
	}
	settings, err := producers.Settings(ctx, cluster, topics)
	if err != nil {
		return 0, err
	}
	const name = "delete.retention.ms"
	least := time.Duration(0)
	for _, topic := range topics {
		text, there := settings[topic][name]
		if !there {
			continue // a broker that does not know it keeps to Kafka's default
		}
		ms, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%s of %s is %.20q: %w", name, topic, text, err)
		}
		if kept := time.Duration(ms) * time.Millisecond; least == 0 || kept < least {
			least = max(kept, time.Minute) // who follows the topic sees a tombstone sooner than that
		}
	}
	return least, nil
}
