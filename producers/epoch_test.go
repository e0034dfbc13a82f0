package producers_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"kindred/producers"
)

// refusing answers a session that asks for a new epoch as Kafka does when a newer session exists. The Kafka of the tests gives
// an epoch to any older session.
func (s *server) refusing() {
	s.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.InitProducerID}, Err: kerr.ProducerFenced, TopLevel: true, Count: -1,
		When: func(r kmsg.Request) bool { return r.(*kmsg.InitProducerIDRequest).ProducerID >= 0 }})
}

// doneAgain does the work of a transaction that has failed once more.
func doneAgain(t *testing.T, s *server, tr *producers.Transactional, group producers.GroupRef, failed error) {
	t.Helper()
	if failed == nil || errors.Is(failed, producers.ErrFenced) || errors.Is(failed, producers.ErrAbandoned) {
		t.Errorf("the transaction ended with %v", failed)
	}
	tx := tr.Begin()
	write(t, tx, "events", 0, "again")
	tx.Offsets("input", 0, 7)
	must(t, tx.Commit(deadline(t), group))
	same(t, "values", s.values(t, "events", 0), []string{"again"})
	same(t, "offset", s.committed(t, "readers", "input", 0), 7)
}

// A partition has no leader for longer than a transaction may be open: the broker aborts it and raises the epoch.
func TestATransactionThatTookTooLongIsDoneAgain(t *testing.T) {
	s := start(t, kfake.NumBrokers(1), kfake.SeedTopics(1, "events"), kfake.SeedTopics(1, "input"))
	group := s.member(t, "readers", "input")
	tr := &producers.Transactional{Cluster: s.client, ID: "router", Limit: 300 * time.Millisecond}
	must(t, tr.Init(deadline(t)))
	until := time.Now().Add(2 * tr.Limit)
	s.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotLeaderForPartition, Count: -1,
		When: func(kmsg.Request) bool { return time.Now().Before(until) }})
	tx := tr.Begin()
	write(t, tx, "events", 0, "x")
	tx.Offsets("input", 0, 5)
	err := tx.Commit(deadline(t), group)
	must(t, tx.Abort(deadline(t)))
	doneAgain(t, s, tr, group, err)
}

// The epoch may be refused wherever the transaction has got to.
func TestARefusedEpochIsNotTakenForASuccessor(t *testing.T) {
	for _, key := range []kmsg.Key{kmsg.AddPartitionsToTxn, kmsg.Produce, kmsg.AddOffsetsToTxn, kmsg.TxnOffsetCommit, kmsg.EndTxn} {
		for _, code := range []*kerr.Error{kerr.InvalidProducerEpoch, kerr.ProducerFenced} {
			refused := func(t *testing.T) (*server, *producers.Transactional, producers.GroupRef) {
				s := start(t, kfake.NumBrokers(1), kfake.SeedTopics(1, "events"), kfake.SeedTopics(1, "input"))
				group := s.member(t, "readers", "input")
				tr := s.transactional(t, "router")
				s.Fault(kfake.Fault{Keys: []kmsg.Key{key}, Err: code, TopLevel: key == kmsg.AddOffsetsToTxn || key == kmsg.EndTxn})
				return s, tr, group
			}
			t.Run(fmt.Sprint(code.Message, " at ", key.Name()), func(t *testing.T) {
				s, tr, group := refused(t)
				tx := tr.Begin()
				write(t, tx, "events", 0, "x")
				tx.Offsets("input", 0, 5)
				err := tx.Commit(deadline(t), group)
				must(t, tx.Abort(deadline(t)))
				doneAgain(t, s, tr, group, err)
			})
			t.Run(fmt.Sprint(code.Message, " at ", key.Name(), " of a successor"), func(t *testing.T) {
				s, tr, group := refused(t)
				s.refusing()
				tx := tr.Begin()
				write(t, tx, "events", 0, "x")
				tx.Offsets("input", 0, 5)
				err := tx.Commit(deadline(t), group)
				if err = errors.Join(err, tx.Abort(deadline(t))); !errors.Is(err, producers.ErrFenced) {
					t.Errorf("the transaction ended with %v", err)
				}
				// Beginning anew must not fence the successor in turn.
				if err := tr.Init(deadline(t)); !errors.Is(err, producers.ErrFenced) {
					t.Errorf("init: %v", err)
				}
			})
		}
	}
}

func TestARefusedEpochAtTheAbortIsTheBrokersAbort(t *testing.T) {
	s := start(t, kfake.NumBrokers(1), kfake.SeedTopics(1, "events"), kfake.SeedTopics(1, "input"))
	group := s.member(t, "readers", "input")
	tr := s.transactional(t, "router")
	tx := tr.Begin()
	for range 130 { // enough to be sent
		write(t, tx, "events", 0, string(make([]byte, 100_000)))
	}
	s.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.EndTxn}, Err: kerr.ProducerFenced, TopLevel: true})
	must(t, tx.Abort(deadline(t)))
	doneAgain(t, s, tr, group, errors.New("aborted"))
}

func TestATransactionalIDThatExpiredIsTakenAnew(t *testing.T) {
	s := start(t, kfake.NumBrokers(1), kfake.SeedTopics(1, "events"), kfake.SeedTopics(1, "input"))
	group := s.member(t, "readers", "input")
	tr := s.transactional(t, "router")
	s.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.InitProducerID}, Err: kerr.InvalidProducerIDMapping, TopLevel: true, Count: -1,
		When: func(r kmsg.Request) bool { return r.(*kmsg.InitProducerIDRequest).ProducerID >= 0 }})
	must(t, tr.Init(deadline(t)))
	doneAgain(t, s, tr, group, errors.New("expired"))
}
