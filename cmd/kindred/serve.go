package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"kindred/cmd/internal/config"
	"kindred/cmd/internal/console"
	"kindred/cmd/internal/embedded"
	"kindred/pipeline/cache"
	"kindred/pipeline/selection"
	"kindred/producers"
	"kindred/schemas"
)

func (p *program) serve() *cobra.Command {
	var server config.Server
	command := &cobra.Command{
		Use:   "serve",
		Short: "Run the pipeline, until Ctrl-C",
		Example: "  kindred serve --kafka kafka:9092 --redis redis:6379\n" +
			"  kindred serve --embedded ./data",
		Args: named(),
		RunE: func(command *cobra.Command, _ []string) error {
			if err := server.Check(); err != nil {
				return usage(err.Error(), command.CommandPath()+" --help")
			}
			presets, err := readPresets(server.Presets)
			if err != nil {
				return err
			}
			ctx := command.Context()
			if server.Embedded != "" {
				pair, err := p.embed(ctx, server.Embedded)
				if err != nil {
					return err
				}
				defer pair.Close()
			}
			return serve(ctx, service{settings: p.settings, server: server, presets: presets, embedded: server.Embedded != "", log: p.log})
		},
	}
	server.Flags(command.Flags())
	return command
}

// embed starts Kafka and Redis at the addresses where the other commands will look for them.
func (p *program) embed(ctx context.Context, dir string) (*embedded.Pair, error) {
	if len(p.settings.Kafka) != 1 || len(p.settings.Redis) != 1 {
		return nil, usage("--embedded listens on one address of --kafka and one of --redis", "kindred serve --help")
	}
	pair, err := embedded.Start(ctx, embedded.Options{Dir: dir, KafkaAddr: p.settings.Kafka[0], RedisAddr: p.settings.Redis[0]})
	if err != nil {
		return nil, err
	}
	p.settings.Kafka, p.settings.Redis = []string{pair.KafkaAddr}, []string{pair.RedisAddr} // port 0 has become one
	if pair.Readable {
		p.log.Warn("other users of this machine can look into the folder, which holds profiles", "folder", dir, "try", "chmod 700 "+dir)
	}
	if p.settings.LogFormat == "json" {
		p.log.Info("embedded servers", "kafka", pair.KafkaAddr, "folder", dir, "redis", pair.RedisAddr)
		return pair, nil
	}
	p.aside.Line("embedded Kafka at %s, kept in %s; embedded Redis at %s", pair.KafkaAddr, dir, pair.RedisAddr)
	return pair, nil
}

// service is what serve runs on, and as.
type service struct {
	settings config.Settings
	server   config.Server
	presets  selection.Presets // of one's own
	embedded bool              // Kafka and Redis are in this process
	log      *slog.Logger
	started  func(http string) // is called with the HTTP address once the parts run; nil: nobody waits for it
}

// serve runs the pipeline until ctx ends, which is no error, or until a part fails.
func serve(ctx context.Context, s service) error {
	// The HTTP address is taken first: what is wrong with it shows at once.
	listener, http, err := s.listen()
	if err != nil {
		return err
	}
	if listener != nil {
		defer listener.Close()
	}

	// Kafka is the truth, Redis a cache: without either there is nothing to do.
	cluster, err := s.settings.Cluster(s.log)
	if err != nil {
		return &failure{code: misused, err: err}
	}
	if err := s.settings.ReachKafka(ctx, cluster); err != nil {
		return err
	}
	store, err := openCache(&s.settings, s.embedded)
	if err != nil {
		return err
	}
	defer store.Close()
	if err := checkCache(ctx, &s.settings, store, cache.Writing); err != nil {
		return err
	}

	// No part starts on topics that are not as they must be: the partitions of profiles are the shards.
	prefix, topics := schemas.Prefix(s.settings.Prefix), schemas.Topics(s.server.Partitions)
	needed := topicsOfShards
	if s.server.Changes && s.server.Does("shards") {
		topics = append(topics, schemas.Changes(s.server.Partitions))
		needed = append(slices.Clone(needed), schemas.MembershipChanges)
	}
	if err := producers.Ensure(ctx, cluster, prefix, topics); errors.Is(err, producers.ErrTopics) {
		return hint(err, "kindred topics diff, another --prefix, or the --partitions that the topics have")
	} else if err != nil {
		return err
	}

	// The parts share one producer, one fetcher and one cache. They stop together, when ctx ends or one of them fails.
	p := s.pipeline(cluster, store, prefix, address(listener))
	if err := p.agree(ctx); err != nil {
		return err
	}
	if err := p.topics.identify(ctx, topics); err != nil {
		return err
	}
	if err := p.fetcher.Pin(ctx, p.topics.start); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return p.producer.Run(ctx) })
	group.Go(func() error { return p.topics.run(ctx) })
	group.Go(func() error { return boundGarbage(ctx) })
	group.Go(func() error { return p.processors.run(ctx) })
	if s.server.Does("shards") {
		stale, err := tombstones(ctx, cluster, prefix)
		if err != nil {
			return err
		}
		p.worker = p.newWorker(stale)
		group.Go(func() error { return p.topics.runPart(ctx, needed, p.shards) })
	}
	if s.server.Does("control") {
		group.Go(func() error { return p.topics.runPart(ctx, topicsOfControl, p.control) })
	}

	group.Go(func() error { return p.probe(ctx) })
	group.Go(func() error { return p.announce(ctx) })
	group.Go(func() error { return p.stillAgrees(ctx) })

	// HTTP answers last: /readyz asks the parts how they are.
	if listener != nil {
		facts := p.facts()
		http.Parts, http.Readings, http.Facts, http.Ask, http.Replay, http.Presets = p.parts, p.readings, facts, p.ask, p.putBack, p.presets
		group.Go(func() error { return facts.Book.Run(ctx) })
		group.Go(func() error { return facts.Watch(ctx) })
		group.Go(func() error { return http.Run(ctx) })
	}
	if s.started != nil {
		s.started(address(listener))
	}
	s.log.Info("serving", "instance", p.member, "http", address(listener), "roles", strings.Join(s.server.Roles, ","), "prefix", s.settings.Prefix, "partitions", s.server.Partitions)
	begun := time.Now()
	err = group.Wait()
	if err != nil {
		s.log.Error("ended", "after", time.Since(begun).Round(time.Second), "error", err)
		return err
	}
	s.log.Info("ended", "after", time.Since(begun).Round(time.Second))
	return nil
}

// listen opens the address of the HTTP server, if there is to be one, and makes the server, which knows nothing to answer yet.
func (s *service) listen() (net.Listener, *console.Server, error) {
	if s.server.HTTP == "" {
		return nil, nil, nil
	}
	tokens, err := s.server.Tokens()
	if err != nil {
		return nil, nil, &failure{code: misused, err: err, try: `(umask 077; echo "$USER $(openssl rand -hex 24) editor" > FILE)`}
	}
	encryption, err := s.server.HTTPTLS()
	if err != nil {
		return nil, nil, &failure{code: misused, err: err}
	}
	listener, err := net.Listen("tcp", s.server.HTTP)
	if err != nil {
		return nil, nil, hint(fmt.Errorf("http: %w", err), "another address with --http, or --http '' for none")
	}
	return listener, &console.Server{Listener: listener, TLS: encryption, Hosts: s.server.HTTPNames, Tokens: tokens, Log: s.log}, nil
}

func address(listener net.Listener) string {
	if listener == nil {
		return ""
	}
	return listener.Addr().String()
}
