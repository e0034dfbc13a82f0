package bench

import (
	"encoding/binary"
	"fmt"
	"net"
	"time"

	"kindred/schemas/wire"
)

// bareKafka is a connection to Kafka without a client around it, and one Produce request, which may be sent again and again.
type bareKafka struct {
	net.Conn
	frame   []byte
	records int // in the request
	answer  []byte
}

func dialKafkas(address string, n int) ([]*bareKafka, error) {
	var all []*bareKafka
	for range n {
		conn, err := net.DialTimeout("tcp", address, 3*time.Second)
		if err != nil {
			closeAll(all)
			return nil, err
		}
		all = append(all, &bareKafka{Conn: conn})
	}
	return all, nil
}

func closeAll(all []*bareKafka) {
	for _, k := range all {
		k.Close()
	}
}

const (
	produce        = 0 // api key
	produceVersion = 8
	bareTimeout    = 30_000 // ms
)

// set makes the request: one batch to one partition, acknowledged by all replicas in sync. Its producer is not
// idempotent, so that the same request may be sent again.
func (k *bareKafka) set(topic string, partition int, batch *wire.Builder) {
	be := binary.BigEndian
	f := wire.AppendRequest(k.frame[:0], produce, produceVersion, 1, "kindred-bench")
	f = wire.AppendNullable(f, "") // no transaction
	f = be.AppendUint16(f, 0xffff)
	f = be.AppendUint32(f, bareTimeout)
	f = be.AppendUint32(f, 1)
	f = wire.AppendString(f, topic)
	f = be.AppendUint32(f, 1)
	f = be.AppendUint32(f, uint32(partition))
	f = be.AppendUint32(f, uint32(batch.Size()))
	f = batch.AppendTo(f, -1, -1, -1, false)
	wire.FinishRequest(f)
	k.frame, k.records = f, batch.Len()
}

// send sends the request and returns once Kafka has acknowledged it.
func (k *bareKafka) send() (err error) {
	if k.records == 0 {
		return nil
	}
	if err := k.SetDeadline(time.Now().Add(2 * bareTimeout * time.Millisecond)); err != nil {
		return err
	}
	if _, err := k.Write(k.frame); err != nil {
		return err
	}
	if k.answer, err = wire.ReadResponse(k, 1, k.answer); err != nil {
		return err
	}
	body := wire.Body{Rest: k.answer}
	body.Count() // of topics
	body.Text()
	body.Count() // of partitions
	partition, code := body.Int32(), body.Int16()
	if err := body.Err(); err != nil {
		return err
	}
	if code != 0 {
		return fmt.Errorf("partition %d: kafka answers with code %d", partition, code)
	}
	return nil
}
