package main

import (
	"context"
	"fmt"
	"time"

	"kindred/consumers"
	"kindred/producers"
	"kindred/schemas"
	"kindred/schemas/broker"
	"kindred/schemas/wire"
)

// cluster is a Kafka that has answered, with what a command needs to write to it and to read from it.
type cluster struct {
	prefix   schemas.Prefix
	kafka    *broker.Cluster
	producer *producers.Producer
	fetcher  *consumers.Fetcher
	close    func() // ends the producer, which nothing may be published by afterwards
}

// cluster connects to Kafka. When it does not answer within a few seconds, it counts as unreachable.
func (p *program) cluster(ctx context.Context) (*cluster, error) {
	kafka, err := p.settings.Cluster(p.log)
	if err != nil {
		return nil, &failure{code: misused, err: err}
	}
	if err := p.settings.ReachKafka(ctx, kafka); err != nil {
		return nil, err
	}
	producer := &producers.Producer{Cluster: kafka}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := producer.Run(running); err != nil {
			p.log.Error("publishing has ended", "error", err)
		}
	}()
	return &cluster{
		prefix:   schemas.Prefix(p.settings.Prefix),
		kafka:    kafka,
		producer: producer,
		fetcher:  &consumers.Fetcher{Cluster: kafka},
		close:    func() { cancel(); <-ended },
	}, nil
}

// partitions says how many partitions a topic has. That there is none is an error with a way out.
func (c *cluster) partitions(ctx context.Context, name string) (int, error) {
	topic := c.prefix.Topic(name)
	limited, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	n, err := c.kafka.Partitions(limited, topic)
	if err == nil && n == 0 {
		err = hint(fmt.Errorf("there is no topic %s", topic), "kindred topics ensure, or start kindred serve, which creates it; is --prefix right?")
	}
	return n, err
}

// publish appends one event to a topic of one partition, and returns when Kafka has it.
func (c *cluster) publish(ctx context.Context, name, key string, value []byte, headers wire.Headers) error {
	if _, err := c.partitions(ctx, name); err != nil {
		return err
	}
	var batch wire.Builder
	batch.Add(time.Now().UnixMilli(), []byte(key), value, headers)
	_, err := c.producer.Publish(ctx, c.prefix.Topic(name), 0, &batch)
	return err
}

// end is where a topic of one partition ends now.
func (c *cluster) end(ctx context.Context, name string) (int64, error) {
	if _, err := c.partitions(ctx, name); err != nil {
		return 0, err
	}
	ends, err := c.fetcher.Ends(ctx, []consumers.Position{{Topic: c.prefix.Topic(name)}})
	if err != nil {
		return 0, err
	}
	return ends[0], nil
}

// read visits all that a topic of one partition holds now. Records are valid during the visit only.
func (c *cluster) read(ctx context.Context, name string, visit func(*wire.Record) error) error {
	if _, err := c.partitions(ctx, name); err != nil {
		return err
	}
	_, err := wire.ReadAll(ctx, c.fetcher, c.prefix.Topic(name), visit)
	return err
}

// follow visits what comes after an offset of a topic of one partition, until visit says that it is enough. Whenever
// nothing has come for a while, it calls idle.
func (c *cluster) follow(ctx context.Context, name string, from int64, visit func(*wire.Record) (enough bool, err error), idle func()) error {
	at := consumers.Position{Topic: c.prefix.Topic(name), Offset: from}
	for enough := false; !enough; {
		fetched, err := c.fetcher.Fetch(ctx, []consumers.Position{at}, time.Second)
		if err != nil {
			return err
		}
		came := false
		for i := range fetched {
			at.Offset, err = fetched[i].Each(func(record *wire.Record) (err error) {
				came = true
				if !enough {
					enough, err = visit(record)
				}
				return err
			})
			if err != nil {
				return err
			}
		}
		if !came {
			idle()
		}
	}
	return nil
}
