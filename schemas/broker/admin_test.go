package broker_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"

	"kindred/schemas/broker"
)

func TestTopicsComeAndGo(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	ours := broker.Open(broker.Options{Addresses: cluster.ListenAddrs()})
	theirs := broker.Open(broker.Options{Addresses: cluster.ListenAddrs()}).Client
	create := func(name string) {
		t.Helper()
		topic := kafka.TopicConfig{Topic: name, NumPartitions: 1, ReplicationFactor: 1}
		if _, err := theirs.CreateTopics(t.Context(), &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{topic}}); err != nil {
			t.Fatal(err)
		}
	}
	list := func(want ...string) {
		t.Helper()
		found, err := ours.Topics(t.Context(), "bench-")
		if got := slices.Sorted(maps.Keys(found)); err != nil || !slices.Equal(got, want) {
			t.Errorf("topics are %v (%v), want %v", got, err, want)
		}
	}
	list()
	create("bench-a")
	create("else")
	list("bench-a")
	create("bench-b") // by somebody else, a moment ago
	list("bench-a", "bench-b")
	for range 2 { // what is not there is no error
		if err := ours.DeleteTopics(t.Context(), "bench-a", "bench-b"); err != nil {
			t.Error(err)
		}
		list()
	}
	if err := ours.DeleteGroup(t.Context(), "nobody"); err != nil {
		t.Error(err)
	}
}

func TestPartitionsOfATopic(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(3, "there"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	ours := broker.Open(broker.Options{Addresses: cluster.ListenAddrs()})
	for topic, want := range map[string]int{"there": 3, "not-there": 0} {
		if n, err := ours.Partitions(t.Context(), topic); err != nil || n != want {
			t.Errorf("%s has %d partitions: %v", topic, n, err)
		}
	}
}
