package broker_test

import (
	"context"
	"errors"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"kindred/schemas/broker"
)

// installation is a Kafka with topics that come and go.
type installation struct {
	*testing.T
	ctx    context.Context // ends before the test would
	ours   *broker.Cluster
	theirs *kafka.Client // somebody else's
	topic  string
}

// everywhere tells a story on a Kafka in this process, and on a real one if KINDRED_TEST_KAFKA says where it is.
func everywhere(t *testing.T, story func(*installation)) {
	on := func(t *testing.T, address, topic string) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		t.Cleanup(cancel)
		connect := func() *broker.Cluster {
			c := broker.Open(broker.Options{Addresses: []string{address}})
			t.Cleanup(c.Client.Transport.(*kafka.Transport).CloseIdleConnections)
			return c
		}
		story(&installation{T: t, ctx: ctx, ours: connect(), theirs: connect().Client, topic: topic})
	}
	t.Run("embedded", func(t *testing.T) { on(t, embedded(t).ListenAddrs()[0], "t") })
	t.Run("real", func(t *testing.T) {
		address := os.Getenv("KINDRED_TEST_KAFKA")
		if address == "" {
			t.Skip("KINDRED_TEST_KAFKA is not set")
		}
		on(t, address, "test-"+strconv.FormatInt(time.Now().UnixNano(), 36))
	})
}

func embedded(t *testing.T, options ...kfake.Opt) *kfake.Cluster {
	cluster, err := kfake.NewCluster(append(options, kfake.NumBrokers(1))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return cluster
}

func (i *installation) ok(errs ...error) {
	i.Helper()
	if err := errors.Join(errs...); err != nil {
		i.Fatal(err)
	}
}

func (i *installation) create(partitions int) {
	i.Helper()
	config := kafka.TopicConfig{Topic: i.topic, NumPartitions: partitions, ReplicationFactor: 1}
	answer, err := i.theirs.CreateTopics(i.ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{config}})
	i.ok(err, answer.Errors[i.topic])
}

func (i *installation) delete() {
	i.Helper()
	i.ok((&broker.Cluster{Client: i.theirs}).DeleteTopics(i.ctx, i.topic))
}

// is waits until the topic has a number of partitions, which a real broker learns a moment after it was told.
func (i *installation) is(partitions int) broker.Identity {
	i.Helper()
	for {
		found, err := i.ours.Identify(i.ctx, i.topic, "not-there")
		i.ok(err)
		if _, there := found["not-there"]; there {
			i.Error("a topic is there that nobody has created")
		}
		if found[i.topic].Partitions == partitions {
			return found[i.topic]
		}
	}
}

func TestATopicThatIsCreatedAnewHasAnotherIdentity(t *testing.T) {
	everywhere(t, func(i *installation) {
		if none := i.is(0); none != (broker.Identity{}) {
			i.Errorf("what is not there is %v", none)
		}
		i.create(3)
		first := i.is(3)
		if again := i.is(3); again != first || !again.Same(first) || first.ID == (broker.TopicID{}) {
			i.Errorf("is %v, then %v", first, again)
		}
		if text := first.ID.String(); len(text) != 22 {
			i.Errorf("its id is printed as %s", text)
		}
		i.delete()
		i.is(0)
		i.create(3)
		if second := i.is(3); second.ID == first.ID || second.Same(first) {
			i.Errorf("the new topic is %v, as the one before", second)
		}
	})
}

func TestBrokersWithoutIDsStillCountPartitions(t *testing.T) {
	for name, versions := range map[string]*kversion.Versions{"2.7": kversion.V2_7_0(), "2.8": kversion.V2_8_0()} {
		cluster := embedded(t, kfake.MaxVersions(versions), kfake.SeedTopics(3, "there"))
		ours := broker.Open(broker.Options{Addresses: cluster.ListenAddrs()})
		for range 2 {
			found, err := ours.Identify(t.Context(), "there", "not-there")
			if err != nil || len(found) != 1 || found["there"].Partitions != 3 || (found["there"].ID == broker.TopicID{}) != (name == "2.7") {
				t.Errorf("a broker of version %s says %v: %v", name, found, err)
			}
		}
	}
}

func TestAnIDThatIsNotKnownTellsNothing(t *testing.T) {
	old, none := broker.Identity{ID: broker.TopicID{1}, Partitions: 3}, broker.Identity{Partitions: 3}
	if !old.Same(none) || !none.Same(old) || !none.Same(none) {
		t.Error("an id that came or went is taken for another topic")
	}
	if old.Same(broker.Identity{ID: broker.TopicID{2}, Partitions: 3}) || none.Same(broker.Identity{Partitions: 4}) {
		t.Error("another topic is taken for the same")
	}
}

// change is what a Watch told.
type change struct {
	topic string
	is    broker.Identity
}

// watched watches the topic until the test ends.
func (i *installation) watched(is broker.Identity) <-chan change {
	told := make(chan change, 10)
	w := &broker.Watch{Cluster: i.ours, Topics: map[string]broker.Identity{i.topic: is}, Every: 4 * time.Millisecond,
		Changed: func(topic string, is broker.Identity) { told <- change{topic, is} }}
	ctx, cancel := context.WithCancel(i.ctx)
	ended := make(chan error)
	go func() { ended <- w.Run(ctx) }()
	i.Cleanup(func() { cancel(); i.ok(<-ended) })
	return told
}

func (i *installation) tells(told <-chan change, what string, as func(broker.Identity) bool) {
	i.Helper()
	select {
	case c := <-told:
		if c.topic != i.topic || !as(c.is) {
			i.Errorf("%s is told as %v", what, c)
		}
	case <-i.ctx.Done():
		i.Fatalf("%s is not seen", what)
	}
}

func TestAWatchTellsWhatBecomesOfATopic(t *testing.T) {
	everywhere(t, func(i *installation) {
		i.create(2)
		first := i.is(2)
		told := i.watched(first)
		answer, err := i.theirs.CreatePartitions(i.ctx, &kafka.CreatePartitionsRequest{Topics: []kafka.TopicPartitionsConfig{{Name: i.topic, Count: 5}}})
		i.ok(err, answer.Errors[i.topic])
		i.tells(told, "more partitions", func(is broker.Identity) bool { return is.ID == first.ID && is.Partitions == 5 })
		i.delete()
		i.tells(told, "a loss", func(is broker.Identity) bool { return is == broker.Identity{} })
		i.create(2)
		i.tells(told, "a new topic", func(is broker.Identity) bool { return is.ID != first.ID && is.Partitions == 2 })
	})
}

// A broker that has just started may not know yet what there is.
func TestAWatchTellsNothingAfterOneLook(t *testing.T) {
	cluster := embedded(t, kfake.SeedTopics(2, "t"))
	i := &installation{T: t, ctx: t.Context(), ours: broker.Open(broker.Options{Addresses: cluster.ListenAddrs()}), topic: "t"}
	is := i.is(2)
	looks := make(chan int, 100)
	n := 0
	cluster.ControlKey(int16(kmsg.Metadata), func(r kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		asked := r.(*kmsg.MetadataRequest)
		if asked.Version != 10 {
			return nil, nil, false // the Transport's own
		}
		n++
		looks <- n
		if n%2 == 1 {
			return nil, nil, false
		}
		answer := asked.ResponseKind().(*kmsg.MetadataResponse)
		answer.Brokers = []kmsg.MetadataResponseBroker{{Host: "127.0.0.1"}}
		answer.Topics = []kmsg.MetadataResponseTopic{{Topic: &i.topic, ErrorCode: int16(kafka.UnknownTopicOrPartition)}}
		return answer, nil, true
	})
	told := i.watched(is)
	for range 20 {
		<-looks
	}
	select {
	case c := <-told:
		t.Errorf("told %v", c)
	default:
	}
}
