package testkit

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"

	"kindred/consumers"
	"kindred/producers"
	"kindred/schemas"
	"kindred/schemas/broker"
	"kindred/schemas/wire"
)

// Longest is how long a world lives, unless New is told otherwise: a test that takes longer has got stuck.
const Longest = 4 * time.Minute

// NotShort leaves a test of much computing out of -short: race detection would take long for it, and others show races as well.
func NotShort(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("much computing, where others show races as well")
	}
}

// Kafka starts a Kafka in this process that ends with the test, of one broker unless the options say otherwise.
func Kafka(t testing.TB, options ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	cluster, err := kfake.NewCluster(append([]kfake.Opt{
		kfake.NumBrokers(1), kfake.DataDir(t.TempDir()), kfake.GroupMinSessionTimeout(time.Second),
	}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return cluster
}

// Connect returns a connection to Kafka with an idea of the cluster of its own. It ends with the test.
func Connect(t testing.TB, addresses ...string) *broker.Cluster {
	transport := new(kafka.Transport)
	t.Cleanup(transport.CloseIdleConnections)
	return &broker.Cluster{Client: &kafka.Client{Addr: kafka.TCP(addresses...), Transport: transport}}
}

// World is one installation of kindred under a prefix of its own, without any part of the pipeline: its topics are there,
// and a producer runs.
type World struct {
	testing.TB
	Ctx      context.Context // ends with the test, or when that takes too long
	Kafka    *broker.Cluster
	Prefix   schemas.Prefix
	Fetcher  *consumers.Fetcher
	Producer *producers.Producer

	parts sync.WaitGroup
}

// New makes a world of a number of shards on a Kafka. What was started in it ends with the test.
func New(t testing.TB, kafka *broker.Cluster, prefix string, shards int) *World {
	t.Helper()
	return NewFor(t, Longest, kafka, prefix, shards)
}

// NewFor is New for a test that may take longer.
func NewFor(t testing.TB, longest time.Duration, kafka *broker.Cluster, prefix string, shards int) *World {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), longest)
	w := &World{TB: t, Ctx: ctx, Kafka: kafka, Prefix: schemas.Prefix(prefix),
		Fetcher: &consumers.Fetcher{Cluster: kafka}, Producer: &producers.Producer{Cluster: kafka}}
	w.OK(producers.Ensure(ctx, kafka, w.Prefix, schemas.Topics(shards)))
	w.Run(func() error { return w.Producer.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		w.parts.Wait()
	})
	return w
}

// OK ends the test when there is an error.
func (w *World) OK(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// Run runs a part until the test ends. An error before then is one of the test.
func (w *World) Run(part func() error) {
	w.parts.Go(func() {
		if err := part(); err != nil && w.Ctx.Err() == nil {
			w.Error(err)
		}
	})
}

// Join takes a place in a group, which gives one member everything, until the test ends.
func (w *World) Join(group string, topics ...string) *consumers.Generation {
	w.Helper()
	joined := make(chan *consumers.Generation, 1)
	member := &consumers.Group{Cluster: w.Kafka, ID: string(w.Prefix) + group, Member: "one", Whole: true, Topics: w.Topics(topics...)}
	w.Run(func() error {
		return member.Run(w.Ctx, func(ctx context.Context, gen *consumers.Generation) error {
			joined <- gen
			<-ctx.Done()
			return nil
		})
	})
	select {
	case gen := <-joined:
		return gen
	case <-w.Ctx.Done():
		w.Fatalf("nobody was given the group %s", group)
		return nil
	}
}

// Topics returns the full names of topics.
func (w *World) Topics(names ...string) []string {
	full := make([]string, len(names))
	for i, name := range names {
		full[i] = w.Prefix.Topic(name)
	}
	return full
}

// Publish appends one record and returns its offset. A nil value is a tombstone.
func (w *World) Publish(topic string, partition int, at time.Time, key string, value []byte, headers wire.Headers) int64 {
	w.Helper()
	var batch wire.Builder
	batch.Add(at.UnixMilli(), []byte(key), value, headers)
	ack, err := w.Producer.Publish(w.Ctx, w.Prefix.Topic(topic), partition, &batch)
	w.OK(err)
	return ack.Base
}

// All visits what the first partitions of a topic hold now.
func (w *World) All(topic string, partitions int, visit func(*wire.Record)) {
	w.Helper()
	for p := range partitions {
		w.Partition(topic, p, visit)
	}
}

// Partition visits what one partition of a topic holds now.
func (w *World) Partition(topic string, partition int, visit func(*wire.Record)) {
	w.Helper()
	from := wire.Position{Topic: w.Prefix.Topic(topic), Partition: partition}
	ends, err := w.Fetcher.Ends(w.Ctx, []wire.Position{from})
	w.OK(err)
	w.OK(wire.ReadTo(w.Ctx, w.Fetcher, from, ends[0], func(r *wire.Record) error {
		visit(r)
		return nil
	}))
}
