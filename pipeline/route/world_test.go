package route_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"go.uber.org/goleak"

	"kindred/consumers"
	"kindred/pipeline/route"
	"kindred/producers"
	"kindred/schemas"
	"kindred/schemas/broker"
	"kindred/schemas/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const shards = 3

// world is an embedded Kafka with the topics of one prefix, a producer, and a place in the router's group.
type world struct {
	*testing.T
	ctx      context.Context
	cluster  *kfake.Cluster
	client   *broker.Cluster
	prefix   schemas.Prefix
	fetcher  *consumers.Fetcher
	producer *producers.Producer
	place    *consumers.Generation

	now  int64 // ms: timestamp of the next record
	next int64 // offset of the next record
}

func newWorld(t *testing.T) *world {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.DataDir(t.TempDir()), kfake.GroupMinSessionTimeout(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	transport := new(kafka.Transport)
	client := &broker.Cluster{Client: &kafka.Client{Addr: kafka.TCP(cluster.ListenAddrs()...), Transport: transport}}
	w := &world{T: t, ctx: ctx, cluster: cluster, client: client, prefix: "test.",
		fetcher: &consumers.Fetcher{Cluster: client}, producer: &producers.Producer{Cluster: client}, now: 1_700_000_000_000}
	w.ok(producers.Ensure(ctx, client, w.prefix, schemas.Topics(shards)))

	ended := make(chan error, 2)
	go func() { ended <- w.producer.Run(ctx) }()
	places := make(chan *consumers.Generation)
	group := &consumers.Group{Cluster: client, ID: "test.control", Member: "one", Whole: true,
		Topics: []string{w.prefix.Topic(schemas.SegmentChanges)}}
	go func() {
		ended <- group.Run(ctx, func(ctx context.Context, gen *consumers.Generation) error {
			places <- gen
			<-ctx.Done()
			return nil
		})
	}()
	w.place = <-places
	t.Cleanup(func() {
		cancel()
		for range 2 {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
		transport.CloseIdleConnections()
		cluster.Close()
	})
	return w
}

func (w *world) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// say publishes a record of segment-changes. An empty text is a tombstone. Six seconds pass between two.
func (w *world) say(key, text string) (offset int64) {
	w.Helper()
	var b wire.Builder
	var value []byte
	if text != "" {
		value = []byte(text)
	}
	b.Add(w.now, []byte(key), value, nil)
	w.now += 6 * time.Second.Milliseconds()
	ack, err := w.producer.Publish(w.ctx, w.prefix.Topic(schemas.SegmentChanges), 0, &b)
	w.ok(err)
	w.next = ack.Base + 1
	return ack.Base
}

// transactions are the real ones, with a place to break them: crash is asked after every write and on both sides of a
// commit. What it breaks is left as a killed process would leave it.
type transactions struct {
	real  *producers.Transactional
	group producers.GroupRef
	crash func() bool
}

var errCrash = errors.New("crash")

func (t *transactions) Fence(ctx context.Context) error { return t.real.Init(ctx) }

func (t *transactions) Transact(ctx context.Context, topic string, next int64, fill func(route.Writer) error) error {
	tx := t.real.Begin()
	if err := fill(writer{tx, t.crash}); err != nil {
		if errors.Is(err, errCrash) {
			return err
		}
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

type writer struct {
	*producers.Tx
	crash func() bool
}

func (w writer) Write(ctx context.Context, topic string, partition int, key, value []byte, h wire.Headers) error {
	if err := w.Tx.Write(ctx, topic, partition, key, value, h); err != nil {
		return err
	}
	if w.crash() {
		return errCrash
	}
	return nil
}

// router makes a router of a new process.
func (w *world) router(crash func() bool) *route.Router {
	return &route.Router{
		Prefix: w.prefix, Shards: shards, Reader: w.fetcher,
		Transactions: &transactions{
			real:  &producers.Transactional{Cluster: w.client, ID: "test.router"},
			group: producers.GroupRef{GroupID: w.place.GroupID, MemberID: w.place.MemberID, Generation: w.place.ID},
			crash: crash,
		},
		Taken: func(id string) bool { return id == "an-expansion" },
		Log:   slog.New(slog.DiscardHandler),
	}
}

func never() bool { return false }

// routed runs routers, one term after the other, until all that was said is routed.
func (w *world) routed(crash func() bool) {
	w.Helper()
	for {
		ctx, cancel := context.WithCancel(w.ctx)
		ended := make(chan error, 1)
		go func() { ended <- w.router(crash).Run(ctx, w.place) }()
		through := make(chan struct{})
		go func() {
			defer close(through)
			w.awaitThrough(ctx)
		}()
		select {
		case err := <-ended:
			cancel()
			<-through
			if !errors.Is(err, errCrash) {
				w.Fatalf("the router ended with %v", err)
			}
		case <-through:
			cancel()
			w.ok(<-ended)
			return
		}
	}
}

// awaitThrough returns when every shard has been written to that all is routed, or when ctx ends.
func (w *world) awaitThrough(ctx context.Context) {
	for shard := range shards {
		at := wire.Position{Topic: w.prefix.Topic(schemas.SegmentMembers), Partition: shard}
		for through := int64(-1); through < w.next; {
			fetched, err := w.fetcher.Fetch(ctx, []wire.Position{at}, time.Second)
			if err != nil {
				return
			}
			at.Offset, err = fetched[0].Each(func(r *wire.Record) error {
				if string(r.Key) == "/through" {
					_, err := fmt.Sscanf(string(r.Value), `{"offset":%d}`, &through)
					return err
				}
				return nil
			})
			w.ok(err)
		}
	}
}

// all visits what a partition holds.
func (w *world) all(name string, partition int, visit func(*wire.Record)) {
	w.Helper()
	at := []wire.Position{{Topic: w.prefix.Topic(name), Partition: partition}}
	starts, err := w.fetcher.Starts(w.ctx, at)
	w.ok(err)
	ends, err := w.fetcher.Ends(w.ctx, at)
	w.ok(err)
	w.ok(wire.ReadTo(w.ctx, w.fetcher, wire.Position{Topic: at[0].Topic, Partition: partition, Offset: starts[0]}, ends[0], func(r *wire.Record) error {
		visit(r)
		return nil
	}))
}

// written returns what shards read, in the order of each, without the throughs.
func (w *world) written() (records []string) {
	w.Helper()
	for shard := range shards {
		w.all(schemas.SegmentMembers, shard, func(r *wire.Record) {
			if string(r.Key) != "/through" {
				number, _ := r.Headers.Get(schemas.HeaderSnapshot)
				records = append(records, fmt.Sprintf("%d %s=%s %s", shard, r.Key, r.Value, number))
			}
		})
	}
	return records
}

// letters returns the codes of the dead letters, with their offsets.
func (w *world) letters() (codes []string) {
	w.Helper()
	w.all(schemas.DeadLetters, 0, func(r *wire.Record) {
		letter, err := schemas.ReadDeadLetter(r)
		w.ok(err)
		codes = append(codes, fmt.Sprintf("%s@%d", letter.Code, letter.Offset))
	})
	return codes
}

// segment returns what the router remembers of a segment.
func (w *world) segment(id string) (s schemas.Segment) {
	w.Helper()
	w.all(schemas.Segments, 0, func(r *wire.Record) {
		if string(r.Key) == id {
			w.ok(s.Decode(r.Key, r.Value))
		}
	})
	return s
}

// bitmap is one shard's knowledge of one segment, as an owner has it.
type bitmap struct {
	number  int64
	members map[string]bool
	newer   int64
	second  map[string]bool
	gone    bool
}

// members returns the members of all segments, as owners know them after all that was written to them. Those of a gone
// segment have "(gone)" among them.
func (w *world) members() map[string][]string {
	w.Helper()
	all := map[string]map[string]bool{}
	for shard := range shards {
		known := map[string]*bitmap{}
		w.all(schemas.SegmentMembers, shard, func(r *wire.Record) { w.own(known, shard, r) })
		for id, s := range known {
			if all[id] == nil {
				all[id] = map[string]bool{}
			}
			maps.Copy(all[id], s.members)
			if s.gone {
				all[id]["(gone)"] = true
			}
		}
	}
	sorted := map[string][]string{}
	for id, members := range all {
		sorted[id] = slices.Sorted(maps.Keys(members))
	}
	return sorted
}

// own applies a record as the shard's owner does.
func (w *world) own(known map[string]*bitmap, shard int, r *wire.Record) {
	w.Helper()
	id, customer, _ := strings.Cut(string(r.Key), "/")
	if id == "" {
		return
	}
	s := known[id]
	if s == nil {
		s = &bitmap{members: map[string]bool{}, second: map[string]bool{}}
		known[id] = s
	}
	if customer == "" {
		var number int64
		var gone bool
		if _, err := fmt.Sscanf(strings.TrimSuffix(string(r.Value), "}"), `{"snapshot":%d,"gone":%t`, &number, &gone); err != nil {
			w.Fatalf("a mark is %s", r.Value)
		}
		if number < s.number {
			w.Errorf("a mark goes back from %d to %d", s.number, number)
		}
		if number > s.number {
			if s.newer != number {
				s.second = map[string]bool{}
			}
			s.number, s.members, s.second = number, s.second, map[string]bool{}
		}
		s.gone = gone
		return
	}
	if right := schemas.Murmur2.Partition([]byte(customer), shards); right != shard {
		w.Errorf("a customer of shard %d was written to shard %d", right, shard)
	}
	text, _ := r.Headers.Get(schemas.HeaderSnapshot)
	number, err := strconv.ParseInt(string(text), 10, 64)
	w.ok(err)
	set := s.members
	switch {
	case number < s.number:
		w.Errorf("number %d comes after %d", number, s.number)
		return
	case number > s.number:
		if number > s.newer {
			s.newer, s.second = number, map[string]bool{}
		}
		set = s.second
	}
	if r.Value == nil {
		delete(set, customer)
	} else {
		set[customer] = true
	}
}
