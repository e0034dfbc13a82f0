package consumers_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"kindred/consumers"
	"kindred/pipeline/testkit"
	"kindred/producers"
	"kindred/schemas/broker"
)

// everywhere tells a story on a Kafka in this process, and on a real one if KINDRED_TEST_KAFKA says where it is. It leaves
// its topics behind there.
func everywhere(t *testing.T, story func(w *world, topic string)) {
	t.Run("embedded", func(t *testing.T) { story(newWorld(t, 1), "t") })
	t.Run("real", func(t *testing.T) {
		address := os.Getenv("KINDRED_TEST_KAFKA")
		if address == "" {
			t.Skip("KINDRED_TEST_KAFKA is not set")
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		t.Cleanup(cancel)
		story(&world{T: t, ctx: ctx, client: testkit.Connect(t, address)}, "test-"+strconv.FormatInt(time.Now().UnixNano(), 36))
	})
}

// staticGroup describes a static member with a connection of its own, whose wire can be cut. The session is so long that
// who waits for its end fails.
func (w *world) staticGroup(name, topic string) (*consumers.Group, *wireCutter) {
	cut := &wireCutter{RoundTripper: testkit.Connect(w, w.client.Client.Addr.String()).Client.Transport}
	g := w.newGroup(name, topic)
	g.ID = topic + "-group"
	g.Static = true
	g.Cluster = &broker.Cluster{Client: &kafka.Client{Addr: w.client.Client.Addr, Transport: cut}}
	return g, cut
}

// wireCutter is a connection that can be cut for good, as when its process is killed.
type wireCutter struct {
	kafka.RoundTripper
	is atomic.Bool
}

func (c *wireCutter) RoundTrip(ctx context.Context, a net.Addr, r kafka.Request) (kafka.Response, error) {
	if c.is.Load() {
		return nil, io.EOF
	}
	return c.RoundTripper.RoundTrip(ctx, a, r)
}

// kill ends a member as kill -9 would: it does not leave its group.
func (w *world) kill(s *seat, cut *wireCutter) {
	w.Helper()
	cut.is.Store(true)
	w.leave(s)
}

// next returns what a member is given next.
func (w *world) next(s *seat) *consumers.Generation {
	w.Helper()
	select {
	case gen := <-s.given:
		return gen
	case <-w.ctx.Done():
		w.Fatalf("%s has waited in vain", s.name)
		return nil
	}
}

func TestAMemberThatComesBackUnderItsNameHasItsShardsAtOnce(t *testing.T) {
	everywhere(t, func(w *world, topic string) {
		w.topic(topic, 4)
		ann, _ := w.staticGroup("ann", topic)
		bob, cut := w.staticGroup("bob", topic)
		stays := w.sit(ann)
		w.settled(4, stays)
		goes := w.sit(bob)
		before := w.settled(4, stays, goes)
		w.kill(goes, cut)

		again, _ := w.staticGroup("bob", topic)
		back := w.sit(again)
		gen := w.next(back)
		if !slices.Equal(gen.Shards, before["bob"]) {
			w.Errorf("bob comes back and has %v instead of %v", gen.Shards, before["bob"])
		}
		w.ok(gen.Commit(w.ctx, topic, map[int]int64{gen.Shards[0]: 0}))
		select {
		case gen := <-stays.given:
			w.Errorf("ann was disturbed: she has %v in generation %d", gen.Shards, gen.ID)
		default:
		}

		// The group knows what bob holds: who comes takes from both only what is over their parts.
		cat, _ := w.staticGroup("cat", topic)
		three := w.settled(4, stays, back, w.sit(cat))
		if len(both(three["ann"], before["ann"])) < 1 || len(both(three["bob"], before["bob"])) < 1 || len(three["cat"]) != 1 {
			w.Errorf("cat came, and %v became %v", before, three)
		}
	})
}

// The first member of a group leads it: it divides the shards.
func TestALeaderThatComesBackHasItsShardsAtOnce(t *testing.T) {
	everywhere(t, func(w *world, topic string) {
		w.topic(topic, 4)
		ann, cut := w.staticGroup("ann", topic)
		bob, _ := w.staticGroup("bob", topic)
		goes := w.sit(ann)
		w.settled(4, goes)
		stays := w.sit(bob)
		before := w.settled(4, goes, stays)
		w.kill(goes, cut)
		again, _ := w.staticGroup("ann", topic)
		back := w.sit(again)
		if gen := w.next(back); !slices.Equal(gen.Shards, before["ann"]) {
			w.Errorf("ann comes back and has %v instead of %v", gen.Shards, before["ann"])
		}
		w.leave(stays)
		if rest := w.settled(4, back); len(rest["ann"]) != 4 {
			w.Errorf("ann is alone and has %v", rest["ann"])
		}
	})
}

func TestOfTwoProcessesWithOneNameTheNewerWins(t *testing.T) {
	everywhere(t, func(w *world, topic string) {
		w.topic(topic, 2)
		first, _ := w.staticGroup("ann", topic)
		older := w.sit(first)
		old := w.next(older)
		second, _ := w.staticGroup("ann", topic)
		newer := w.sit(second)
		gen := w.next(newer)
		if err := old.Commit(w.ctx, topic, map[int]int64{0: 3}); !errors.Is(err, consumers.ErrFenced) {
			w.Errorf("a commit of the older: %v", err)
		}
		select {
		case err := <-older.ended:
			older.ended <- nil
			if !errors.Is(err, consumers.ErrReplaced) {
				w.Errorf("the older ended with %v", err)
			}
		case <-w.ctx.Done():
			w.Fatal("the older goes on")
		}
		w.ok(gen.Commit(w.ctx, topic, map[int]int64{0: 5})) // it is in the group still: the older has not taken it out
		select {
		case gen := <-newer.given:
			w.Errorf("the newer was disturbed: it has %v in generation %d", gen.Shards, gen.ID)
		default:
		}
	})
}

func TestAStaticMemberThatEndsLeavesItsShardsAtOnce(t *testing.T) {
	everywhere(t, func(w *world, topic string) {
		w.topic(topic, 2)
		first, _ := w.staticGroup("ann", topic)
		second, _ := w.staticGroup("bob", topic)
		ann, bob := w.sit(first), w.sit(second)
		w.settled(2, ann, bob)
		w.leave(ann)
		if rest := w.settled(2, bob); len(rest["bob"]) != 2 {
			w.Errorf("bob is alone and has %v", rest["bob"])
		}
	})
}

// A transaction that moves offsets is fenced by name and id: the generation is the same for both.
func TestOfTwoProcessesWithOneNameTheNewerCommitsTransactions(t *testing.T) {
	everywhere(t, func(w *world, topic string) {
		w.topic(topic, 1)
		first, _ := w.staticGroup("ann", topic)
		old := w.next(w.sit(first))
		second, _ := w.staticGroup("ann", topic)
		gen := w.next(w.sit(second))
		commit := func(as *consumers.Generation) error {
			tr := &producers.Transactional{Cluster: w.client, ID: topic + "-router"}
			w.ok(tr.Init(w.ctx))
			tx := tr.Begin()
			tx.Offsets(topic, 0, 7)
			defer tx.Abort(w.ctx)
			return tx.Commit(w.ctx, producers.GroupRef{GroupID: as.GroupID, MemberID: as.MemberID, Instance: as.Instance, Generation: as.ID})
		}
		if err := commit(old); !errors.Is(err, kafka.FencedInstanceID) || !errors.Is(err, producers.ErrFenced) {
			w.Errorf("the older commits: %v", err)
		}
		w.ok(commit(gen))
	})
}

// Nobody comes back: the others wait for the session, and no longer.
func TestTheShardsOfALostMachineGoToTheOthers(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("t", 2)
	lost, cut := w.staticGroup("ann", "t")
	stays, _ := w.staticGroup("bob", "t")
	lost.Session = time.Second // the least that the embedded Kafka allows
	ann, bob := w.sit(lost), w.sit(stays)
	w.settled(2, ann, bob)
	w.kill(ann, cut)
	if rest := w.settled(2, bob); len(rest["bob"]) != 2 {
		t.Errorf("bob has %v", rest["bob"])
	}
}

// It has no id of Kafka's yet, so it leaves by its name.
func TestAStaticMemberThatEndsWhileItJoinsLeavesToo(t *testing.T) {
	everywhere(t, func(w *world, topic string) {
		w.topic(topic, 1)
		ending, finish := make(chan struct{}), make(chan struct{})
		first, _ := w.staticGroup("ann", topic)
		times := 0
		slow := w.run(first, func(ctx context.Context, s *seat, gen *consumers.Generation) error {
			select {
			case s.given <- gen:
			case <-ctx.Done():
				return nil
			}
			<-ctx.Done()
			if times++; times == 1 {
				close(ending)
				<-finish
			}
			return nil
		})
		w.next(slow)
		second, _ := w.staticGroup("bob", topic)
		bob := w.sit(second)
		w.await(ending)
		w.leave(bob)
		close(finish)
		w.settled(1, slow)
	})
}

// A process that was frozen for longer than its session finds that nobody knows it any more.
func TestAStaticMemberWhoseSessionHasEndedJoinsAnew(t *testing.T) {
	everywhere(t, func(w *world, topic string) {
		w.topic(topic, 1)
		g, _ := w.staticGroup("ann", topic)
		ann := w.sit(g)
		old := w.next(ann)
		answer, err := w.client.Client.LeaveGroup(w.ctx, &kafka.LeaveGroupRequest{GroupID: g.ID,
			Members: []kafka.LeaveGroupRequestMember{{ID: old.MemberID, GroupInstanceID: "ann"}}})
		w.ok(err)
		w.ok(answer.Error)
		if gen := w.next(ann); gen.MemberID == old.MemberID || len(gen.Shards) != 1 {
			w.Errorf("it has %v as %s, as before", gen.Shards, gen.MemberID)
		}
	})
}
