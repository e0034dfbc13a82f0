package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strings"
	"time"

	"kindred/cmd/internal/bench"
	"kindred/cmd/internal/config"
	"kindred/cmd/internal/embedded"
	"kindred/pipeline/cache"
	"kindred/schemas"
	"kindred/schemas/wire"
)

// run measures with so many customers, fields and expansions, on servers of its own or on those of the settings. Nothing of it
// stays behind, even when ctx ends it.
func (b *benchCommand) run(ctx context.Context, customers, fields, expansions int) (*bench.Report, error) {
	here := *b.program // with its own servers and its own prefix
	p := &here
	p.log = p.quiet()
	if b.own {
		pair, err := embedded.Start(ctx, embedded.Options{})
		if err != nil {
			return nil, err
		}
		defer pair.Close()
		p.settings.Kafka, p.settings.Redis = []string{pair.KafkaAddr}, []string{pair.RedisAddr}
	}
	c, store, err := p.opened(ctx, kept(cmp.Or(b.keep, strings.ToLower(rand.Text()[:8]))))
	if err != nil {
		return nil, err
	}
	defer c.close()
	defer store.Close()

	one := b.Bench
	one.Customers, one.Fields, one.Expansions = customers, fields, expansions
	one.System = p.system(c, b.Shards, b.own, b.Changes)
	one.Cache, one.Kept = store, b.keep != ""
	profiles := profiling{dir: b.profiles}
	defer profiles.end()
	one.Say = func(name string) {
		p.aside.Line("  %s ...", name)
		profiles.begin(name)
	}
	report, err := one.Run(ctx)
	err = errors.Join(err, profiles.end())
	if !b.own && b.keep == "" {
		err = errors.Join(err, p.clear(ctx, c, &one))
	}
	return report, err
}

// opened connects with a prefix that ends so.
func (p *program) opened(ctx context.Context, prefix string) (*connection, *cache.Store, error) {
	p.settings.Prefix += prefix
	c, err := p.connect(ctx)
	if err != nil {
		return nil, nil, err
	}
	store, err := p.cache(ctx)
	if err != nil {
		c.close()
		return nil, nil, err
	}
	return c, store, nil
}

// clearKept deletes what earlier benches have kept under a name.
func (b *benchCommand) clearKept(ctx context.Context) error {
	here := *b.program
	c, store, err := here.opened(ctx, kept(b.keep))
	if err != nil {
		return err
	}
	defer c.close()
	defer store.Close()
	return here.clear(ctx, c, &bench.Bench{System: bench.System{Shards: b.Shards, Cache: store}})
}

// kept is what the prefix of a bench ends in.
func kept(name string) string { return "bench-" + name + "." }

// clear deletes what the bench has left in Kafka and Redis, after an interrupt, too.
func (p *program) clear(ctx context.Context, c *connection, b *bench.Bench) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	topics, err := c.cluster.Topics(ctx, p.settings.Prefix)
	if err == nil && len(topics) > 0 {
		err = c.cluster.DeleteTopics(ctx, slices.Sorted(maps.Keys(topics))...)
	}
	for _, group := range []string{"shards", "control"} {
		err = errors.Join(err, c.cluster.DeleteGroup(ctx, p.settings.Prefix+group))
	}
	if err = errors.Join(err, b.Clear(ctx)); err != nil {
		return hint(fmt.Errorf("clear away: %w", err), "delete the topics and keys that begin with "+p.settings.Prefix)
	}
	return nil
}

// system is the kindred that is measured: the one that serve runs, and the commands that publish.
func (p *program) system(c *connection, shards int, own, changes bool) bench.System {
	return bench.System{
		Prefix: c.prefix, Shards: shards, Partitioner: p.settings.Partitioner,
		Producer: c.producer, Fetcher: c.fetcher, Embedded: own,
		Kafka: bareAddress(p.settings.Kafka, p.settings.KafkaLogin, p.settings.KafkaTLS),
		Redis: bareAddress(p.settings.Redis, p.settings.RedisLogin, p.settings.RedisTLS),
		Serve: func(ctx context.Context, started func(), roles ...string) error {
			return serve(ctx, service{settings: p.settings, embedded: own, log: p.log, started: func(string) { started() },
				server: config.Server{Roles: roles, Partitions: shards, MinSource: 25, WarnSource: 100, Changes: changes}})
		},
		Flood: func(ctx context.Context, topic string, fill func(func(key, value []byte) error) error) error {
			f, err := p.flood(ctx, c, topic)
			if err != nil {
				return err
			}
			return f.finish(fill(f.add))
		},
		Snapshot: func(ctx context.Context, segment string, ids []string) error {
			_, err := c.snapshot(ctx, segment, segment, ids, func(int64) {})
			return err
		},
		Ask:    c.timed,
		Delete: c.cluster.DeleteTopics,
	}
}

// timed publishes a request and returns the last event of its run, and how long after the request that was read.
func (c *connection) timed(ctx context.Context, request schemas.ExpandRequest) (run schemas.Run, took time.Duration, err error) {
	from, err := c.end(ctx, schemas.Runs)
	if err != nil {
		return run, 0, err
	}
	began := time.Now()
	if _, err := c.request(ctx, request); err != nil {
		return run, 0, err
	}
	err = c.follow(ctx, schemas.Runs, from, func(record *wire.Record) (bool, error) {
		var event schemas.Run
		if json.Unmarshal(record.Value, &event) != nil || event.RunID != request.RequestID {
			return false, nil
		}
		run, took = event, time.Since(began)
		return run.Status.Final(), nil
	}, func() {})
	return run, took, err
}

// bareAddress returns the address for a connection without a client; empty: such a connection would not do.
func bareAddress(addresses []string, login config.Login, tls config.TLS) string {
	if len(addresses) != 1 || login.User != "" || login.Password != "" || tls.On {
		return ""
	}
	return addresses[0]
}

// profiling writes a CPU profile of each measure, named after it.
type profiling struct {
	dir  string // empty: none
	file *os.File
	err  error // the first
}

func (p *profiling) begin(name string) {
	if p.dir == "" || p.end() != nil {
		return
	}
	if p.err = os.MkdirAll(p.dir, 0o755); p.err != nil {
		return
	}
	if p.file, p.err = os.Create(filepath.Join(p.dir, strings.ReplaceAll(name, " ", "-")+".pprof")); p.err == nil {
		p.err = pprof.StartCPUProfile(p.file)
	}
}

// end ends the profile that is being taken, if there is one.
func (p *profiling) end() error {
	if p.file != nil {
		pprof.StopCPUProfile()
		p.err = errors.Join(p.err, p.file.Close())
		p.file = nil
	}
	return p.err
}
