package main

import (
	"context"
	"strconv"
	"sync"
	"time"

	"kindred/cmd/internal/console"
	"kindred/cmd/internal/reading"
	"kindred/consumers"
	"kindred/pipeline/cache"
	"kindred/pipeline/shard"
	"kindred/schemas"
)

const (
	lookEvery  = time.Second     // at most: what is asked of Kafka and Redis for /metrics
	lookWithin = 2 * time.Second // what has not answered then is left out
)

// looked is what Kafka and Redis said of the shards of this process, and of the inputs of control if that is here.
type looked struct {
	mu    sync.Mutex // held while looking: whoever asks meanwhile gets the same answer
	at    time.Time
	lags  map[[2]string]int64           // records that are left to read, by topic and shard ("" for what has no shards)
	bands map[string][cache.Bands]int64 // members by expansion
	rows  int
}

// readings returns the figures of /metrics.
func (p *pipeline) readings() []console.Reading {
	r := new(readings)
	p.processReadings(r)
	p.countedReadings(r)
	if p.worker != nil {
		p.shardReadings(r, p.worker.States())
	}
	p.lookedReadings(r)
	p.drifts.read(r)
	return r.all
}

// readings collects figures.
type readings struct{ all []console.Reading }

func (r *readings) total(name, help string, value float64, labels ...string) {
	r.all = append(r.all, console.Reading{Name: name, Help: help, Value: value, Grows: true, Labels: labels})
}

func (r *readings) now(name, help string, value float64, labels ...string) {
	r.all = append(r.all, console.Reading{Name: name, Help: help, Value: value, Labels: labels})
}

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// processReadings are about the process and its parts.
func (p *pipeline) processReadings(r *readings) {
	build := thisBuild()
	r.now("kindred_build_info", "1, with what was built.", 1, "version", build.Version, "go", build.Go)
	r.now("kindred_ready", "1 while /readyz says ready, else 0.", truth(reading.Ready(p.parts())))
	for _, part := range []*part{p.kafka, p.redis, p.owning, p.routing, p.controlling} {
		if part == p.owning && p.worker == nil || (part == p.routing || part == p.controlling) && !p.server.Does("control") {
			continue
		}
		said := part.says()
		r.now("kindred_part_ready", "1 while a part is ready, else 0. Of shards: whether the process has its place in their group.", truth(said.Ready), "part", part.name)
		if part != p.kafka && part != p.redis {
			r.now("kindred_part_standby", "1 while a part stands by for another process.", truth(part.standingBy()), "part", part.name)
		}
	}
	const restarts = "Restarts of parts that had stopped with an error."
	r.total("kindred_part_restarts_total", restarts, float64(p.stats.Restarts.Load()), "part", "shards")
	r.total("kindred_part_restarts_total", restarts, float64(p.routing.restarts.Load()), "part", "router")
	r.total("kindred_part_restarts_total", restarts, float64(p.controlling.restarts.Load()), "part", "controller")
	r.total("kindred_kafka_errors_total", "Requests to Kafka that were not answered, or not with success.", float64(p.cluster.Errors()))
	r.total("kindred_redis_errors_total", "Commands to Redis that were not answered, or not with success.", float64(p.cache.Errors()))
}

// countedReadings are what the parts have counted since the process started.
func (p *pipeline) countedReadings(r *readings) {
	for i, topic := range shard.Inputs {
		r.total("kindred_records_applied_total", "Records taken in by the owners of shards.", float64(p.stats.Applied[i].Load()), "topic", p.prefix.Topic(topic))
	}
	for i, kind := range shard.Kinds {
		r.total("kindred_memberships_published_total", "Membership records acknowledged by Kafka.", float64(p.stats.Published[i].Load()), "kind", kind)
	}
	within, count, sum := p.stats.Latency.Read()
	r.all = append(r.all, console.Reading{
		Name: "kindred_membership_seconds", Histogram: &console.Histogram{Within: within, Count: count, Sum: sum},
		Help: "Time from a profile or segment member, by its record's timestamp, until Kafka has acknowledged the membership that it changes.",
	})
	r.total("kindred_cache_saves_total", "Transactions that saved a shard.", float64(p.stats.Saves.Load()))
	c := p.counts
	c.mu.Lock()
	defer c.mu.Unlock()
	for by, n := range c.letters {
		r.total("kindred_dead_letters_total", "Records that could not be handled, by the topic they were found in.", float64(n), "topic", by[0], "code", by[1])
	}
	profiles := p.prefix.Topic(schemas.Profiles)
	r.total("kindred_json_keys_total", "Records whose key is JSON, such as a customer id in quotes.", float64(p.stats.JSONKeys.Load()), "topic", profiles)
	for name, n := range c.unknown {
		r.total("kindred_unknown_properties_total", "Properties that mean nothing, by name; beyond 20 names as others.", float64(n), "topic", profiles, "name", name)
	}
	for by, n := range c.runs {
		r.total("kindred_runs_total", "Runs that have ended.", float64(n), "cause", by[0], "status", by[1])
	}
	for cause, took := range c.seconds {
		r.total("kindred_run_seconds_total", "Seconds that ended runs took.", took.Seconds(), "cause", cause)
	}
	for stage, sum := range c.stages {
		r.total("kindred_run_stage_seconds_total", "Seconds that runs spent in a stage.", sum.took.Seconds(), "stage", string(stage))
		r.total("kindred_run_stages_total", "Stages that runs have left.", float64(sum.runs), "stage", string(stage))
	}
}

// shardReadings are about the shards that this process owns, as it knows them itself.
func (p *pipeline) shardReadings(r *readings, states []shard.State) {
	in := map[string]int{shardReady: 0, catchingUp: 0, notSaving: 0, stopped: 0}
	for _, state := range states {
		in[stateOf(state)]++
		if !state.Saved.IsZero() {
			r.now("kindred_shard_save_age_seconds", "Time since the cache of a shard was last saved.", time.Since(state.Saved).Seconds(), "shard", number(state.Shard))
		}
	}
	for name, n := range in {
		r.now("kindred_shards", "Shards of this process by their state.", float64(n), "state", name)
	}
}

// lookedReadings are what Kafka and Redis say: lags, and members. They are looked at once a second at most.
func (p *pipeline) lookedReadings(r *readings) {
	l := &p.looked
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Since(l.at) > lookEvery {
		ctx, cancel := context.WithTimeout(context.Background(), lookWithin)
		p.look(ctx, l)
		cancel()
		l.at = time.Now()
	}
	for of, lag := range l.lags {
		r.now("kindred_lag_records", "Offsets of an input that are left to read, by shard where the topic has shards.", float64(lag), "topic", of[0], "shard", of[1])
	}
	r.now("kindred_customers", "Rows that customers have, or had, in the shards of this process.", float64(l.rows))
	for expansion, members := range l.bands {
		for band, n := range members {
			r.now("kindred_members", "Members in the shards of this process.", float64(n), "expansion", expansion, "band", schemas.BandNames[band])
		}
	}
}

// look finds out how far the shards of this process, and control if it is here, are behind their inputs, and the members by
// expansion and band. What does not answer is left out.
func (p *pipeline) look(ctx context.Context, l *looked) {
	l.lags, l.bands, l.rows = map[[2]string]int64{}, map[string][cache.Bands]int64{}, 0
	var of []consumers.Position // with the next offset that would be read
	var shards []string
	add := func(topic string, partition int, next int64, shard string) {
		of = append(of, consumers.Position{Topic: p.prefix.Topic(topic), Partition: partition, Offset: max(0, next)})
		shards = append(shards, shard)
	}
	if p.worker != nil {
		metas, err := p.cache.ReadMetas(ctx, p.server.Partitions)
		for _, state := range p.worker.States() {
			if err != nil || metas[state.Shard] == nil {
				continue
			}
			meta, name := metas[state.Shard], number(state.Shard)
			add(schemas.Profiles, state.Shard, meta.Offsets.Profiles, name)
			add(schemas.SegmentMembers, state.Shard, meta.Offsets.SegmentMembers, name)
			add(schemas.Models, state.Shard, meta.Offsets.Models, name)
			add(schemas.Memberships, state.Shard, meta.Offsets.Memberships, name)
			l.rows += meta.Rows
			for expansion, progress := range meta.Expansions {
				sum := l.bands[expansion]
				for band, n := range progress.Members {
					sum[band] += n
				}
				l.bands[expansion] = sum
			}
		}
	}
	if term := p.term.Load(); term != nil {
		for _, topic := range []string{schemas.SegmentChanges, schemas.ExpandRequests, schemas.DataEvents, schemas.Fields} {
			if committed, err := term.Committed(ctx, p.prefix.Topic(topic), 0); err == nil {
				add(topic, 0, committed[0], "")
			}
		}
	}
	if len(of) == 0 {
		return
	}
	ends, err := p.fetcher.Ends(ctx, of)
	if err != nil {
		return
	}
	for i, end := range ends {
		l.lags[[2]string{of[i].Topic, shards[i]}] = max(0, end-of[i].Offset)
	}
}

func number(n int) string { return strconv.Itoa(n) }
