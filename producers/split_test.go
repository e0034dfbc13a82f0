package producers_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"kindred/producers"
)

// narrow makes a topic that takes batches of a thousand bytes.
func (s *server) narrow(t *testing.T, name string) {
	t.Helper()
	must(t, s.CreateTopic(name, 2, map[string]string{"max.message.bytes": "1000"}))
}

// long returns values of 200 bytes, which begin with these numbers.
func long(numbers ...int) (values []string) {
	for _, n := range numbers {
		values = append(values, fmt.Sprintf("%d %s", n, strings.Repeat("x", 198)))
	}
	return values
}

func TestABatchThatIsTooLargeIsSentInHalves(t *testing.T) {
	s := start(t, kfake.NumBrokers(1))
	s.narrow(t, "events")
	p := s.running(t)
	before := publish(t, p, "events", 0, "before")
	all := long(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)
	ack := publish(t, p, "events", 0, all...)
	if ack.Base != before.Base+1 || ack.ProducerID != before.ProducerID {
		t.Errorf("acknowledged as %+v after %+v", ack, before)
	}
	after := publish(t, p, "events", 0, "after")
	same(t, "offset", after.Base, ack.Base+int64(len(all)))
	same(t, "values", s.values(t, "events", 0), append(append([]string{"before"}, all...), "after"))
}

func TestOnlyTheRecordThatIsTooLargeIsRefused(t *testing.T) {
	s := start(t, kfake.NumBrokers(1))
	s.narrow(t, "events")
	p := s.running(t)
	before := publish(t, p, "events", 1, "x")
	huge := strings.Repeat("y", 2000)
	for _, at := range []int{0, 3, 6} {
		values := long(0, 1, 2, 3, 4, 5, 6)
		values[at] = huge
		_, err := p.Publish(deadline(t), "events", 0, batch(values...))
		if !errors.Is(err, producers.ErrTooLarge) || errors.Is(err, producers.ErrAbandoned) {
			t.Errorf("got %v", err)
		}
	}
	var want []string
	for _, at := range []int{0, 3, 6} {
		values := long(0, 1, 2, 3, 4, 5, 6)
		want = append(append(want, values[:at]...), values[at+1:]...)
	}
	same(t, "values", s.values(t, "events", 0), want)
	same(t, "the same producer id", publish(t, p, "events", 1, "z").ProducerID, before.ProducerID)
}

// atProduce calls do when the n-th produce request arrives, which is handled when do has returned.
func (s *server) atProduce(n int, do func()) {
	var seen atomic.Int64
	s.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		s.KeepControl()
		if seen.Add(1) == int64(n) {
			s.SleepControl(do)
		}
		return nil, nil, false
	})
}

// The shard reads back what others write: it must see that something lies between its own records.
func TestWhatOthersWriteBetweenThePiecesIsSeen(t *testing.T) {
	s := start(t, kfake.NumBrokers(1))
	s.narrow(t, "events")
	other := s.running(t)
	publish(t, other, "events", 1, "its producer id")
	p := s.running(t)
	s.atProduce(3, func() { publish(t, other, "events", 0, "other") }) // refused, the first half, the second
	all := long(0, 1, 2, 3, 4, 5)
	ack := publish(t, p, "events", 0, all...)
	same(t, "values", s.values(t, "events", 0), append(append(append([]string{}, all[:3]...), "other"), all[3:]...))
	if end := ack.Base + int64(len(all)); end != 7 || ack.Base == 0 {
		t.Errorf("acknowledged from %d to %d", ack.Base, end)
	}
}

func TestABatchOfWhichAPartIsAppendedIsAbandoned(t *testing.T) {
	s := start(t, kfake.NumBrokers(1))
	s.narrow(t, "events")
	p := s.running(t)
	before := publish(t, p, "events", 1, "x")
	ctx, cancel := context.WithCancel(deadline(t))
	s.atProduce(3, cancel)
	all := long(0, 1, 2, 3, 4, 5)
	if _, err := p.Publish(ctx, "events", 0, batch(all...)); !errors.Is(err, producers.ErrAbandoned) {
		t.Errorf("got %v", err)
	}
	if after := publish(t, p, "events", 1, "y"); after.ProducerID == before.ProducerID {
		t.Error("the abandoned records cannot be told from later ones")
	}
}

func TestATransactionsBatchThatIsTooLargeIsSentInHalves(t *testing.T) {
	s := start(t, kfake.NumBrokers(1))
	s.narrow(t, "events")
	tr := s.transactional(t, "router")
	all := long(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)
	for range 2 {
		tx := tr.Begin()
		for _, v := range all {
			write(t, tx, "events", 0, v)
		}
		write(t, tx, "events", 1, "x")
		must(t, tx.Commit(deadline(t), producers.GroupRef{}))
	}
	same(t, "values", s.values(t, "events", 0), append(all, all...))

	tx := tr.Begin()
	for _, v := range append(all, strings.Repeat("y", 2000)) {
		write(t, tx, "events", 0, v)
	}
	if err := tx.Commit(deadline(t), producers.GroupRef{}); !errors.Is(err, producers.ErrTooLarge) {
		t.Errorf("got %v", err)
	}
	must(t, tx.Abort(deadline(t)))
	tx = tr.Begin()
	write(t, tx, "events", 0, "after")
	must(t, tx.Commit(deadline(t), producers.GroupRef{}))
	same(t, "values", s.values(t, "events", 0), append(append(all, all...), "after"))
}
