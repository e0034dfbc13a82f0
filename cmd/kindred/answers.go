package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"kindred/cmd/internal/reading"
	"kindred/schemas"
	"kindred/schemas/wire"
)

// facts are what the HTTP server of this process tells.
func (p *pipeline) facts() *reading.Facts {
	return &reading.Facts{
		Prefix: p.prefix, Partitioner: p.settings.Partitioner, Shards: p.server.Partitions, Kafka: p.fetcher, Cache: p.cache, Parts: p.parts,
		Book: &reading.Book{Prefix: p.prefix, Kafka: p.fetcher, Log: p.log},
	}
}

// ask publishes an expand request that came by HTTP, and returns once Kafka has acknowledged it.
func (p *pipeline) ask(ctx context.Context, request *schemas.ExpandRequest) error {
	value, headers, err := requestEvent(request)
	if err != nil {
		return err
	}
	var batch wire.Builder
	batch.Add(time.Now().UnixMilli(), []byte(request.ExpansionID), value, headers)
	_, err = p.producer.Publish(ctx, p.prefix.Topic(schemas.ExpandRequests), 0, &batch)
	return err
}

// putBack puts one dead letter back to where it belongs, and says what became of it.
func (p *pipeline) putBack(ctx context.Context, letter int64) (said string, err error) {
	plan := newReplayPlan(&connection{prefix: p.prefix, cluster: p.cluster, producer: p.producer, fetcher: p.fetcher}, p.settings.Partitioner)
	if err := plan.one(ctx, strconv.FormatInt(letter, 10)); err != nil {
		return "", err
	}
	result, err := plan.carryOut(ctx)
	for reason := range result.Left {
		return fmt.Sprintf("record %d was left where it is, as one %s", letter, leftWords[reason]), err
	}
	return fmt.Sprintf("record %d was put back", letter), err
}
