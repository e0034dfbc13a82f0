package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

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

// pipeline is what of the pipeline runs in this process: its parts, and what they share.
type pipeline struct {
	service
	member   string // the name of this process in its groups
	lasting  bool   // it has that name after a restart, too
	prefix   schemas.Prefix
	cluster  *broker.Cluster
	producer *producers.Producer // of all shards; control has transactional ones
	fetcher  *consumers.Fetcher
	cache    *cache.Store
	ground   *ground

	worker *shard.Worker // nil: this process owns no shards
	stats  shard.Stats
}

// pipeline makes what the parts share. It starts nothing. The process listens on an address, or on none.
func (s *service) pipeline(cluster *broker.Cluster, prefix schemas.Prefix, listening string) (*pipeline, error) {
	cache, err := openCache(&s.settings, s.embedded)
	if err != nil {
		return nil, err
	}
	member, lasting := s.server.Member(listening)
	return &pipeline{
		service: *s, member: member, lasting: lasting, prefix: prefix, cache: cache, cluster: cluster,
		ground:   &ground{cluster: cluster, prefix: prefix, log: s.log},
		producer: &producers.Producer{Cluster: cluster}, fetcher: &consumers.Fetcher{Cluster: cluster},
	}, nil
}

// shards owns the shards that the group gives to this process, until ctx ends.
func (p *pipeline) shards(ctx context.Context) error {
	group := p.group("shards", p.server.Partitions, schemas.Profiles, schemas.SegmentMembers, schemas.Models, schemas.Memberships)
	return p.wayOut(group.Run(ctx, func(ctx context.Context, gen *consumers.Generation) error {
		return p.worker.Run(ctx, gen.Shards, gen)
	}))
}

// newWorker makes the worker that owns the shards of this process, whichever those will be.
func (p *pipeline) newWorker(stale time.Duration) *shard.Worker {
	return &shard.Worker{Renew: p.producer.Renew, Log: p.log, New: func(number int) *shard.Owner {
		return &shard.Owner{
			Shard: number, Shards: p.server.Partitions, Prefix: p.prefix, Partitioner: p.settings.Partitioner,
			Reader: p.fetcher, Publisher: p.producer, Cache: p.cache,
			Log: p.log, Stats: &p.stats, StaleAfter: stale, Topics: p.ground.inputs(),
		}
	}}
}

// control routes segment changes and runs expansions whenever the group has chosen this process for it, until ctx ends.
func (p *pipeline) control(ctx context.Context) error {
	group := p.group("control", 1, schemas.SegmentChanges, schemas.ExpandRequests, schemas.DataEvents)
	group.Whole = true
	return p.wayOut(group.Run(ctx, func(ctx context.Context, gen *consumers.Generation) error {
		controller := p.controller(gen)
		router := p.router(gen)
		router.Taken = controller.Taken
		parts, ctx := errgroup.WithContext(ctx)
		parts.Go(func() error {
			return keepRunning(ctx, p.log, "controller", func() error { return controller.Run(ctx, gen) })
		})
		parts.Go(func() error { return keepRunning(ctx, p.log, "router", func() error { return router.Run(ctx, gen) }) })
		return parts.Wait()
	}))
}

func (p *pipeline) router(gen *consumers.Generation) *route.Router {
	return &route.Router{
		Prefix: p.prefix, Shards: p.server.Partitions, Partitioner: p.settings.Partitioner,
		Reader: p.fetcher, Transactions: p.transactions("router", gen), Log: p.log,
	}
}

func (p *pipeline) controller(gen *consumers.Generation) *control.Controller {
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

func (p *pipeline) transactions(id string, gen *consumers.Generation) transactions {
	return transactions{&producers.Transactional{Cluster: p.cluster, ID: string(p.prefix) + id}, gen}
}

// group describes this process as a member of a consumer group that reads some topics, which have as many partitions as
// there are shards in the group.
func (p *pipeline) group(name string, shards int, topics ...string) *consumers.Group {
	group := &consumers.Group{
		Cluster: p.cluster, ID: string(p.prefix) + name, Member: p.member, Static: p.lasting, Shards: shards,
		Session: p.server.Session,
	}
	for _, topic := range topics {
		group.Topics = append(group.Topics, p.prefix.Topic(topic))
	}
	return group
}

// wayOut adds to the error with which a group ended what a person can do.
func (p *pipeline) wayOut(err error) error {
	switch {
	case errors.Is(err, consumers.ErrReplaced):
		return &failure{code: misused, err: err, try: "end one of the two processes, or give each a name of its own with --instance"}
	case errors.Is(err, consumers.ErrSession):
		return &failure{code: misused, err: err, try: "another --session, or other group.min.session.timeout.ms and group.max.session.timeout.ms"}
	}
	return err
}

// keepRunning runs a part again, from what is committed, when it ends with an error before ctx does. A part that was fenced
// has a successor, whom a restart would fence in turn, and one that met records of another version would meet them again:
// both wait for the end of their generation instead.
func keepRunning(ctx context.Context, log *slog.Logger, part string, run func() error) error {
	for ctx.Err() == nil {
		err := run()
		if err == nil || ctx.Err() != nil {
			return nil
		}
		switch {
		case errors.Is(err, producers.ErrFenced):
			log.Warn("a part has stopped: it has a successor", "part", part, "error", err)
			<-ctx.Done()
		case errors.Is(err, schemas.ErrFormat):
			log.Error("a part has stopped", "part", part, "error", err)
			<-ctx.Done()
		default:
			log.Warn("a part has stopped; it is started again", "part", part, "error", err)
		}
		_ = retry.Sleep(ctx, time.Second) // the loop sees when ctx has ended
	}
	return nil
}
