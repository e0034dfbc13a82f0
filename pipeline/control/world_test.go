package control_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/twmb/franz-go/pkg/kfake"
	"go.uber.org/goleak"

	"kindred/consumers"
	"kindred/pipeline/cache"
	"kindred/pipeline/control"
	"kindred/pipeline/learn"
	"kindred/pipeline/route"
	"kindred/pipeline/shard"
	"kindred/pipeline/testkit"
	"kindred/schemas"
	"kindred/schemas/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	shards  = 3
	longest = time.Second // a fetch waits for records
)

var quiet = slog.New(slog.DiscardHandler)

// world is an installation with what upstream and a reader of its topics do.
type world struct {
	*testkit.World
	learners int // of the next controller
}

func newWorld(t *testing.T, cluster *kfake.Cluster, prefix string) *world {
	t.Helper()
	return &world{World: testkit.New(t, testkit.Connect(t, cluster.ListenAddrs()...), prefix, shards)}
}

// publish publishes an event of upstream.
func (w *world) publish(topic string, partition int, records ...[2]string) {
	w.Helper()
	var b wire.Builder
	for _, r := range records {
		b.Add(1_700_000_000_000, []byte(r[0]), []byte(r[1]), nil)
	}
	_, err := w.Producer.Publish(w.Ctx, w.Prefix.Topic(topic), partition, &b)
	w.OK(err)
}

func (w *world) ask(format string, args ...any) {
	w.Helper()
	w.publish(schemas.ExpandRequests, 0, [2]string{"x", fmt.Sprintf(format, args...)})
}

// ended waits until runs have come to their ends, and returns all events.
func (w *world) ended(runs ...string) map[string][]schemas.Run {
	w.Helper()
	return w.events(func(events map[string][]schemas.Run) bool {
		for _, id := range runs {
			if e := events[id]; len(e) == 0 || !e[len(e)-1].Status.Final() {
				return false
			}
		}
		return true
	})
}

// says waits until an event of a run has a stage and a detail, and demands that the run has not ended before.
func (w *world) says(run string, stage schemas.Stage, detail string) {
	w.Helper()
	w.events(func(events map[string][]schemas.Run) bool {
		for _, r := range events[run] {
			if r.Status.Final() {
				w.Fatalf("it does not wait: %+v", r)
			}
			if r.Stage == stage && strings.Contains(r.Detail, detail) {
				return true
			}
		}
		return false
	})
}

// events reads runs until enough of them are there, and returns them by run.
func (w *world) events(enough func(map[string][]schemas.Run) bool) map[string][]schemas.Run {
	w.Helper()
	events := map[string][]schemas.Run{}
	at := wire.Position{Topic: w.Prefix.Topic(schemas.Runs)}
	for !enough(events) {
		fetched, err := w.Fetcher.Fetch(w.Ctx, []wire.Position{at}, longest)
		if err != nil {
			w.Fatalf("%v: there is %+v", err, events)
		}
		for _, f := range fetched {
			at.Offset, err = f.Each(func(r *wire.Record) error {
				var run schemas.Run
				w.OK(run.Decode(r.Key, r.Value))
				events[run.RunID] = append(events[run.RunID], run)
				return nil
			})
			w.OK(err)
		}
	}
	return events
}

// expansion returns the last record of an expansion.
func (w *world) expansion(id string) (last schemas.Expansion) {
	w.Helper()
	w.All(schemas.Expansions, 1, func(r *wire.Record) {
		if string(r.Key) == id {
			w.OK(last.Decode(r.Key, r.Value))
		}
	})
	return last
}

// join takes a place in the controller's group until the test ends.
func (w *world) join() *consumers.Generation {
	w.Helper()
	return w.Join("control", schemas.ExpandRequests, schemas.DataEvents, schemas.Fields)
}

func (w *world) transactions(id string, gen *consumers.Generation, crash func() bool) *testkit.Transactions {
	t := w.Transactions(id, gen)
	t.Crash = crash
	return t
}

func never() bool { return false }

// pipeline starts everything that serves in one process: shards, router, controller.
func (w *world) pipeline() *cache.Store {
	w.Helper()
	redis := miniredis.RunT(w.TB)
	cache := cache.Open(cache.Options{Addresses: []string{redis.Addr()}, Prefix: string(w.Prefix), Whole: true})
	w.Cleanup(func() { cache.Close() })

	worker := &shard.Worker{Renew: w.Producer.Renew, Log: quiet, New: func(p int) *shard.Owner {
		return &shard.Owner{Shard: p, Shards: shards, Prefix: w.Prefix, Partitioner: schemas.Murmur2,
			Reader: w.Fetcher, Publisher: w.Producer, Cache: cache, Stats: &shard.Stats{}, Log: quiet}
	}}
	topics := w.Topics(schemas.Profiles, schemas.SegmentMembers, schemas.Models, schemas.Memberships)
	group := &consumers.Group{Cluster: w.Kafka, ID: string(w.Prefix) + "shards", Member: "one", Topics: topics}
	w.Run(func() error {
		return group.Run(w.Ctx, func(ctx context.Context, gen *consumers.Generation) error {
			return worker.Run(ctx, gen.Shards, gen)
		})
	})

	gen := w.join()
	c := w.controller(w.transactions("controller", gen, never), cache, &learn.Trainer{Cache: cache, Number: shards, Log: quiet})
	router := &route.Router{Prefix: w.Prefix, Shards: shards, Partitioner: schemas.Murmur2, Reader: w.Fetcher,
		Transactions: w.transactions("router", gen, never), Taken: c.Taken, Log: quiet}
	w.Run(func() error { return router.Run(w.Ctx, gen) })
	w.Run(func() error { return c.Run(w.Ctx, gen) })
	return cache
}

func (w *world) controller(t control.Transactions, s control.Shards, l control.Learner) *control.Controller {
	return &control.Controller{Prefix: w.Prefix, Number: shards, Reader: w.Fetcher,
		Transactions: t, Shards: s, Learner: l, Learners: w.learners, Log: quiet}
}

// members counts who is a member now, by the compacted memberships.
func (w *world) members(expansion string) map[string]bool {
	w.Helper()
	members := map[string]bool{}
	w.All(schemas.Memberships, shards, func(r *wire.Record) {
		if customer, ours := strings.CutPrefix(string(r.Key), expansion+"/"); ours {
			if members[customer] = r.Value != nil; r.Value == nil {
				delete(members, customer)
			}
		}
	})
	return members
}
