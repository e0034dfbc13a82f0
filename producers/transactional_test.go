package producers_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"kindred/producers"
)

func (s *server) transactional(t *testing.T, id string) *producers.Transactional {
	t.Helper()
	tx := &producers.Transactional{Cluster: s.client, ID: id}
	if err := tx.Init(deadline(t)); err != nil {
		t.Fatal(err)
	}
	return tx
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, tx *producers.Tx, topic string, partition int, value string) {
	t.Helper()
	must(t, tx.Write(deadline(t), topic, partition, []byte("key"), []byte(value), nil))
}

// member joins a group that reads a topic and stays in it until the test ends.
func (s *server) member(t *testing.T, group, topic string) producers.GroupRef {
	t.Helper()
	joined, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{ID: group, Brokers: s.addresses, Topics: []string{topic}})
	must(t, err)
	t.Cleanup(func() { joined.Close() })
	generation, err := joined.Next(deadline(t))
	for errors.Is(err, kafka.GroupCoordinatorNotAvailable) { // a fresh broker
		generation, err = joined.Next(deadline(t))
	}
	must(t, err)
	return producers.GroupRef{GroupID: group, MemberID: generation.MemberID, Generation: generation.ID}
}

func (s *server) committed(t *testing.T, group, topic string, partition int) int64 {
	t.Helper()
	answer, err := s.client.Client.OffsetFetch(deadline(t), &kafka.OffsetFetchRequest{GroupID: group, Topics: map[string][]int{topic: {partition}}})
	must(t, err)
	must(t, answer.Error)
	must(t, answer.Topics[topic][0].Error)
	return answer.Topics[topic][0].CommittedOffset
}

// counting counts requests by what they ask for.
func (s *server) counting() map[kmsg.Key]int {
	counts := make(map[kmsg.Key]int)
	s.losing(func(r []byte) bool {
		counts[kmsg.Key(apiKey(r))]++
		return false
	})
	return counts
}

// Either waits here until the other has come.
func TestRecordsAndOffsetsAreSentSideBySide(t *testing.T) {
	s := start(t, kfake.NumBrokers(1), kfake.SeedTopics(1, "events"), kfake.SeedTopics(1, "input"))
	group := s.member(t, "readers", "input")
	tr := s.transactional(t, "router")
	came := map[kmsg.Key]chan struct{}{kmsg.Produce: make(chan struct{}), kmsg.AddOffsetsToTxn: make(chan struct{})}
	meet := func(key, other kmsg.Key) {
		s.ControlKey(int16(key), func(kmsg.Request) (kmsg.Response, error, bool) {
			close(came[key])
			s.SleepControl(func() {
				select {
				case <-came[other]:
				case <-t.Context().Done():
				}
			})
			return nil, nil, false
		})
	}
	meet(kmsg.Produce, kmsg.AddOffsetsToTxn)
	meet(kmsg.AddOffsetsToTxn, kmsg.Produce)
	tx := tr.Begin()
	write(t, tx, "events", 0, "x")
	tx.Offsets("input", 0, 5)
	must(t, tx.Commit(deadline(t), group))
	same(t, "offset", s.committed(t, "readers", "input", 0), 5)
}

func TestATransactionIsFiveRequests(t *testing.T) {
	s := start(t, kfake.NumBrokers(1), kfake.SeedTopics(12, "events"), kfake.SeedTopics(1, "input"))
	group := s.member(t, "readers", "input")
	tr := s.transactional(t, "router")
	counts := s.counting()
	tx := tr.Begin()
	for partition := range 12 {
		write(t, tx, "events", partition, fmt.Sprint("a", partition))
		write(t, tx, "events", partition, fmt.Sprint("b", partition))
	}
	tx.Offsets("input", 0, 16)
	tx.Offsets("input", 0, 17)
	must(t, tx.Commit(deadline(t), group))
	s.losing(nil)
	for _, key := range []kmsg.Key{kmsg.AddPartitionsToTxn, kmsg.Produce, kmsg.AddOffsetsToTxn, kmsg.TxnOffsetCommit, kmsg.EndTxn} {
		same(t, key.Name(), counts[key], 1)
	}
	for partition := range 12 {
		same(t, "values", s.values(t, "events", partition), []string{fmt.Sprint("a", partition), fmt.Sprint("b", partition)})
	}
	same(t, "offset", s.committed(t, "readers", "input", 0), 17)
	must(t, tx.Abort(deadline(t))) // it is over: nothing happens
}

func TestOnlyWhatIsCommittedCounts(t *testing.T) {
	s := start(t, kfake.NumBrokers(1), kfake.SeedTopics(2, "events"), kfake.SeedTopics(1, "input"))
	group := s.member(t, "readers", "input")
	tr := s.transactional(t, "router")

	counts := s.counting()
	must(t, tr.Begin().Commit(deadline(t), group))
	must(t, tr.Begin().Abort(deadline(t)))
	same(t, "requests of empty transactions", len(counts), 0)
	s.losing(nil)

	tx := tr.Begin()
	for range 200 { // enough to be sent in the middle
		write(t, tx, "events", 0, string(make([]byte, 100_000)))
	}
	same(t, "visible before", len(s.values(t, "events", 0)), 0)
	tx.Offsets("input", 0, 5)
	must(t, tx.Abort(deadline(t)))
	if err := tx.Write(deadline(t), "events", 0, nil, nil, nil); err == nil {
		t.Error("written after the end")
	}

	tx = tr.Begin()
	for range 200 {
		write(t, tx, "events", 0, string(make([]byte, 100_000)))
	}
	same(t, "visible before", len(s.values(t, "events", 0)), 0)
	write(t, tx, "events", 1, "x")
	must(t, tx.Commit(deadline(t), group))
	same(t, "visible", len(s.values(t, "events", 0)), 200)
	same(t, "visible", s.values(t, "events", 1), []string{"x"})
	same(t, "offset", s.committed(t, "readers", "input", 0), -1)
}

func TestAnOlderSessionIsFenced(t *testing.T) {
	s := start(t, kfake.NumBrokers(1), kfake.SeedTopics(1, "events"))
	older := s.transactional(t, "router")
	tx := older.Begin()
	for range 130 {
		write(t, tx, "events", 0, string(make([]byte, 100_000)))
	}
	newer := s.transactional(t, "router")
	s.refusing()
	// Some brokers tell it at the produce, some at the end; and that must not fence the newer one.
	if err := errors.Join(tx.Commit(deadline(t), producers.GroupRef{}), tx.Abort(deadline(t))); !errors.Is(err, producers.ErrFenced) {
		t.Errorf("got %v", err)
	}
	if err := older.Begin().Write(deadline(t), "events", 0, nil, []byte("zombie"), nil); err == nil {
		t.Error("the older session writes on")
	}
	tx = newer.Begin()
	write(t, tx, "events", 0, "new")
	must(t, tx.Commit(deadline(t), producers.GroupRef{}))
	same(t, "values", s.values(t, "events", 0), []string{"new"})
}

func TestAnOlderSessionThatAbortsIsFencedToo(t *testing.T) {
	s := start(t, kfake.NumBrokers(1), kfake.SeedTopics(1, "events"))
	older := s.transactional(t, "router")
	tx := older.Begin()
	for range 130 {
		write(t, tx, "events", 0, string(make([]byte, 100_000)))
	}
	newer := s.transactional(t, "router")
	s.refusing()
	next := newer.Begin()
	write(t, next, "events", 0, "new")
	if err := tx.Abort(deadline(t)); !errors.Is(err, producers.ErrFenced) {
		t.Errorf("got %v", err)
	}
	must(t, next.Commit(deadline(t), producers.GroupRef{}))
	same(t, "values", s.values(t, "events", 0), []string{"new"})
}

func TestAnOlderGenerationIsFenced(t *testing.T) {
	s := start(t, kfake.NumBrokers(1), kfake.SeedTopics(1, "events"), kfake.SeedTopics(1, "input"))
	group := s.member(t, "readers", "input")
	tr := s.transactional(t, "router")
	attempt := func(as producers.GroupRef) error {
		tx := tr.Begin()
		write(t, tx, "events", 0, "zombie")
		tx.Offsets("input", 0, 7)
		err := tx.Commit(deadline(t), as)
		must(t, tx.Abort(deadline(t)))
		return err
	}
	wrong := group
	wrong.Generation--
	if err := attempt(wrong); !errors.Is(err, producers.ErrFenced) {
		t.Errorf("generation: got %v", err)
	}
	must(t, tr.Init(deadline(t)))
	wrong = group
	wrong.MemberID = "somebody"
	if err := attempt(wrong); !errors.Is(err, producers.ErrFenced) {
		t.Errorf("member: got %v", err)
	}
	must(t, tr.Init(deadline(t)))
	if err := attempt(producers.GroupRef{GroupID: "readers", Generation: -1}); err == nil {
		t.Error("offsets of nobody are committed")
	}
	same(t, "nothing counts", s.values(t, "events", 0), []string{})
	same(t, "offset", s.committed(t, "readers", "input", 0), -1)

	tx := tr.Begin()
	write(t, tx, "events", 0, "x")
	tx.Offsets("input", 0, 7)
	must(t, tx.Commit(deadline(t), group))
	same(t, "values", s.values(t, "events", 0), []string{"x"})
	same(t, "offset", s.committed(t, "readers", "input", 0), 7)
}

func TestTransactionsThroughTrouble(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	var mutex sync.Mutex
	oneIn := func(n int) bool {
		mutex.Lock()
		defer mutex.Unlock()
		return random.IntN(n) == 0
	}
	keys := []kmsg.Key{kmsg.AddPartitionsToTxn, kmsg.Produce, kmsg.AddOffsetsToTxn, kmsg.TxnOffsetCommit, kmsg.EndTxn}
	through := func(t *testing.T, s *server, after func(i int)) {
		group := s.member(t, "readers", "input")
		tr := s.transactional(t, "router")
		var want []string
		for i := range 25 {
			tx := tr.Begin()
			for partition := range 4 {
				write(t, tx, "events", partition, fmt.Sprint(i))
			}
			tx.Offsets("input", 0, int64(i))
			must(t, tx.Commit(deadline(t), group))
			want = append(want, fmt.Sprint(i))
			if after != nil {
				after(i)
			}
		}
		s.losing(nil)
		for partition := range 4 {
			same(t, fmt.Sprint("values of ", partition), s.values(t, "events", partition), want)
		}
		same(t, "offset", s.committed(t, "readers", "input", 0), 24)
	}
	events := kfake.SeedTopics(4, "events")
	input := kfake.SeedTopics(1, "input")

	t.Run("answers get lost", func(t *testing.T) {
		s := start(t, kfake.NumBrokers(3), events, input)
		s.losing(func(r []byte) bool { return slices.Contains(keys, kmsg.Key(apiKey(r))) && oneIn(5) })
		through(t, s, nil)
	})
	t.Run("partitions and coordinators move", func(t *testing.T) {
		s := start(t, kfake.NumBrokers(3), events, input)
		through(t, s, func(i int) {
			if i%4 == 0 {
				must(t, s.MoveTopicPartition("events", int32(i/4%4), int32(i/8%3)))
			}
		})
	})
	for _, fault := range []*kerr.Error{kerr.CoordinatorLoadInProgress, kerr.ConcurrentTransactions, kerr.CoordinatorNotAvailable, kerr.NotCoordinator} {
		t.Run(fault.Message, func(t *testing.T) {
			s := start(t, kfake.NumBrokers(2), events, input)
			s.Fault(kfake.Fault{Keys: keys, Err: fault, Count: -1, When: func(kmsg.Request) bool { return oneIn(20) }})
			s.Fault(kfake.Fault{Keys: keys, Err: fault, Count: -1, TopLevel: true, When: func(kmsg.Request) bool { return oneIn(20) }})
			through(t, s, nil)
		})
	}
}

func TestACommitThatIsAbandonedIsSettledByInit(t *testing.T) {
	s := start(t, kfake.NumBrokers(1), kfake.SeedTopics(1, "events"))
	tr := s.transactional(t, "router")
	tx := tr.Begin()
	write(t, tx, "events", 0, "x")
	arrived, release := s.holdKey(t, kmsg.EndTxn)
	ctx, cancel := context.WithCancel(deadline(t))
	go func() {
		<-arrived
		cancel()
	}()
	if err := tx.Commit(ctx, producers.GroupRef{}); !errors.Is(err, producers.ErrAbandoned) {
		t.Errorf("got %v", err)
	}
	must(t, tx.Abort(deadline(t))) // leaves it to Init
	if err := tr.Begin().Write(deadline(t), "events", 0, nil, nil, nil); err == nil {
		t.Error("it goes on without Init")
	}
	release()
	must(t, tr.Init(deadline(t)))
	settled := s.values(t, "events", 0)
	if len(settled) > 1 {
		t.Errorf("values %v", settled)
	}
	tx = tr.Begin()
	write(t, tx, "events", 0, "y")
	must(t, tx.Commit(deadline(t), producers.GroupRef{}))
	same(t, "values", s.values(t, "events", 0), append(settled, "y"))
}

func TestAfterAFailedWriteAbortClears(t *testing.T) {
	s := start(t, kfake.NumBrokers(1), kfake.SeedTopics(2, "events"))
	tr := s.transactional(t, "router")
	tx := tr.Begin()
	write(t, tx, "events", 0, "x")
	write(t, tx, "events", 1, string(make([]byte, 1_100_000)))
	if err := tx.Commit(deadline(t), producers.GroupRef{}); !errors.Is(err, producers.ErrTooLarge) {
		t.Errorf("got %v", err)
	}
	must(t, tx.Abort(deadline(t)))
	tx = tr.Begin()
	write(t, tx, "events", 0, "y")
	must(t, tx.Commit(deadline(t), producers.GroupRef{}))
	same(t, "values", s.values(t, "events", 0), []string{"y"})
}

// The batch of an aborted transaction reaches the broker when the next transaction writes to the same partition.
func TestALateBatchDoesNotSlipIntoTheNextTransaction(t *testing.T) {
	s := start(t, kfake.NumBrokers(1), kfake.SeedTopics(1, "events"))
	tr := s.transactional(t, "router")
	tx := tr.Begin()
	write(t, tx, "events", 0, "late")
	arrived, release := s.hold(t)
	ctx, cancel := context.WithCancel(deadline(t))
	go func() {
		<-arrived
		cancel()
	}()
	if err := tx.Commit(ctx, producers.GroupRef{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	must(t, tx.Abort(deadline(t)))

	next, releaseNext := s.hold(t)
	var all sync.WaitGroup
	all.Go(func() {
		tx := tr.Begin()
		write(t, tx, "events", 0, "next")
		must(t, tx.Commit(deadline(t), producers.GroupRef{}))
	})
	<-next
	late := s.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Observe: true, Count: -1})
	release()
	must(t, late.Wait(deadline(t), 1))
	releaseNext()
	all.Wait()
	same(t, "values", s.values(t, "events", 0), []string{"next"})
}
