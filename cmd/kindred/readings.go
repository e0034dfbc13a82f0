package main

import (
	"kindred/cmd/internal/console"
	"kindred/pipeline/shard"
)

// behind returns what has not caught up yet, in words; empty: the process is ready.
func (p *pipeline) behind() string {
	if amiss := p.ground.amiss(); amiss != "" {
		return amiss
	}
	if p.worker == nil || p.worker.Ready() {
		return ""
	}
	return "shards are catching up"
}

// readings returns the figures of /metrics.
func (p *pipeline) readings() []console.Reading {
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
