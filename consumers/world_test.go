package consumers_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/twmb/franz-go/pkg/kfake"
	"go.uber.org/goleak"

	"kindred/consumers"
	"kindred/pipeline/testkit"
	"kindred/schemas/broker"
	"kindred/schemas/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is an embedded Kafka with a client, for one test.
type world struct {
	*testing.T
	ctx    context.Context // ends well before the test would
	kafka  *kfake.Cluster
	client *broker.Cluster
}

func newWorld(t *testing.T, brokers int, more ...kfake.Opt) *world {
	t.Helper()
	cluster := testkit.Kafka(t, append([]kfake.Opt{kfake.NumBrokers(brokers)}, more...)...)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return &world{T: t, ctx: ctx, kafka: cluster, client: testkit.Connect(t, cluster.ListenAddrs()...)}
}

func (w *world) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// topic makes a topic that the client knows of. Configs are name and value in turn.
func (w *world) topic(name string, partitions int, configs ...string) {
	w.Helper()
	config := kafka.TopicConfig{Topic: name, NumPartitions: partitions, ReplicationFactor: 1}
	for i := 0; i < len(configs); i += 2 {
		config.ConfigEntries = append(config.ConfigEntries, kafka.ConfigEntry{ConfigName: configs[i], ConfigValue: configs[i+1]})
	}
	made, err := w.client.Client.CreateTopics(w.ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{config}})
	w.ok(err)
	w.ok(made.Errors[name])
}

// produce writes one batch with a record for each value; its key is the value too.
func (w *world) produce(topic string, partition int, values ...string) (base int64) {
	w.Helper()
	var b wire.Builder
	for _, v := range values {
		b.Add(1700000000000, []byte(v), []byte(v), nil)
	}
	return w.send(topic, partition, "", b.Finish(-1, -1, -1, false))
}

func (w *world) send(topic string, partition int, transaction string, batch []byte) (base int64) {
	w.Helper()
	batch = append(binary.BigEndian.AppendUint32(nil, uint32(len(batch))), batch...)
	res, err := w.client.Client.RawProduce(w.ctx, &kafka.RawProduceRequest{
		Topic: topic, Partition: partition, RequiredAcks: kafka.RequireAll, TransactionalID: transaction,
		RawRecords: protocol.RawRecordSet{Reader: bytes.NewReader(batch)},
	})
	w.ok(err)
	w.ok(res.Error)
	return res.BaseOffset
}

// transaction is an open one with a producer of its own.
type transaction struct {
	*world
	id       string
	producer *kafka.ProducerSession
	sequence int32
}

func (w *world) begin(id string) *transaction {
	w.Helper()
	res, err := w.client.Client.InitProducerID(w.ctx, &kafka.InitProducerIDRequest{TransactionalID: id, TransactionTimeoutMs: 60000,
		ProducerID: -1, ProducerEpoch: -1})
	w.ok(err)
	w.ok(res.Error)
	return &transaction{world: w, id: id, producer: res.Producer}
}

func (x *transaction) produce(topic string, partition int, values ...string) {
	x.Helper()
	added, err := x.client.Client.AddPartitionsToTxn(x.ctx, &kafka.AddPartitionsToTxnRequest{
		TransactionalID: x.id, ProducerID: x.producer.ProducerID, ProducerEpoch: x.producer.ProducerEpoch,
		Topics: map[string][]kafka.AddPartitionToTxn{topic: {{Partition: partition}}},
	})
	x.ok(err)
	x.ok(added.Topics[topic][0].Error)
	var b wire.Builder
	for _, v := range values {
		b.Add(1700000000000, []byte(v), []byte(v), nil)
	}
	x.send(topic, partition, x.id, b.Finish(int64(x.producer.ProducerID), int16(x.producer.ProducerEpoch), x.sequence, true))
	x.sequence += int32(len(values))
}

func (x *transaction) end(commit bool) {
	x.Helper()
	res, err := x.client.Client.EndTxn(x.ctx, &kafka.EndTxnRequest{
		TransactionalID: x.id, ProducerID: x.producer.ProducerID, ProducerEpoch: x.producer.ProducerEpoch, Committed: commit,
	})
	x.ok(err)
	x.ok(res.Error)
}

// fetcher reads the topics that there are by their ids, as serve does, and others by their names.
func (w *world) fetcher() *consumers.Fetcher {
	w.Helper()
	all, err := w.client.Topics(w.ctx, "")
	w.ok(err)
	found, err := w.client.Identify(w.ctx, slices.Collect(maps.Keys(all))...)
	w.ok(err)
	f := &consumers.Fetcher{Cluster: w.client}
	w.ok(f.Pin(w.ctx, found))
	return f
}

// read returns the values that a fetch brought and where to go on.
func (w *world) read(f consumers.Fetched) (values []string, next int64) {
	w.Helper()
	next, err := f.Each(func(r *wire.Record) error {
		values = append(values, string(r.Value))
		return nil
	})
	w.ok(err)
	return values, next
}

func at(topic string, partition int, offset int64) []consumers.Position {
	return []consumers.Position{{Topic: topic, Partition: partition, Offset: offset}}
}

func (w *world) want(what string, got, want []string) {
	w.Helper()
	if !slices.Equal(got, want) {
		w.Errorf("%s: got %q, want %q", what, got, want)
	}
}

func names(prefix string, n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprintf("%s-%05d", prefix, i))
	}
	return all
}
