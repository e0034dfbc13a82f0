package producers_test

import (
	"context"
	"os"
	"sync"
	"testing"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"

	"kindred/producers"
	"kindred/schemas/broker"
	"kindred/schemas/wire"
)

// BenchmarkPublish appends records of 350 bytes to 12 partitions, by one goroutine a partition. An op is a record.
func BenchmarkPublish(b *testing.B) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(12, "events"), kfake.DataDir(b.TempDir()))
	if err != nil {
		b.Fatal(err)
	}
	defer cluster.Close()
	benchmark(b, cluster.ListenAddrs()[0], "events")
}

// BenchmarkPublishReal does the same at a Kafka that runs elsewhere.
func BenchmarkPublishReal(b *testing.B) {
	address := os.Getenv("KINDRED_TEST_KAFKA")
	if address == "" {
		b.Skip("KINDRED_TEST_KAFKA is not set")
	}
	transport := new(kafka.Transport)
	defer transport.CloseIdleConnections()
	client := &kafka.Client{Addr: kafka.TCP(address), Transport: transport}
	client.CreateTopics(context.Background(), &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{{Topic: "bench", NumPartitions: 12, ReplicationFactor: 1}}})
	benchmark(b, address, "bench")
}

func benchmark(b *testing.B, address, topic string) {
	transport := new(kafka.Transport)
	defer transport.CloseIdleConnections()
	p := &producers.Producer{Cluster: &broker.Cluster{Client: &kafka.Client{Addr: kafka.TCP(address), Transport: transport}}}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- p.Run(ctx) }()
	const perBatch = 1500
	key, value := []byte("customer-00001"), make([]byte, 350)
	b.ReportAllocs()
	b.SetBytes(350)
	b.ResetTimer()
	var all sync.WaitGroup
	for partition := range 12 {
		all.Go(func() {
			var batch wire.Builder
			for left := b.N / 12; left > 0; left -= perBatch {
				batch.Reset()
				for i := range min(left, perBatch) {
					batch.Add(int64(i), key, value, nil)
				}
				if _, err := p.Publish(ctx, topic, partition, &batch); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	b.StopTimer()
	cancel()
	<-done
}
