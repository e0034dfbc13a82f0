package config_test

import (
	"slices"
	"testing"

	"github.com/segmentio/kafka-go"

	"kindred/cmd/internal/config"
	"kindred/cmd/internal/embedded"
)

func TestTopicsComeAndGo(t *testing.T) {
	pair, err := embedded.Start(t.Context(), embedded.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer pair.Close()
	ours := &kafka.Client{Addr: kafka.TCP(pair.KafkaAddr), Transport: &kafka.Transport{}}
	theirs := &kafka.Client{Addr: ours.Addr, Transport: &kafka.Transport{}}
	create := func(name string) {
		t.Helper()
		topic := kafka.TopicConfig{Topic: name, NumPartitions: 1, ReplicationFactor: 1}
		if _, err := theirs.CreateTopics(t.Context(), &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{topic}}); err != nil {
			t.Fatal(err)
		}
	}
	list := func(want ...string) {
		t.Helper()
		got, err := config.Topics(t.Context(), ours, "bench-")
		if slices.Sort(got); err != nil || !slices.Equal(got, want) {
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
		if err := config.DeleteTopics(t.Context(), ours, "bench-a", "bench-b"); err != nil {
			t.Error(err)
		}
		list()
	}
	if err := config.DeleteGroup(t.Context(), ours, "nobody"); err != nil {
		t.Error(err)
	}
}
