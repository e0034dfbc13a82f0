package broker_test

import (
	"errors"
	"testing"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"kindred/schemas/broker"
)

func TestWhoLeadsAPartition(t *testing.T) {
	layout := broker.Layout{Cluster: protocol.Cluster{
		Brokers: map[int32]protocol.Broker{1: {ID: 1}},
		Topics: map[string]protocol.Topic{
			"t":    {Partitions: map[int32]protocol.Partition{0: {Leader: 1}, 1: {Leader: 2}}},
			"torn": {Partitions: map[int32]protocol.Partition{0: {Leader: 1}}, Error: int16(kafka.LeaderNotAvailable)},
		},
	}}
	if leader, err := layout.Leader("t", 0); err != nil || leader.ID != 1 {
		t.Errorf("got %v: %v", leader, err)
	}
	check := func(topic string, partition int, want kafka.Error) {
		t.Helper()
		if _, err := layout.Leader(topic, partition); !errors.Is(err, want) || !broker.Moved(err) {
			t.Errorf("%s partition %d: %v", topic, partition, err)
		}
	}
	check("t", 1, kafka.LeaderNotAvailable) // its broker has gone
	check("t", 2, kafka.UnknownTopicOrPartition)
	check("none", 0, kafka.UnknownTopicOrPartition)
	check("torn", 0, kafka.LeaderNotAvailable)
}
