package consumers_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"

	"kindred/consumers"
	"kindred/pipeline/testkit"
	"kindred/schemas/wire"
)

// seat is a member whose work does nothing but hold what it was given.
type seat struct {
	name   string
	given  chan *consumers.Generation
	cancel context.CancelFunc
	ended  chan error
}

func (w *world) newGroup(name string, topics ...string) *consumers.Group {
	return &consumers.Group{Cluster: w.client, ID: "group", Member: name, Topics: topics,
		Heartbeat: 10 * time.Millisecond, Session: time.Minute, Rebalance: 10 * time.Second}
}

func (w *world) sit(g *consumers.Group) *seat {
	return w.run(g, func(ctx context.Context, s *seat, gen *consumers.Generation) error {
		select {
		case s.given <- gen:
		case <-ctx.Done():
		}
		<-ctx.Done()
		return nil
	})
}

func (w *world) run(g *consumers.Group, work func(context.Context, *seat, *consumers.Generation) error) *seat {
	ctx, cancel := context.WithCancel(w.ctx)
	s := &seat{name: g.Member, given: make(chan *consumers.Generation), cancel: cancel, ended: make(chan error, 1)}
	go func() {
		s.ended <- g.Run(ctx, func(ctx context.Context, gen *consumers.Generation) error { return work(ctx, s, gen) })
	}()
	w.Cleanup(func() { cancel(); <-s.ended; s.ended <- nil })
	return s
}

func (w *world) leave(s *seat) {
	w.Helper()
	s.cancel()
	err := <-s.ended
	s.ended <- nil
	w.ok(err)
}

// settled waits until all seats hold their part of one generation that divides all shards among them.
func (w *world) settled(shards int, seats ...*seat) map[string][]int {
	w.Helper()
	type news struct {
		name string
		gen  *consumers.Generation
	}
	all := make(chan news)
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for _, s := range seats {
		wg.Go(func() {
			for {
				select {
				case gen := <-s.given:
					select {
					case all <- news{s.name, gen}:
					case <-stop:
						return
					}
				case <-stop:
					return
				}
			}
		})
	}
	defer wg.Wait()
	defer close(stop)
	latest := make(map[string]*consumers.Generation)
	for {
		select {
		case n := <-all:
			latest[n.name] = n.gen
		case <-w.ctx.Done():
			w.Fatalf("the group has not settled: %v", latest)
		}
		held, generations, owned := make(map[string][]int), make(map[int32]bool), 0
		for name, gen := range latest {
			held[name] = gen.Shards
			generations[gen.ID] = true
			owned += len(gen.Shards)
		}
		if len(latest) == len(seats) && len(generations) == 1 && owned == shards {
			return held
		}
	}
}

func TestMembersComeAndGo(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("left", 7)
	w.topic("right", 7)
	join := func(name string) *seat { return w.sit(w.newGroup(name, "left", "right")) }

	ann := join("ann")
	one := w.settled(7, ann)
	if !slices.Equal(one["ann"], []int{0, 1, 2, 3, 4, 5, 6}) {
		t.Errorf("alone: %v", one)
	}
	bob := join("bob")
	two := w.settled(7, ann, bob)
	cat := join("cat")
	three := w.settled(7, ann, bob, cat)
	t.Log(one, two, three)
	if kept := both(two["ann"], one["ann"]); len(kept) != 4 {
		t.Errorf("ann had all and keeps 4 of them, but has %v", two["ann"])
	}
	if !slices.Equal(two["bob"], three["bob"]) && len(both(two["bob"], three["bob"])) < 2 {
		t.Errorf("bob had %v and now has %v", two["bob"], three["bob"])
	}
	w.leave(bob)
	rest := w.settled(7, ann, cat)
	for _, name := range []string{"ann", "cat"} {
		if len(both(rest[name], three[name])) != len(three[name]) {
			t.Errorf("bob left, and %s has %v instead of %v", name, rest[name], three[name])
		}
	}
	w.leave(ann)
	if last := w.settled(7, cat); len(last["cat"]) != 7 {
		t.Errorf("alone again: %v", last)
	}
}

func both(a, b []int) []int {
	return slices.DeleteFunc(slices.Clone(a), func(v int) bool { return !slices.Contains(b, v) })
}

func TestWholeHasOneWorkerAndOthersStandBy(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("one", 1)
	w.topic("three", 3)
	join := func(name string) *seat {
		g := w.newGroup(name, "one", "three")
		g.Whole = true
		return w.sit(g)
	}
	bob := join("bob")
	w.settled(3, bob)
	ann := join("ann")
	if held := w.settled(3, bob); len(held["bob"]) != 3 {
		t.Errorf("bob had everything and keeps it, but has %v", held)
	}
	w.leave(bob)
	if held := w.settled(3, ann); len(held["ann"]) != 3 {
		t.Errorf("ann takes over: %v", held)
	}
}

// Until a member's work has ended nobody else begins, and it may commit what it has done.
func TestTheGroupWaitsForWork(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("t", 2)
	ending, finish := make(chan struct{}), make(chan struct{})
	slow := w.run(w.newGroup("slow", "t"), func(ctx context.Context, s *seat, gen *consumers.Generation) error {
		if len(gen.Shards) < 2 { // the second time
			s.given <- gen
			<-ctx.Done()
			return nil
		}
		s.given <- gen
		<-ctx.Done()
		close(ending)
		<-finish
		if err := gen.Commit(w.ctx, "t", map[int]int64{0: 5}); err != nil {
			t.Errorf("commit while ending: %v", err)
		}
		return ctx.Err()
	})
	w.settled(2, slow)
	next := w.sit(w.newGroup("next", "t"))
	w.await(ending)
	select {
	case gen := <-next.given:
		t.Errorf("%v was given away while its work was ending", gen.Shards)
	default:
	}
	close(finish)
	w.settled(2, slow, next)
}

func TestACommitOfAnEarlierGenerationIsFenced(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("t", 2)
	ann := w.sit(w.newGroup("ann", "t"))
	old := <-ann.given
	w.ok(old.Commit(w.ctx, "t", map[int]int64{0: 10, 1: 20}))
	bob := w.sit(w.newGroup("bob", "t"))
	w.settled(2, ann, bob)

	err := old.Commit(w.ctx, "t", map[int]int64{0: 3})
	if !errors.Is(err, consumers.ErrFenced) {
		t.Errorf("a commit of generation %d: %v", old.ID, err)
	}
	offsets, err := old.Committed(w.ctx, "t", 0, 1)
	w.ok(err)
	if !maps.Equal(offsets, map[int]int64{0: 10, 1: 20}) {
		t.Errorf("committed are %v", offsets)
	}
	stranger := *old
	stranger.MemberID = "nobody"
	if err := stranger.Commit(w.ctx, "t", map[int]int64{0: 3}); !errors.Is(err, consumers.ErrFenced) {
		t.Errorf("a commit of a stranger: %v", err)
	}
}

// Brokers forget the offsets of a topic that is deleted, but one that was down meanwhile, or a restored one, may not.
func TestAnOffsetOfAnotherTopicOfThatNameDoesNotCount(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("t", 1)
	gen := *<-w.sit(w.newGroup("ann", "t")).given
	committed := func(id string) int64 {
		t.Helper()
		gen.TopicIDs = map[string]string{"t": id}
		offsets, err := gen.Committed(w.ctx, "t", 0)
		w.ok(err)
		return offsets[0]
	}
	gen.TopicIDs = map[string]string{"t": "first"}
	w.ok(gen.Commit(w.ctx, "t", map[int]int64{0: 10}))
	if first, second, unknown := committed("first"), committed("second"), committed(""); first != 10 || second != -1 || unknown != 10 {
		t.Errorf("committed are %d for the topic, %d for another one, %d when no id is known", first, second, unknown)
	}
}

func TestCommittedWaitsForATransaction(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("t", 2)
	ann := w.sit(w.newGroup("ann", "t"))
	gen := <-ann.given
	offsets, err := gen.Committed(w.ctx, "t", 0, 1)
	w.ok(err)
	if !maps.Equal(offsets, map[int]int64{0: -1, 1: -1}) {
		t.Errorf("nothing is committed yet, but: %v", offsets)
	}

	x := w.begin("router")
	added, err := w.client.Client.AddOffsetsToTxn(w.ctx, &kafka.AddOffsetsToTxnRequest{TransactionalID: x.id, GroupID: gen.GroupID,
		ProducerID: x.producer.ProducerID, ProducerEpoch: x.producer.ProducerEpoch})
	w.ok(err)
	w.ok(added.Error)
	moved, err := w.client.Client.TxnOffsetCommit(w.ctx, &kafka.TxnOffsetCommitRequest{TransactionalID: x.id, GroupID: gen.GroupID,
		ProducerID: x.producer.ProducerID, ProducerEpoch: x.producer.ProducerEpoch,
		GenerationID: int(gen.ID), MemberID: gen.MemberID,
		Topics: map[string][]kafka.TxnOffsetCommit{"t": {{Partition: 1, Offset: 42}}}})
	w.ok(err)
	w.ok(moved.Topics["t"][0].Error)

	asked := w.arrivals(9)
	answers := make(chan map[int]int64, 1)
	failed := make(chan error, 1)
	go func() {
		offsets, err := gen.Committed(w.ctx, "t", 0, 1)
		answers <- offsets
		failed <- err
	}()
	w.await(asked)
	w.await(asked) // the first answer was not good enough
	select {
	case offsets := <-answers:
		t.Errorf("answered %v while the transaction was open", offsets)
	default:
	}
	x.end(true)
	if offsets := <-answers; !maps.Equal(offsets, map[int]int64{0: -1, 1: 42}) {
		t.Errorf("after the transaction: %v", offsets)
	}
	w.ok(<-failed)
}

func TestTopicsMayAppearAfterTheGroup(t *testing.T) {
	w := newWorld(t, 1)
	looked := w.arrivals(3)
	ann := w.sit(w.newGroup("ann", "left", "right"))
	w.await(looked)
	w.ok(w.kafka.CreateTopic("left", 3, nil))
	w.await(looked)
	w.await(looked)
	w.ok(w.kafka.CreateTopic("right", 3, nil))
	w.settled(3, ann)
}

func TestTopicsOfAGroupNeedTheSameNumberOfPartitions(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("left", 3)
	w.topic("right", 4)
	g := w.newGroup("ann", "left", "right")
	said := make(lines, 100)
	w.client.Log = slog.New(slog.NewTextHandler(said, nil))
	w.sit(g)
	if line := <-said; !strings.Contains(line, "right has 4 partitions and left has 3") {
		t.Errorf("said %q", line)
	}
}

// lines is a log that a test reads.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	l <- string(bytes.TrimSpace(p))
	return len(p), nil
}

// The keys of a topic go to other partitions once it has more: half of the customers would be read by the wrong shard, and
// the others by nobody.
func TestAGroupDoesNotDivideAnewWhenPartitionsAreAdded(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("t", 2)
	said := make(lines, 100)
	w.client.Log = slog.New(slog.NewTextHandler(said, nil))
	ended := make(chan struct{})
	ann := w.run(w.newGroup("ann", "t"), func(ctx context.Context, s *seat, gen *consumers.Generation) error {
		select {
		case s.given <- gen:
		case <-w.ctx.Done():
		}
		<-ctx.Done()
		select {
		case ended <- struct{}{}:
		case <-w.ctx.Done():
		}
		return nil
	})
	w.next(ann)
	_, err := w.client.Client.CreatePartitions(w.ctx, &kafka.CreatePartitionsRequest{Topics: []kafka.TopicPartitionsConfig{{Name: "t", Count: 5}}})
	w.ok(err)
	w.topic("anything", 1) // makes the client look at the cluster now
	w.await(ended)
	for line := ""; !strings.Contains(line, "t has 5 partitions, and the group divides 2"); {
		select {
		case line = <-said:
		case gen := <-ann.given:
			t.Fatalf("work goes on with %v", gen.Shards)
		case <-w.ctx.Done():
			t.Fatal("nobody says why work has ended")
		}
	}
}

func TestAGroupMayBeToldHowManyShardsThereAre(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("t", 3)
	said := make(lines, 100)
	w.client.Log = slog.New(slog.NewTextHandler(said, nil))
	g := w.newGroup("ann", "t")
	g.Shards = 2
	w.sit(g)
	if line := <-said; !strings.Contains(line, "t has 3 partitions, and the group divides 2") {
		t.Errorf("said %q", line)
	}
}

func TestWorkEndsRun(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("t", 1)
	w.ok(w.newGroup("ann", "t").Run(w.ctx, func(context.Context, *consumers.Generation) error { return nil }))
	broken := errors.New("broken")
	err := w.newGroup("ann", "t").Run(w.ctx, func(context.Context, *consumers.Generation) error { return broken })
	if !errors.Is(err, broken) {
		t.Errorf("work's error came back as %v", err)
	}
	times := 0
	w.ok(w.newGroup("ann", "t").Run(w.ctx, func(context.Context, *consumers.Generation) error {
		if times++; times == 1 {
			return fmt.Errorf("save: %w", consumers.ErrFenced) // learned of it before the group did
		}
		return nil
	}))
	if times != 2 {
		t.Errorf("worked %d times, want again after it was fenced", times)
	}
}

func TestRunEndsWhileItWaitsToJoin(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("t", 1)
	ending, finish := make(chan struct{}), make(chan struct{})
	slow := w.run(w.newGroup("slow", "t"), func(ctx context.Context, s *seat, gen *consumers.Generation) error {
		select {
		case s.given <- gen:
		case <-ctx.Done():
			return nil
		}
		<-ctx.Done()
		select {
		case <-ending:
		default:
			close(ending)
		}
		<-finish
		return nil
	})
	<-slow.given
	next := w.sit(w.newGroup("next", "t"))
	w.await(ending)
	w.leave(next) // although the group waits for slow
	close(finish)
	w.settled(1, slow)
}

func TestAGroupThatCanNeverBeIsAnError(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("t", 1)
	g := w.newGroup("ann", "t")
	g.Session = time.Millisecond // less than the broker allows
	if err := g.Run(w.ctx, nil); !errors.Is(err, consumers.ErrSession) {
		t.Errorf("got %v", err)
	}
}

// The broker goes away and comes back on the same directory and address: readers and members go on by themselves.
func TestABrokerMayRestart(t *testing.T) {
	dir := t.TempDir()
	first := newWorld(t, 1, kfake.DataDir(dir))
	addr := first.kafka.ListenAddrs()[0]
	w := *first
	w.topic("t", 2)
	w.produce("t", 0, "before")
	ann := w.sit(w.newGroup("ann", "t"))
	gen := <-ann.given
	w.ok(gen.Commit(w.ctx, "t", map[int]int64{0: 1}))

	f := w.fetcher()
	waits := w.arrivals(1)
	results := fetching(w.ctx, f, at("t", 0, 1))
	w.await(waits)
	w.kafka.Close()

	again, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.DataDir(dir), kfake.GroupMinSessionTimeout(time.Second),
		kfake.ListenFn(func(network, _ string) (net.Listener, error) { return net.Listen(network, addr) }))
	w.ok(err)
	t.Cleanup(again.Close)
	w.kafka = again
	other := w
	other.client = testkit.Connect(t, addr)
	other.produce("t", 0, "after")
	got := <-results
	w.ok(got.err)
	values, _ := w.read(got.fetched[0])
	w.want("after the restart", values, []string{"after"})

	// The member may find itself in the group still, or join anew; either way it can commit.
	for {
		err := gen.Commit(w.ctx, "t", map[int]int64{0: 2})
		if !errors.Is(err, consumers.ErrFenced) {
			w.ok(err)
			break
		}
		gen = <-ann.given
	}
	offsets, err := gen.Committed(w.ctx, "t", 0, 1)
	w.ok(err)
	if !maps.Equal(offsets, map[int]int64{0: 2, 1: -1}) {
		t.Errorf("committed are %v", offsets)
	}
	w.ok(wire.ReadTo(w.ctx, f, wire.Position{Topic: "t"}, 2, func(*wire.Record) error { return nil }))
}
