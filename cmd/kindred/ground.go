package main

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"kindred/pipeline/shard"
	"kindred/schemas"
	"kindred/schemas/broker"
	"kindred/schemas/retry"
)

// ground is the topics that the parts of this process work on, as they were when it started. When one is no longer that
// topic, the parts that need it stop: offsets would name other records, and shards hold other customers. The process stays,
// is not ready, and says why.
type ground struct {
	cluster *broker.Cluster
	prefix  schemas.Prefix
	log     *slog.Logger
	start   map[string]broker.Identity // by full name

	mu    sync.Mutex
	parts []partOfGround
	wrong map[string]finding // by full name
}

// partOfGround is a part that runs, with the full names of what it needs.
type partOfGround struct {
	topics []string
	stop   context.CancelFunc
}

// finding is what is wrong with a topic.
type finding struct {
	words string
	final bool // it does not pass: the parts that need the topic have been stopped
}

// Topics that parts need, without the prefix. What control does ends in the shards.
var (
	topicsOfShards  = []string{schemas.Profiles, schemas.SegmentMembers, schemas.Models, schemas.Memberships}
	topicsOfControl = append([]string{
		schemas.SegmentChanges, schemas.ExpandRequests, schemas.DataEvents, schemas.Fields, schemas.Segments, schemas.Expansions,
	}, topicsOfShards...)
)

// lay looks at the topics, which must have been created.
func (g *ground) lay(ctx context.Context, topics []schemas.Topic) error {
	var names []string
	for _, topic := range topics {
		names = append(names, g.prefix.Topic(topic.Name))
	}
	how := broker.Asking{Tries: 10, Pauses: retry.Backoff{First: 50 * time.Millisecond, Last: time.Second}}
	return g.cluster.Persist(ctx, "look at the topics", how, func(ctx context.Context) (err error) {
		g.start, err = g.cluster.Identify(ctx, names...)
		for _, name := range names {
			if err == nil && g.start[name].Partitions == 0 {
				err = fmt.Errorf("%s is not there", name) // not on this broker yet
			}
		}
		return err
	})
}

// inputs returns the ids of the inputs of a shard, as far as they are known.
func (g *ground) inputs() (ids [len(shard.Inputs)]string) {
	for i, name := range shard.Inputs {
		if id := g.start[g.prefix.Topic(name)].ID; id != (broker.TopicID{}) {
			ids[i] = id.String()
		}
	}
	return ids
}

// watch looks until ctx ends whether the topics are still those.
func (g *ground) watch(ctx context.Context) error {
	return (&broker.Watch{Cluster: g.cluster, Topics: g.start, Changed: g.changed}).Run(ctx)
}

// under runs a part with a ctx that ends when a topic that it needs is no longer what it was. Then it waits for ctx itself.
func (g *ground) under(ctx context.Context, topics []string, part func(context.Context) error) error {
	working, stop := context.WithCancel(ctx)
	defer stop()
	of := partOfGround{stop: stop}
	for _, topic := range topics {
		of.topics = append(of.topics, g.prefix.Topic(topic))
	}
	g.mu.Lock()
	g.parts = append(g.parts, of)
	for _, topic := range of.topics {
		if g.wrong[topic].final {
			stop()
		}
	}
	g.mu.Unlock()
	err := part(working)
	if err == nil && working.Err() != nil {
		<-ctx.Done()
	}
	return err
}

// changed is told what a topic is now.
func (g *ground) changed(topic string, is broker.Identity) {
	found := g.judge(topic, is)
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.wrong[topic].final {
		return
	}
	if found.words == "" {
		delete(g.wrong, topic)
		g.log.Info("a topic is back as it was", "topic", topic)
		return
	}
	g.log.Error("a topic is not what it was", "topic", topic, "error", found.words)
	if g.wrong == nil {
		g.wrong = map[string]finding{}
	}
	g.wrong[topic] = found
	for _, part := range g.parts {
		if found.final && slices.Contains(part.topics, topic) {
			part.stop()
		}
	}
}

// judge says what is wrong with a topic, and the way out; empty: nothing.
func (g *ground) judge(topic string, is broker.Identity) finding {
	was := g.start[topic]
	switch {
	case is.Same(was):
		return finding{}
	case is.Partitions == 0:
		return finding{words: topic + " is not there any more (a restart of serve creates it anew)"}
	case is.Partitions != was.Partitions:
		return finding{final: true, words: fmt.Sprintf("%s has %d partitions instead of %d, so its keys have moved "+
			"(partitions cannot be taken away: start with another --prefix)", topic, is.Partitions, was.Partitions)}
	}
	return finding{final: true, words: topic + " was deleted and created anew (restart serve)"}
}

// amiss says in words why this process cannot work; empty: its topics are as they were. A topic that is only written to may
// have become another one.
func (g *ground) amiss() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	var all []string
	for _, topic := range slices.Sorted(maps.Keys(g.wrong)) {
		found := g.wrong[topic]
		needed := slices.ContainsFunc(g.parts, func(p partOfGround) bool { return slices.Contains(p.topics, topic) })
		if needed || !found.final {
			all = append(all, found.words)
		}
	}
	return strings.Join(all, "; ")
}
