package testkit

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"

	"github.com/klauspost/compress/gzip"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"kindred/schemas/wire"
)

// Gzipped returns what a builder holds as a compressed batch, as other producers send it.
func Gzipped(b *wire.Builder) []byte {
	plain := b.Finish(-1, -1, -1, false)
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write(plain[batchHeader:])
	_ = z.Close()
	return Repacked(plain, packed.Bytes())
}

// Repacked returns a batch with other bytes in the place of its records, marked as compressed by gzip. They need not be that:
// a broker stores what it is given as long as the checksum is right.
func Repacked(batch, records []byte) []byte {
	repacked := append(bytes.Clone(batch[:batchHeader]), records...)
	be := binary.BigEndian
	repacked[22] = repacked[22]&^7 | 1 // attributes
	be.PutUint32(repacked[8:], uint32(len(repacked)-12))
	be.PutUint32(repacked[17:], crc32.Checksum(repacked[21:], crc32.MakeTable(crc32.Castagnoli)))
	return repacked
}

const batchHeader = 61 // bytes before a batch's records

// Append appends a batch as it is, whatever it holds, and returns the offset of its first record.
func (w *World) Append(topic string, partition int, batch []byte) (base int64) {
	w.Helper()
	// Later versions would name topics by their ids.
	client, err := kgo.NewClient(kgo.SeedBrokers(w.Kafka.Client.Addr.String()), kgo.MaxVersions(kversion.V2_8_0()))
	w.OK(err)
	defer client.Close()
	request := kmsg.NewPtrProduceRequest()
	request.Acks, request.TimeoutMillis = -1, 5000
	request.Topics = []kmsg.ProduceRequestTopic{{Topic: w.Prefix.Topic(topic), Partitions: []kmsg.ProduceRequestTopicPartition{
		{Partition: int32(partition), Records: batch}}}}
	answer, err := client.Broker(0).Request(w.Ctx, request)
	w.OK(err)
	got := answer.(*kmsg.ProduceResponse).Topics[0].Partitions[0]
	if got.ErrorCode != 0 {
		w.Fatalf("append a batch to %s: error %d", topic, got.ErrorCode)
	}
	return got.BaseOffset
}
