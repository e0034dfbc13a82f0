package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"kindred/cmd/internal/config"
	"kindred/consumers"
	"kindred/producers"
	"kindred/schemas"
	"kindred/schemas/broker"
	"kindred/schemas/retry"
	"kindred/schemas/wire"
)

// connection is a command's way to Kafka, which has answered: what it writes by and what it reads by.
type connection struct {
	prefix   schemas.Prefix
	cluster  *broker.Cluster
	producer *producers.Producer
	fetcher  *consumers.Fetcher
	close    func() // ends the producer; nothing may be published afterwards
}

// connect connects to Kafka. One that does not answer within seconds counts as unreachable.
func (p *program) connect(ctx context.Context) (*connection, error) {
	cluster, err := p.settings.Cluster(p.log)
	if err != nil {
		return nil, &failure{code: misused, err: err}
	}
	if err := p.settings.ReachKafka(ctx, cluster); err != nil {
		return nil, err
	}
	producer := &producers.Producer{Cluster: cluster, Compression: p.settings.Compression}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := producer.Run(running); err != nil {
			p.log.Error("publishing has ended", "error", err)
		}
	}()
	return &connection{
		prefix:   schemas.Prefix(p.settings.Prefix),
		cluster:  cluster,
		producer: producer,
		fetcher:  &consumers.Fetcher{Cluster: cluster},
		close:    func() { cancel(); <-ended },
	}, nil
}

// whileReachable does something that waits for Kafka. When Kafka has not answered for a while, that ends with an
// *config.Unreachable: what waits would try again for ever.
func (p *program) whileReachable(ctx context.Context, c *connection, do func(context.Context) error) error {
	patience := p.patience
	if patience == 0 {
		patience = 15 * time.Second
	}
	watched, cancel := context.WithCancelCause(ctx)
	var watching sync.WaitGroup
	watching.Go(func() {
		for answered := time.Now(); ; {
			if retry.Sleep(watched, patience/8) != nil {
				return
			}
			err := p.settings.ReachKafka(watched, c.cluster)
			if err == nil {
				answered = time.Now()
			} else if time.Since(answered) > patience {
				cancel(err)
			}
		}
	})
	err := do(watched)
	cancel(nil)
	watching.Wait()
	var away *config.Unreachable
	if errors.As(context.Cause(watched), &away) {
		return fmt.Errorf("waited for %v: %w", patience, away)
	}
	return err
}

// partitions returns how many partitions a topic has. A topic that does not exist is an error with a way out.
func (c *connection) partitions(ctx context.Context, name string) (int, error) {
	topic := c.prefix.Topic(name)
	limited, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	n, err := c.cluster.Partitions(limited, topic)
	if err == nil && n == 0 {
		err = hint(fmt.Errorf("there is no topic %s", topic), "kindred topics ensure, or start kindred serve, which creates it; is --prefix right?")
	}
	return n, err
}

// publish appends one event to a topic of one partition, and returns once Kafka has acknowledged it.
func (c *connection) publish(ctx context.Context, name, key string, value []byte, headers wire.Headers) error {
	_, err := c.append(ctx, name, key, value, headers)
	return err
}

// append is publish that returns the offset of the event.
func (c *connection) append(ctx context.Context, name, key string, value []byte, headers wire.Headers) (int64, error) {
	if _, err := c.partitions(ctx, name); err != nil {
		return -1, err
	}
	var batch wire.Builder
	batch.Add(time.Now().UnixMilli(), []byte(key), value, headers)
	ack, err := c.producer.Publish(ctx, c.prefix.Topic(name), 0, &batch)
	return ack.Base, err
}

// end returns the present end of a topic of one partition.
func (c *connection) end(ctx context.Context, name string) (int64, error) {
	if _, err := c.partitions(ctx, name); err != nil {
		return 0, err
	}
	ends, err := c.fetcher.Ends(ctx, []consumers.Position{{Topic: c.prefix.Topic(name)}})
	if err != nil {
		return 0, err
	}
	return ends[0], nil
}

// ends returns the present end of each partition of a topic.
func (c *connection) ends(ctx context.Context, name string) ([]consumers.Position, error) {
	partitions, err := c.partitions(ctx, name)
	if err != nil {
		return nil, err
	}
	at := make([]consumers.Position, partitions)
	for partition := range at {
		at[partition] = consumers.Position{Topic: c.prefix.Topic(name), Partition: partition}
	}
	ends, err := c.fetcher.Ends(ctx, at)
	for partition, end := range ends {
		at[partition].Offset = end
	}
	return at, err
}

// read visits every record that a topic of one partition holds now. Records are valid during the visit only.
func (c *connection) read(ctx context.Context, name string, visit func(*wire.Record) error) error {
	if _, err := c.partitions(ctx, name); err != nil {
		return err
	}
	_, err := wire.ReadAll(ctx, c.fetcher, c.prefix.Topic(name), visit)
	return err
}

// follow visits the records of a topic of one partition from an offset on, until visit reports that it has seen enough.
// Whenever no record has come for a second, it calls idle.
func (c *connection) follow(ctx context.Context, name string, from int64, visit func(*wire.Record) (enough bool, err error), idle func()) error {
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

// readReadable is wire.ReadTo that passes over what cannot be read.
func (c *connection) readReadable(ctx context.Context, from wire.Position, to int64, visit func(*wire.Record) error) error {
	return wire.ReadReadable(ctx, c.fetcher, from, to, visit, func(*wire.Damage) error { return nil })
}
