package main

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
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
	changes  string // since when membership-changes is written, as it was agreed on; empty: it is not
	cluster  *broker.Cluster
	producer *producers.Producer // of all shards; control has transactional ones
	fetcher  *consumers.Fetcher
	cache    *cache.Store
	topics   *topicWatch

	worker     *shard.Worker // nil: this process owns no shards
	stats      shard.Stats
	processors processors

	kafka, redis         *part // whether they answer
	owning               *part // the place in the group of the shards
	routing, controlling *part

	counts *counts
	looked looked
	drifts drifts
	term   atomic.Pointer[consumers.Generation] // in which this process controls; nil: it does not
}

// pipeline makes what the parts share. It starts nothing. The process listens on an address, or on none.
func (s *service) pipeline(cluster *broker.Cluster, store *cache.Store, prefix schemas.Prefix, listening string) *pipeline {
	member, lasting := s.server.Member(listening)
	p := &pipeline{
		service: *s, member: member, lasting: lasting, prefix: prefix, cache: store, cluster: cluster,
		topics:   &topicWatch{cluster: cluster, prefix: prefix, log: s.log},
		producer: &producers.Producer{Cluster: cluster, Compression: s.settings.Compression}, fetcher: &consumers.Fetcher{Cluster: cluster},
		kafka: newPart("kafka"), redis: newPart("redis"), owning: newPart("shards"), routing: newPart("router"), controlling: newPart("controller"),
		counts: newCounts(prefix),
	}
	p.stats.Letter, p.stats.Unknown = p.counts.letter, p.counts.unknowns
	return p
}

// shards owns the shards that the group gives to this process, until ctx ends.
func (p *pipeline) shards(ctx context.Context) error {
	group := p.group("shards", p.server.Partitions, schemas.Profiles, schemas.SegmentMembers, schemas.Models, schemas.Memberships)
	group.Alive = func(shards []int) {
		if len(shards) == 0 {
			p.owning.standsBy()
		} else {
			p.owning.ok() // how the shards are, they say themselves
		}
	}
	return p.wayOut(group.Run(ctx, func(ctx context.Context, gen *consumers.Generation) error {
		return p.worker.Run(ctx, gen.Shards, gen)
	}))
}

// newWorker makes the worker that owns the shards of this process, whichever those will be.
func (p *pipeline) newWorker(stale time.Duration) *shard.Worker {
	return &shard.Worker{Renew: p.producer.Renew, Log: p.log, New: func(number int) *shard.Owner {
		return &shard.Owner{
			Shard: number, Shards: p.server.Partitions, Prefix: p.prefix, Partitioner: p.settings.Partitioner,
			Flat: p.server.Flat, Reader: p.fetcher, Publisher: p.producer, Cache: p.cache,
			Log: p.log, Stats: &p.stats, StaleAfter: stale, Topics: p.topics.inputs(), Changes: p.logOfChanges(),
		}
	}}
}

// logOfChanges names the topic membership-changes since it was switched on; one that was made anew has another name. Empty: it is
// not written.
func (p *pipeline) logOfChanges() string {
	if p.changes == "" {
		return ""
	}
	return p.changes + "/" + p.topics.id(p.prefix.Topic(schemas.MembershipChanges))
}

// control routes segment changes and runs expansions whenever the group has chosen this process for it, until ctx ends.
func (p *pipeline) control(ctx context.Context) error {
	group := p.group("control", 1, schemas.SegmentChanges, schemas.ExpandRequests, schemas.DataEvents, schemas.Fields)
	group.Whole = true
	group.Alive = func(shards []int) {
		if len(shards) == 0 { // else the two say how they are
			p.routing.standsBy()
			p.controlling.standsBy()
		}
	}
	return p.wayOut(group.Run(ctx, func(ctx context.Context, gen *consumers.Generation) error {
		p.term.Store(gen)
		defer p.term.Store(nil)
		controllerSeen := &watched{Reader: p.fetcher, part: p.controlling, topic: p.prefix.Topic(schemas.ExpandRequests)}
		routerSeen := &watched{Reader: p.fetcher, part: p.routing, topic: p.prefix.Topic(schemas.SegmentChanges)}
		controller := p.controller(gen, controllerSeen)
		router := p.router(gen, routerSeen)
		router.Taken = controller.Taken
		parts, ctx := errgroup.WithContext(ctx)
		parts.Go(func() error {
			return keepRunning(ctx, p.log, p.controlling, func() error {
				controllerSeen.ahead = 2 // one is being decided on, one waits
				return controller.Run(ctx, gen)
			})
		})
		parts.Go(func() error {
			return keepRunning(ctx, p.log, p.routing, func() error {
				routerSeen.ahead = 1
				return router.Run(ctx, gen)
			})
		})
		parts.Go(func() error {
			p.drifts.watch(ctx, p.cache, p.server.Partitions, p.log)
			return nil
		})
		return parts.Wait()
	}))
}

func (p *pipeline) router(gen *consumers.Generation, seen *watched) *route.Router {
	return &route.Router{
		Prefix: p.prefix, Shards: p.server.Partitions, Partitioner: p.settings.Partitioner,
		TopicID: p.topics.id(p.prefix.Topic(schemas.SegmentChanges)),
		Reader:  seen, Transactions: p.transactions("router", gen, seen), Log: p.log,
	}
}

func (p *pipeline) controller(gen *consumers.Generation, seen *watched) *control.Controller {
	return &control.Controller{
		Prefix: p.prefix, Number: p.server.Partitions,
		Reader: seen, Transactions: p.transactions("controller", gen, seen), Log: p.log,
		Shards: p.cache, Presets: p.presets, Learners: learners,
		Learner: &learner{processors: &p.processors, Learner: &learn.Trainer{
			Cache: p.cache, Number: p.server.Partitions, Log: p.log,
			MinSource: p.server.MinSource, WarnSource: p.server.WarnSource,
		}},
	}
}

func (p *pipeline) transactions(id string, gen *consumers.Generation, seen *watched) transactions {
	return transactions{
		producer: &producers.Transactional{Cluster: p.cluster, ID: string(p.prefix) + id, Compression: p.settings.Compression},
		group:    gen, counts: p.counts, inside: &seen.inside,
	}
}

// group describes this process as a member of a consumer group that reads some topics, which have as many partitions as
// there are shards in the group.
func (p *pipeline) group(name string, shards int, topics ...string) *consumers.Group {
	group := &consumers.Group{
		Cluster: p.cluster, ID: string(p.prefix) + name, Member: p.member, Static: p.lasting, Shards: shards,
		Session: p.server.Session, TopicIDs: map[string]string{},
	}
	for _, topic := range topics {
		name := p.prefix.Topic(topic)
		group.Topics = append(group.Topics, name)
		group.TopicIDs[name] = p.topics.id(name)
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
func keepRunning(ctx context.Context, log *slog.Logger, part *part, run func() error) error {
	for ctx.Err() == nil {
		err := run()
		if err == nil || ctx.Err() != nil {
			return nil
		}
		part.failed(err)
		switch {
		case errors.Is(err, producers.ErrFenced):
			log.Warn("a part has stopped: it has a successor", "part", part.name, "error", err)
			<-ctx.Done()
		case errors.Is(err, schemas.ErrFormat):
			log.Error("a part has stopped", "part", part.name, "error", err)
			<-ctx.Done()
		default:
			part.restarts.Add(1)
			log.Warn("a part has stopped; it is started again", "part", part.name, "error", err)
		}
		_ = retry.Sleep(ctx, time.Second) // the loop sees when ctx has ended
	}
	return nil
}
