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

	"github.com/twmb/franz-go/pkg/kfake"
	"go.uber.org/goleak"

	"kindred/consumers"
	"kindred/pipeline/oracle"
	"kindred/pipeline/route"
	"kindred/pipeline/testkit"
	"kindred/producers"
	"kindred/schemas"
	"kindred/schemas/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const shards = 3

// world is an installation with a place in the router's group and what upstream publishes.
type world struct {
	*testkit.World
	cluster *kfake.Cluster
	place   *consumers.Generation
	topicID string // of segment-changes

	now  int64 // ms: timestamp of the next record
	next int64 // offset of the next record

	piece int              // of the routers
	clock func() time.Time // of the routers; nil: the real one
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{cluster: testkit.Kafka(t), now: 1_700_000_000_000}
	w.World = testkit.New(t, testkit.Connect(t, w.cluster.ListenAddrs()...), "test.", shards)
	w.join("control")
	return w
}

// join makes the routers members of a group.
func (w *world) join(group string) {
	w.Helper()
	w.place = w.Join(group, schemas.SegmentChanges)
	w.identify()
}

// identify looks for the id of segment-changes, as a process does when it starts.
func (w *world) identify() {
	w.Helper()
	name := w.Prefix.Topic(schemas.SegmentChanges)
	found, err := w.Kafka.Identify(w.Ctx, name)
	w.OK(err)
	w.topicID = found[name].ID.String()
	w.place.TopicIDs = map[string]string{name: w.topicID}
}

// recreate deletes segment-changes and makes it anew.
func (w *world) recreate() {
	w.Helper()
	w.OK(w.Kafka.DeleteTopics(w.Ctx, w.Prefix.Topic(schemas.SegmentChanges)))
	w.OK(producers.Ensure(w.Ctx, w.Kafka, w.Prefix, schemas.Topics(shards)))
	w.next = 0
	w.identify()
}

// say publishes a record of segment-changes. An empty text is a tombstone. Six seconds pass between two.
func (w *world) say(key, text string) (offset int64) {
	w.Helper()
	var value []byte
	if text != "" {
		value = []byte(text)
	}
	offset = w.Publish(schemas.SegmentChanges, 0, time.UnixMilli(w.now), key, value, nil)
	w.now += 6 * time.Second.Milliseconds()
	w.next = offset + 1
	return offset
}

// router makes a router of a new process. crash is asked after every write and on both sides of a commit.
func (w *world) router(crash func() bool) *route.Router {
	transactions := w.Transactions("router", w.place)
	transactions.Crash, transactions.Writes = crash, true
	return &route.Router{
		Prefix: w.Prefix, Shards: shards, TopicID: w.topicID, Reader: w.Fetcher, Transactions: transactions,
		Taken: func(id string) bool { return id == "an-expansion" },
		Log:   slog.New(slog.DiscardHandler),
		Piece: w.piece, Now: w.clock,
	}
}

// append appends a batch of several records to segment-changes as it is.
func (w *world) append(batch []byte, records int) (offset int64) {
	w.Helper()
	offset = w.Append(schemas.SegmentChanges, 0, batch)
	w.next = offset + int64(records)
	return offset
}

// judge compares what the shards know with what the oracle makes of segment-changes.
func (w *world) judge() {
	w.Helper()
	o := &oracle.Oracle{Shards: shards}
	ids := map[string]bool{}
	for _, topic := range []string{schemas.Segments, schemas.SegmentChanges} {
		w.Partition(topic, 0, func(r *wire.Record) {
			ids[string(r.Key)] = true
			_ = o.Apply(topic, 0, r) // what is malformed has no effect
		})
	}
	got := w.members()
	for id := range ids {
		had := slices.DeleteFunc(slices.Clone(got[id]), func(m string) bool { return m == "(gone)" })
		if want := slices.Sorted(maps.Keys(o.Segment(id))); !slices.Equal(had, want) {
			w.Errorf("%s has %v, the oracle says %v", id, had, want)
		}
	}
}

func never() bool { return false }

// routed runs routers, one term after the other, until all that was said is routed.
func (w *world) routed(crash func() bool) {
	w.Helper()
	for {
		ctx, cancel := context.WithCancel(w.Ctx)
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
			if !errors.Is(err, testkit.ErrCrash) {
				w.Fatalf("the router ended with %v", err)
			}
		case <-through:
			cancel()
			w.OK(<-ended)
			return
		}
	}
}

// awaitThrough returns when every shard has been written to that all is routed, or when ctx ends.
func (w *world) awaitThrough(ctx context.Context) {
	for shard := range shards {
		at := wire.Position{Topic: w.Prefix.Topic(schemas.SegmentMembers), Partition: shard}
		for through := int64(-1); through < w.next; {
			fetched, err := w.Fetcher.Fetch(ctx, []wire.Position{at}, time.Second)
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
			w.OK(err)
		}
	}
}

// written returns what shards read, in the order of each, without the throughs.
func (w *world) written() (records []string) {
	w.Helper()
	for shard := range shards {
		w.Partition(schemas.SegmentMembers, shard, func(r *wire.Record) {
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
	w.Partition(schemas.DeadLetters, 0, func(r *wire.Record) {
		letter, err := schemas.ReadDeadLetter(r)
		w.OK(err)
		codes = append(codes, fmt.Sprintf("%s@%d", letter.Code, letter.Offset))
	})
	return codes
}

// segment returns what the router remembers of a segment.
func (w *world) segment(id string) (s schemas.Segment) {
	w.Helper()
	w.Partition(schemas.Segments, 0, func(r *wire.Record) {
		if string(r.Key) == id {
			w.OK(s.Decode(r.Key, r.Value))
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
		w.Partition(schemas.SegmentMembers, shard, func(r *wire.Record) { w.own(known, shard, r) })
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
	w.OK(err)
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
