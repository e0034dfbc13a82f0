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

// topicWatch watches the topics that the parts of this process work on, as they were when it started. When one is no longer that
// topic, the parts that need it stop: offsets would name other records, and shards hold other customers. The process stays,
// is not ready, and says why.
type topicWatch struct {
	cluster *broker.Cluster
	prefix  schemas.Prefix
	log     *slog.Logger
	start   map[string]broker.Identity // by full name

	mu    sync.Mutex
	parts []topicPart
	wrong map[string]finding // by full name
}

// topicPart is a part that runs, with the full names of what it needs.
type topicPart struct {
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

// identify looks at the topics, which must have been created.
func (w *topicWatch) identify(ctx context.Context, topics []schemas.Topic) error {
	var names []string
	for _, topic := range topics {
		names = append(names, w.prefix.Topic(topic.Name))
	}
	how := broker.Asking{Tries: 10, Pauses: retry.Backoff{First: 50 * time.Millisecond, Last: time.Second}}
	return w.cluster.Persist(ctx, "look at the topics", how, func(ctx context.Context) (err error) {
		w.start, err = w.cluster.Identify(ctx, names...)
		for _, name := range names {
			if err == nil && w.start[name].Partitions == 0 {
				err = fmt.Errorf("%s is not there", name) // not on this broker yet
			}
		}
		return err
	})
}

// inputs returns the ids of the inputs of a shard, as far as they are known.
func (w *topicWatch) inputs() (ids [len(shard.Inputs)]string) {
	for i, name := range shard.Inputs {
		ids[i] = w.id(w.prefix.Topic(name))
	}
	return ids
}

// id returns the id of a topic, named in full; empty: it is not known.
func (w *topicWatch) id(topic string) string {
	if id := w.start[topic].ID; id != (broker.TopicID{}) {
		return id.String()
	}
	return ""
}

// run looks until ctx ends whether the topics are still those.
func (w *topicWatch) run(ctx context.Context) error {
	return (&broker.Watch{Cluster: w.cluster, Topics: w.start, Changed: w.changed}).Run(ctx)
}

// runPart runs a part with a ctx that ends when a topic that it needs is no longer what it was. Then it waits for ctx itself.
func (w *topicWatch) runPart(ctx context.Context, topics []string, part func(context.Context) error) error {
	working, stop := context.WithCancel(ctx)
	defer stop()
	of := topicPart{stop: stop}
	for _, topic := range topics {
		of.topics = append(of.topics, w.prefix.Topic(topic))
	}
	w.mu.Lock()
	w.parts = append(w.parts, of)
	for _, topic := range of.topics {
		if w.wrong[topic].final {
			stop()
		}
	}
	w.mu.Unlock()
	err := part(working)
	if err == nil && working.Err() != nil {
		<-ctx.Done()
	}
	return err
}

// changed is told what a topic is now.
func (w *topicWatch) changed(topic string, is broker.Identity) {
	found := w.compare(topic, is)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.wrong[topic].final {
		return
	}
	if found.words == "" {
		delete(w.wrong, topic)
		w.log.Info("a topic is back as it was", "topic", topic)
		return
	}
	w.log.Error("a topic is not what it was", "topic", topic, "error", found.words)
	if w.wrong == nil {
		w.wrong = map[string]finding{}
	}
	w.wrong[topic] = found
	for _, part := range w.parts {
		if found.final && slices.Contains(part.topics, topic) {
			part.stop()
		}
	}
}

// compare says what is wrong with a topic, and the way out; empty: nothing.
func (w *topicWatch) compare(topic string, is broker.Identity) finding {
	was := w.start[topic]
	switch {
	case is.Same(was):
		return finding{}
	case is.Partitions == 0:
		return finding{words: topic + " is not there any more (a restart of serve creates it anew)"}
	case is.Partitions != was.Partitions:
		return finding{final: true, words: fmt.Sprintf("%s has %d partitions instead of %d, so its keys have moved "+
			"(partitions cannot be taken away: start with another --prefix)", topic, is.Partitions, was.Partitions)}
	}
	again := "restart serve"
	if slices.ContainsFunc(topicsOfShards, func(name string) bool { return w.prefix.Topic(name) == topic }) {
		again = fmt.Sprintf("the caches are of the old one: delete the keys %s{* in Redis and restart serve, or start with another --prefix", w.prefix)
	}
	return finding{final: true, words: fmt.Sprintf("%s was deleted and created anew (%s)", topic, again)}
}

// problem says in words why this process cannot work; empty: its topics are as they were. A topic that is only written to may
// have become another one.
func (w *topicWatch) problem() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []string
	for _, topic := range slices.Sorted(maps.Keys(w.wrong)) {
		found := w.wrong[topic]
		needed := slices.ContainsFunc(w.parts, func(p topicPart) bool { return slices.Contains(p.topics, topic) })
		if needed || !found.final {
			all = append(all, found.words)
		}
	}
	return strings.Join(all, "; ")
}
