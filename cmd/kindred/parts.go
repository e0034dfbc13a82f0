package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"kindred/cmd/internal/console"
	"kindred/consumers"
	"kindred/pipeline/cache"
	"kindred/pipeline/control"
	"kindred/pipeline/learn"
	"kindred/pipeline/route"
	"kindred/pipeline/shard"
	"kindred/producers"
	"kindred/schemas"
	"kindred/schemas/broker"
	"kindred/schemas/retry"
)

// parts are the pipeline in this process, with what they share.
type parts struct {
	service
	prefix   schemas.Prefix
	kafka    *broker.Cluster
	producer *producers.Producer
	fetcher  *consumers.Fetcher
	cache    *cache.Store

	worker *shard.Worker
	stats  shard.Stats
}

// parts makes what the parts share. It starts nothing.
func (s *service) parts(kafka *broker.Cluster, prefix schemas.Prefix) (*parts, error) {
	cache, err := openCache(&s.settings, s.embedded)
	if err != nil {
		return nil, err
	}
	return &parts{
		service: *s, prefix: prefix, cache: cache, kafka: kafka,
		producer: &producers.Producer{Cluster: kafka}, fetcher: &consumers.Fetcher{Cluster: kafka},
	}, nil
}

// shards owns the shards that the group gives to this process, until ctx ends.
func (p *parts) shards(ctx context.Context) error {
	group := p.group("shards", schemas.Profiles, schemas.SegmentMembers, schemas.Models, schemas.Memberships)
	return group.Run(ctx, func(ctx context.Context, gen *consumers.Generation) error {
		return p.worker.Run(ctx, gen.Shards, gen)
	})
}

// newWorker makes the owner of every shard that this process will be given.
func (p *parts) newWorker() *shard.Worker {
	return &shard.Worker{Renew: p.producer.Renew, Log: p.log, New: func(number int) *shard.Owner {
		return &shard.Owner{
			Shard: number, Shards: p.server.Partitions, Prefix: p.prefix, Partitioner: p.settings.Partitioner,
			Fetcher: p.fetcher, Ends: p.fetcher, Publisher: p.producer, Cache: p.cache,
			Log: p.log, Stats: &p.stats,
		}
	}}
}

// control routes segment changes and runs expansions while the group has chosen this process for it, until ctx ends.
func (p *parts) control(ctx context.Context) error {
	group := p.group("control", schemas.SegmentChanges, schemas.ExpandRequests, schemas.DataEvents)
	group.Whole = true
	return group.Run(ctx, func(ctx context.Context, gen *consumers.Generation) error {
		controller := p.controller(gen)
		router := p.router(gen)
		router.Taken = controller.Taken
		parts, ctx := errgroup.WithContext(ctx)
		parts.Go(func() error {
			return persist(ctx, p.log, "controller", func() error { return controller.Run(ctx, gen) })
		})
		parts.Go(func() error { return persist(ctx, p.log, "router", func() error { return router.Run(ctx, gen) }) })
		return parts.Wait()
	})
}

func (p *parts) router(gen *consumers.Generation) *route.Router {
	return &route.Router{
		Prefix: p.prefix, Shards: p.server.Partitions, Partitioner: p.settings.Partitioner,
		Reader: p.fetcher, Transactions: p.transactions("router", gen), Log: p.log,
	}
}

func (p *parts) controller(gen *consumers.Generation) *control.Controller {
	return &control.Controller{
		Prefix: p.prefix, Number: p.server.Partitions,
		Reader: p.fetcher, Transactions: p.transactions("controller", gen), Log: p.log,
		Shards: p.cache,
		Learner: &learn.Trainer{
			Cache: p.cache, Number: p.server.Partitions, Log: p.log,
			MinSource: p.server.MinSource, WarnSource: p.server.WarnSource,
		},
	}
}

func (p *parts) transactions(id string, gen *consumers.Generation) transactions {
	return transactions{&producers.Transactional{Cluster: p.kafka, ID: string(p.prefix) + id}, gen}
}

// group is a place in a consumer group that is to be taken.
func (p *parts) group(name string, topics ...string) *consumers.Group {
	host, err := os.Hostname()
	if err != nil {
		host = "kindred"
	}
	group := &consumers.Group{
		Cluster: p.kafka, ID: string(p.prefix) + name, Member: fmt.Sprintf("%s-%d", host, os.Getpid()),
	}
	for _, topic := range topics {
		group.Topics = append(group.Topics, p.prefix.Topic(topic))
	}
	return group
}

// persist runs a part again when it ends with an error before ctx does: it goes on from what is committed. But one that
// was fenced has a successor, which its next life would push out in turn: it waits for the end of its generation.
func persist(ctx context.Context, log *slog.Logger, part string, run func() error) error {
	for ctx.Err() == nil {
		err := run()
		if err == nil || ctx.Err() != nil {
			return nil
		}
		fenced := errors.Is(err, producers.ErrFenced)
		log.Warn("a part has stopped", "part", part, "fenced", fenced, "error", err)
		if fenced {
			<-ctx.Done()
		}
		_ = retry.Sleep(ctx, time.Second) // the loop sees when ctx has ended
	}
	return nil
}

// behind says what has not caught up yet; empty: nothing.
func (p *parts) behind() string {
	if p.worker == nil || p.worker.Ready() {
		return ""
	}
	return "shards are catching up"
}

// readings are the figures of /metrics.
func (p *parts) readings() []console.Reading {
	var all []console.Reading
	total := func(name, help string, value int64, labels ...string) {
		all = append(all, console.Reading{Name: name, Help: help, Value: float64(value), Grows: true, Labels: labels})
	}
	for i, topic := range shard.Inputs {
		total("kindred_records_applied_total", "Records taken in by the owners of shards.", p.stats.Applied[i].Load(), "topic", topic)
	}
	for i, kind := range shard.Kinds {
		total("kindred_memberships_published_total", "Membership records acknowledged by Kafka.", p.stats.Published[i].Load(), "kind", kind)
	}
	total("kindred_dead_letters_total", "Records that could not be read.", p.stats.Rejected.Load())
	total("kindred_cache_saves_total", "Transactions that saved a shard.", p.stats.Saves.Load())
	return all
}
