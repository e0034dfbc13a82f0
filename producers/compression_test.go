package producers_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"kindred/producers"
	"kindred/schemas/wire"
)

// foreign reads n records of a topic with a client that shares no code with ours: by which compression they came, and their
// values.
func (s *server) foreign(t *testing.T, topic string, n int) (values []string) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(s.addresses...), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{
		topic: {0: kgo.NewOffset().AtStart()}}))
	must(t, err)
	defer client.Close()
	for ctx := deadline(t); len(values) < n; {
		fetches := client.PollFetches(ctx)
		must(t, fetches.Err())
		fetches.EachRecord(func(r *kgo.Record) {
			values = append(values, fmt.Sprint(r.Attrs.CompressionType(), " ", string(r.Value)))
		})
	}
	return values
}

// compresses publishes with each compression, one batch and one transaction, and has others read it.
func compresses(t *testing.T, s *server, topic func(wire.Compression) string) {
	for _, c := range wire.Compressions {
		values := long(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)
		p := s.running(t)
		p.Compression = c
		publish(t, p, topic(c), 0, values...)
		tr := s.transactional(t, topic(c))
		tr.Compression = c
		tx := tr.Begin()
		for _, v := range values {
			write(t, tx, topic(c), 0, v)
		}
		must(t, tx.Commit(deadline(t), producers.GroupRef{}))

		all := append(values, values...)
		same(t, "values, read by ourselves", s.await(t, topic(c), 0, len(all)), all)
		for i, v := range all {
			all[i] = fmt.Sprint(uint8(c), " ", v)
		}
		same(t, "read by another", s.foreign(t, topic(c), len(all)), all)
	}
}

func TestOthersReadWhatIsCompressed(t *testing.T) {
	s := start(t, kfake.NumBrokers(1))
	topic := func(c wire.Compression) string { return "events-" + c.String() }
	for _, c := range wire.Compressions {
		s.topic(t, topic(c), 1)
	}
	compresses(t, s, topic)
}

func TestARealKafkaTakesWhatIsCompressed(t *testing.T) {
	address := os.Getenv("KINDRED_TEST_KAFKA")
	if address == "" {
		t.Skip("KINDRED_TEST_KAFKA is not set")
	}
	s := connect(t, address)
	prefix := fmt.Sprintf("test-%d.", time.Now().UnixNano())
	topic := func(c wire.Compression) string { return prefix + c.String() }
	for _, c := range wire.Compressions {
		_, err := s.client.Client.CreateTopics(deadline(t), &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{
			{Topic: topic(c), NumPartitions: 1, ReplicationFactor: 1}}})
		must(t, err)
	}
	compresses(t, s, topic)
}

// What counts is the size that a topic sees: a batch that is small enough once it is compressed goes whole, and the pieces of
// one that is not are compressed, too.
func TestOnlyWhatIsTooLargeCompressedIsSplit(t *testing.T) {
	s := start(t, kfake.NumBrokers(1))
	s.narrow(t, "events")
	p := s.running(t)
	p.Compression = wire.LZ4
	counts := s.counting()
	values := long(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)
	publish(t, p, "events", 0, values...)
	same(t, "produce requests", counts[0], 1)

	var many []int
	for n := range 100 {
		many = append(many, n)
	}
	publish(t, p, "events", 0, long(many...)...)
	if counts[0] < 3 || counts[0] > 20 {
		t.Errorf("%d produce requests", counts[0])
	}
	same(t, "values", s.values(t, "events", 0), append(values, long(many...)...))
}
