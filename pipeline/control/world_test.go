package control_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"go.uber.org/goleak"

	"kindred/consumers"
	"kindred/pipeline/cache"
	"kindred/pipeline/control"
	"kindred/pipeline/learn"
	"kindred/pipeline/route"
	"kindred/pipeline/shard"
	"kindred/producers"
	"kindred/schemas"
	"kindred/schemas/broker"
	"kindred/schemas/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	shards  = 3
	longest = time.Second // a fetch waits for records
)

var quiet = slog.New(slog.DiscardHandler)

// world is an embedded Kafka with the topics of one prefix, a producer, and a place in the controller's group.
type world struct {
	*testing.T
	ctx      context.Context
	client   *broker.Cluster
	prefix   schemas.Prefix
	fetcher  *consumers.Fetcher
	producer *producers.Producer
	parts    sync.WaitGroup
}

func newWorld(t *testing.T, cluster *kfake.Cluster, prefix string) *world {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	transport := new(kafka.Transport)
	client := &broker.Cluster{Client: &kafka.Client{Addr: kafka.TCP(cluster.ListenAddrs()...), Transport: transport}}
	w := &world{T: t, ctx: ctx, client: client, prefix: schemas.Prefix(prefix),
		fetcher: &consumers.Fetcher{Cluster: client}, producer: &producers.Producer{Cluster: client}}
	w.ok(producers.Ensure(ctx, client, w.prefix, schemas.Topics(shards)))
	w.run(func() error { return w.producer.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		w.parts.Wait()
		transport.CloseIdleConnections()
	})
	return w
}

func newKafka(t *testing.T) *kfake.Cluster {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.DataDir(t.TempDir()), kfake.GroupMinSessionTimeout(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return cluster
}

func (w *world) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// run runs a part until the test ends.
func (w *world) run(part func() error) {
	w.parts.Go(func() {
		if err := part(); err != nil && w.ctx.Err() == nil {
			w.Error(err)
		}
	})
}

// join takes a place in the controller's group until the test ends.
func (w *world) join() *consumers.Generation {
	places := make(chan *consumers.Generation, 1)
	group := &consumers.Group{Cluster: w.client, ID: string(w.prefix) + "control", Member: "one", Whole: true,
		Topics: []string{w.prefix.Topic(schemas.ExpandRequests), w.prefix.Topic(schemas.DataEvents)}}
	w.run(func() error {
		return group.Run(w.ctx, func(ctx context.Context, gen *consumers.Generation) error {
			places <- gen
			<-ctx.Done()
			return nil
		})
	})
	select {
	case gen := <-places:
		return gen
	case <-w.ctx.Done():
		w.Fatal("nobody was given the group")
		return nil
	}
}

// publish publishes an event of upstream.
func (w *world) publish(topic string, partition int, records ...[2]string) {
	w.Helper()
	var b wire.Builder
	for _, r := range records {
		b.Add(1_700_000_000_000, []byte(r[0]), []byte(r[1]), nil)
	}
	_, err := w.producer.Publish(w.ctx, w.prefix.Topic(topic), partition, &b)
	w.ok(err)
}

func (w *world) ask(format string, args ...any) {
	w.Helper()
	w.publish(schemas.ExpandRequests, 0, [2]string{"x", fmt.Sprintf(format, args...)})
}

// all reads what a topic's partitions hold now.
func (w *world) all(topic string, partitions int, visit func(*wire.Record)) {
	w.Helper()
	for p := range partitions {
		place := []wire.Position{{Topic: w.prefix.Topic(topic), Partition: p}}
		ends, err := w.fetcher.Ends(w.ctx, place)
		w.ok(err)
		w.ok(wire.ReadTo(w.ctx, w.fetcher, wire.Position{Topic: place[0].Topic, Partition: p}, ends[0], func(r *wire.Record) error {
			visit(r)
			return nil
		}))
	}
}

// ended waits until runs have come to their ends, and returns all their events.
func (w *world) ended(runs ...string) map[string][]schemas.Run {
	w.Helper()
	events := map[string][]schemas.Run{}
	missing := func() bool {
		for _, id := range runs {
			if e := events[id]; len(e) == 0 || !e[len(e)-1].Status.Final() {
				return true
			}
		}
		return false
	}
	at := wire.Position{Topic: w.prefix.Topic(schemas.Runs)}
	for missing() {
		fetched, err := w.fetcher.Fetch(w.ctx, []wire.Position{at}, longest)
		if err != nil {
			w.Fatalf("%v: of %v there is %+v", err, runs, events)
		}
		for _, f := range fetched {
			at.Offset, err = f.Each(func(r *wire.Record) error {
				var run schemas.Run
				w.ok(run.Decode(r.Key, r.Value))
				events[run.RunID] = append(events[run.RunID], run)
				return nil
			})
			w.ok(err)
		}
	}
	return events
}

// expansion returns the last record of an expansion.
func (w *world) expansion(id string) (last schemas.Expansion) {
	w.Helper()
	w.all(schemas.Expansions, 1, func(r *wire.Record) {
		if string(r.Key) == id {
			w.ok(last.Decode(r.Key, r.Value))
		}
	})
	return last
}

// transactions are the real ones, with a place to break them: crash is asked before and after every commit. What it
// breaks is left as a killed process would leave it.
type transactions struct {
	real  *producers.Transactional
	group producers.GroupRef
	crash func() bool
}

var errCrash = errors.New("crash")

func (w *world) transactions(id string, gen *consumers.Generation, crash func() bool) *transactions {
	return &transactions{
		&producers.Transactional{Cluster: w.client, ID: string(w.prefix) + id},
		producers.GroupRef{GroupID: gen.GroupID, MemberID: gen.MemberID, Generation: gen.ID}, crash,
	}
}

func never() bool { return false }

func (t *transactions) Fence(ctx context.Context) error { return t.real.Init(ctx) }

func (t *transactions) Transact(ctx context.Context, topic string, next int64, fill func(route.Writer) error) error {
	tx := t.real.Begin()
	if err := fill(tx); err != nil {
		return errors.Join(err, tx.Abort(context.WithoutCancel(ctx)))
	}
	tx.Offsets(topic, 0, next)
	if t.crash() {
		return errCrash
	}
	if err := tx.Commit(ctx, t.group); err != nil {
		return errors.Join(err, tx.Abort(context.WithoutCancel(ctx)))
	}
	if t.crash() {
		return errCrash
	}
	return nil
}

// pipeline starts everything that serves in one process: shards, router, controller.
func (w *world) pipeline() *cache.Store {
	w.Helper()
	redis := miniredis.RunT(w.T)
	cache := cache.Open(cache.Options{Addresses: []string{redis.Addr()}, Prefix: string(w.prefix), Whole: true})
	w.Cleanup(func() { cache.Close() })

	worker := &shard.Worker{Renew: w.producer.Renew, Log: quiet, New: func(p int) *shard.Owner {
		return &shard.Owner{Shard: p, Shards: shards, Prefix: w.prefix, Partitioner: schemas.Murmur2,
			Fetcher: w.fetcher, Ends: w.fetcher, Publisher: publisher{w.producer}, Cache: cache, Stats: &shard.Stats{}, Log: quiet}
	}}
	var topics []string
	for _, name := range []string{schemas.Profiles, schemas.SegmentMembers, schemas.Models, schemas.Memberships} {
		topics = append(topics, w.prefix.Topic(name))
	}
	group := &consumers.Group{Cluster: w.client, ID: string(w.prefix) + "shards", Member: "one", Topics: topics}
	w.run(func() error {
		return group.Run(w.ctx, func(ctx context.Context, gen *consumers.Generation) error {
			return worker.Run(ctx, gen.Shards, gen)
		})
	})

	gen := w.join()
	c := w.controller(w.transactions("controller", gen, never), cache, &learn.Trainer{Cache: cache, Number: shards, Log: quiet})
	router := &route.Router{Prefix: w.prefix, Shards: shards, Partitioner: schemas.Murmur2, Reader: w.fetcher,
		Transactions: w.transactions("router", gen, never), Taken: c.Taken, Log: quiet}
	w.run(func() error { return router.Run(w.ctx, gen) })
	w.run(func() error { return c.Run(w.ctx, gen) })
	return cache
}

func (w *world) controller(t control.Transactions, s control.Shards, l control.Learner) *control.Controller {
	return &control.Controller{Prefix: w.prefix, Number: shards, Reader: w.fetcher,
		Transactions: t, Shards: s, Learner: l, Log: quiet}
}

type publisher struct{ *producers.Producer }

func (p publisher) Publish(ctx context.Context, topic string, partition int, b *wire.Builder) (wire.Ack, error) {
	ack, err := p.Producer.Publish(ctx, topic, partition, b)
	return wire.Ack(ack), err
}

// members counts who is a member now, by the compacted memberships.
func (w *world) members(expansion string) map[string]bool {
	w.Helper()
	members := map[string]bool{}
	w.all(schemas.Memberships, shards, func(r *wire.Record) {
		if customer, ours := strings.CutPrefix(string(r.Key), expansion+"/"); ours {
			if members[customer] = r.Value != nil; r.Value == nil {
				delete(members, customer)
			}
		}
	})
	return members
}
