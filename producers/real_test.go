package producers_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"kindred/producers"
	"kindred/schemas"
)

// TestOnARealKafka does what matters at a Kafka that runs elsewhere: KINDRED_TEST_KAFKA=127.0.0.1:9092. It leaves its
// topics behind, under a prefix of their own.
func TestOnARealKafka(t *testing.T) {
	address := os.Getenv("KINDRED_TEST_KAFKA")
	if address == "" {
		t.Skip("KINDRED_TEST_KAFKA is not set")
	}
	s := connect(t, address)
	prefix := fmt.Sprintf("test-%d.", time.Now().UnixNano())
	events, input, group := prefix+"events", prefix+"input", prefix+"readers"
	_, err := s.client.Client.CreateTopics(deadline(t), &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{
		{Topic: events, NumPartitions: 12, ReplicationFactor: 1}, {Topic: input, NumPartitions: 1, ReplicationFactor: 1},
		{Topic: prefix + "tx", NumPartitions: 12, ReplicationFactor: 1},
	}})
	must(t, err)

	t.Run("topics", func(t *testing.T) { topicsAreMade(t, s, schemas.Prefix(prefix)) })
	t.Run("publish", func(t *testing.T) {
		p := s.running(t)
		began := time.Now()
		writers(t, p, events, 12, 200, nil)
		t.Logf("2,400 batches in %v", time.Since(began))
		once(t, s, events, 12, 200)

		_, err := p.Publish(deadline(t), events, 0, batch(string(make([]byte, 1_100_000))))
		if !errors.Is(err, producers.ErrTooLarge) {
			t.Errorf("too large: got %v", err)
		}
		before := p.ProducerID()
		must(t, p.Renew(deadline(t)))
		ack := publish(t, p, events, 0, "x")
		if ack.ProducerID == before || ack.Base != 400 {
			t.Errorf("after renew: %+v, was %d", ack, before)
		}
	})
	t.Run("answers get lost", func(t *testing.T) {
		n := 0
		s.losing(func(r []byte) bool {
			n++
			return apiKey(r) == 0 && n%5 == 0
		})
		p := s.running(t)
		for i := range 100 {
			publish(t, p, events, 1, fmt.Sprint("lost", i))
		}
		s.losing(nil)
		got := s.values(t, events, 1)[400:]
		for i := range 100 {
			if len(got) != 100 || got[i] != fmt.Sprint("lost", i) {
				t.Fatalf("got %d: %v", len(got), got)
			}
		}
	})
	t.Run("transactions", func(t *testing.T) {
		member := s.member(t, group, input)
		tr := s.transactional(t, prefix+"router")
		counts := s.counting()
		began := time.Now()
		for i := range 100 {
			tx := tr.Begin()
			for partition := range 12 {
				write(t, tx, prefix+"tx", partition, fmt.Sprint(i))
			}
			tx.Offsets(input, 0, int64(i))
			must(t, tx.Commit(deadline(t), member))
		}
		t.Logf("%v each over 12 partitions and an offset; requests %v", time.Since(began)/100, counts)
		same(t, "values", len(s.await(t, prefix+"tx", 7, 100)), 100)

		tx := tr.Begin()
		for range 130 {
			write(t, tx, prefix+"tx", 0, string(make([]byte, 100_000)))
		}
		must(t, tx.Abort(deadline(t)))

		tx = tr.Begin() // a write of unknown fate, then on with a new epoch
		write(t, tx, prefix+"tx", 0, "unknown")
		s.losing(func(r []byte) bool { return apiKey(r) == 0 })
		ctx, cancel := context.WithTimeout(deadline(t), 300*time.Millisecond)
		if err := tx.Commit(ctx, member); err == nil {
			t.Error("committed")
		}
		cancel()
		s.losing(nil)
		must(t, tx.Abort(deadline(t)))
		tx = tr.Begin()
		write(t, tx, prefix+"tx", 0, "after")
		must(t, tx.Commit(deadline(t), member))
		got := s.await(t, prefix+"tx", 0, 101)
		same(t, "values", fmt.Sprint(len(got), got[len(got)-2:]), "101 [99 after]")

		wrong := member
		wrong.Generation--
		tx = tr.Begin()
		write(t, tx, prefix+"tx", 0, "zombie")
		tx.Offsets(input, 0, 1000)
		if err := tx.Commit(deadline(t), wrong); !errors.Is(err, producers.ErrFenced) {
			t.Errorf("generation: got %v", err)
		}
		must(t, tr.Init(deadline(t)))

		tx = tr.Begin()
		for range 130 {
			write(t, tx, prefix+"tx", 0, string(make([]byte, 100_000)))
		}
		newer := s.transactional(t, prefix+"router")
		if err := errors.Join(tx.Commit(deadline(t), member), tx.Abort(deadline(t))); !errors.Is(err, producers.ErrFenced) {
			t.Errorf("newer session: got %v", err)
		}
		tx = newer.Begin()
		write(t, tx, prefix+"tx", 0, "newer")
		must(t, tx.Commit(deadline(t), member))
		got = s.await(t, prefix+"tx", 0, 102)
		same(t, "values", fmt.Sprintln(len(got), got[len(got)-1]), "102 newer\n")
		same(t, "offset", s.committed(t, group, input, 0), 99)
	})
	t.Run("a transaction that takes too long", func(t *testing.T) {
		member := s.member(t, group, input)
		tr := &producers.Transactional{Cluster: s.client, ID: prefix + "slow", Limit: time.Second}
		must(t, tr.Init(deadline(t)))
		tx := tr.Begin()
		for range 130 { // enough to be sent
			write(t, tx, prefix+"tx", 1, string(make([]byte, 100_000)))
		}
		publish(t, s.running(t), prefix+"tx", 1, "behind")
		for seen := false; !seen; { // read_committed: not before the broker has aborted, which it does every ten seconds
			values := s.values(t, prefix+"tx", 1)
			seen = values[len(values)-1] == "behind"
		}
		tx.Offsets(input, 0, 1000)
		if err := tx.Commit(deadline(t), member); err == nil || errors.Is(err, producers.ErrFenced) {
			t.Errorf("got %v", err)
		}
		must(t, tx.Abort(deadline(t)))
		tx = tr.Begin()
		write(t, tx, prefix+"tx", 1, "again")
		tx.Offsets(input, 0, 101)
		must(t, tx.Commit(deadline(t), member))
		values := s.await(t, prefix+"tx", 1, 102)
		same(t, "values", values[len(values)-2:], []string{"behind", "again"})
		for ctx := deadline(t); s.committed(t, group, input, 0) != 101; { // the group may know of it later than the partition
			must(t, ctx.Err())
		}
	})
}
