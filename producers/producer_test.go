package producers_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"kindred/producers"
	"kindred/schemas/wire"
)

func publish(t *testing.T, p *producers.Producer, topic string, partition int, values ...string) producers.Ack {
	t.Helper()
	ack, err := p.Publish(deadline(t), topic, partition, batch(values...))
	if err != nil {
		t.Fatal(err)
	}
	return ack
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s:\n got %v\nwant %v", what, got, want)
	}
}

func TestRecordsArriveAsTheyWereGiven(t *testing.T) {
	s := start(t, kfake.NumBrokers(1), kfake.SeedTopics(2, "events"))
	p := s.running(t)
	headers := wire.AppendHeaders(nil, wire.Header{Key: "a", Value: []byte("1")}, wire.Header{Key: "b"})
	b := new(wire.Builder)
	b.Add(1_700_000_000_123, []byte("k"), []byte("v"), headers)
	b.Add(1_700_000_000_001, nil, nil, nil)
	b.Add(1_700_000_999_999, []byte{}, []byte{}, nil)
	first, err := p.Publish(deadline(t), "events", 1, b)
	if err != nil {
		t.Fatal(err)
	}
	second := publish(t, p, "events", 1, "x")
	same(t, "offsets", []int64{first.Base, second.Base}, []int64{0, 3})
	same(t, "producer id", first.ProducerID, p.ProducerID())

	var got []string
	s.records(t, "events", 1, func(r *wire.Record) {
		a, _ := r.Headers.Get("a")
		got = append(got, fmt.Sprintf("%d %d %v %v %d %s %v", r.Offset, r.Timestamp, r.Key, r.Value, r.Headers.Len(), a, r.ProducerID == first.ProducerID))
		if r.Offset == 1 && (r.Key != nil || r.Value != nil) || r.Offset == 2 && (r.Key == nil || r.Value == nil) {
			t.Errorf("null and empty are mixed up: %v %v", r.Key, r.Value)
		}
	})
	same(t, "records", got, []string{
		"0 1700000000123 [107] [118] 2 1 true",
		"1 1700000000001 [] [] 0  true",
		"2 1700000999999 [] [] 0  true",
		"3 1000 [107 101 121] [120] 0  true",
	})
}

// writers publish numbered batches to every partition at the same time, each waiting for its acknowledgement.
func writers(t *testing.T, p *producers.Producer, topic string, partitions, batches int, between func(partition, i int)) {
	t.Helper()
	var all sync.WaitGroup
	for partition := range partitions {
		all.Go(func() {
			next := int64(0)
			for i := range batches {
				ack, err := p.Publish(deadline(t), topic, partition, batch(fmt.Sprint(i, "a"), fmt.Sprint(i, "b")))
				if err != nil {
					t.Error(err)
					return
				}
				if ack.Base != next {
					t.Errorf("%s/%d: batch %d went to %d, want %d", topic, partition, i, ack.Base, next)
				}
				next += 2
				if between != nil {
					between(partition, i)
				}
			}
		})
	}
	all.Wait()
}

func once(t *testing.T, s *server, topic string, partitions, batches int) {
	t.Helper()
	var want []string
	for i := range batches {
		want = append(want, fmt.Sprint(i, "a"), fmt.Sprint(i, "b"))
	}
	for partition := range partitions {
		if got := s.values(t, topic, partition); !slices.Equal(got, want) {
			t.Errorf("%s/%d: got %d values %v, want %d", topic, partition, len(got), got, len(want))
		}
	}
}

func TestWhatQueuesGoesInOneRequest(t *testing.T) {
	s := start(t, kfake.NumBrokers(1), kfake.SeedTopics(12, "events"))
	p := s.running(t)
	publish(t, p, "events", 0, "first")

	counts := s.counting()
	var all sync.WaitGroup
	var releases []func()
	for partition := range 2 {
		arrived, release := s.hold(t)
		all.Go(func() { publish(t, p, "events", partition, "held") })
		<-arrived
		releases = append(releases, release)
	}
	for partition := 2; partition < 12; partition++ {
		all.Go(func() { publish(t, p, "events", partition, "x") })
	}
	producers.AwaitQueued(p, 10)
	for _, release := range releases {
		release()
	}
	all.Wait()
	s.losing(nil)
	same(t, "requests", counts[kmsg.Produce], 3)
}

// A request costs a broker more than one more batch in it.
func TestWhoPublishesAtTheSameTimeSharesARequest(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // else the first may be on its way before the last has run
	const partitions, rounds = 12, 50
	s := start(t, kfake.NumBrokers(1), kfake.SeedTopics(partitions, "events"))
	p := s.running(t)
	publish(t, p, "events", 0, "makes the broker known")
	counts := s.counting()
	for range rounds {
		var ready, all sync.WaitGroup
		begin := make(chan struct{})
		ready.Add(partitions)
		for partition := range partitions {
			all.Go(func() {
				ready.Done()
				<-begin
				publish(t, p, "events", partition, "at the same time")
			})
		}
		ready.Wait()
		close(begin)
		all.Wait()
	}
	s.losing(nil)
	if n := counts[kmsg.Produce]; n > 2*rounds { // Go's scheduler lets a goroutine jump the queue now and then
		t.Errorf("%d requests for %d times that %d publish together", n, rounds, partitions)
	}
}

func TestNothingLostNothingDoubled(t *testing.T) {
	const partitions, batches = 6, 30
	random := rand.New(rand.NewPCG(1, 2))
	var mutex sync.Mutex
	oneIn := func(n int) bool {
		mutex.Lock()
		defer mutex.Unlock()
		return random.IntN(n) == 0
	}
	produces := func(r []byte) bool { return apiKey(r) == int(kmsg.Produce) }

	t.Run("answers get lost", func(t *testing.T) {
		s := start(t, kfake.NumBrokers(3), kfake.SeedTopics(partitions, "events"))
		s.losing(func(r []byte) bool { return produces(r) && oneIn(4) })
		writers(t, s.running(t), "events", partitions, batches, nil)
		s.losing(nil)
		once(t, s, "events", partitions, batches)
	})
	t.Run("connections break before the broker reads", func(t *testing.T) {
		s := start(t, kfake.NumBrokers(3), kfake.SeedTopics(partitions, "events"))
		s.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
			s.KeepControl()
			if oneIn(4) {
				return nil, errors.New("broken"), true
			}
			return nil, nil, false
		})
		writers(t, s.running(t), "events", partitions, batches, nil)
		once(t, s, "events", partitions, batches)
	})
	t.Run("partitions move", func(t *testing.T) {
		s := start(t, kfake.NumBrokers(3), kfake.SeedTopics(partitions, "events"))
		writers(t, s.running(t), "events", partitions, batches, func(partition, i int) {
			if i%5 == 0 {
				if err := s.MoveTopicPartition("events", int32(partition), int32((partition+i/5)%3)); err != nil {
					t.Error(err)
				}
			}
		})
		once(t, s, "events", partitions, batches)
	})
	for _, fault := range []*kerr.Error{
		kerr.RequestTimedOut, kerr.NotEnoughReplicasAfterAppend, // these are appended all the same
		kerr.NotLeaderForPartition, kerr.NotEnoughReplicas, kerr.KafkaStorageError, kerr.UnknownServerError,
		kerr.UnknownTopicOrPartition, kerr.LeaderNotAvailable, kerr.UnknownProducerID,
	} {
		t.Run(fault.Message, func(t *testing.T) {
			s := start(t, kfake.NumBrokers(2), kfake.SeedTopics(partitions, "events"))
			count := -1
			if fault == kerr.UnknownProducerID {
				count = 3 // a batch is given up when a fourth producer id does not help
			}
			s.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: fault, Partitions: []int32{1, 2, 4}, Count: count,
				When: func(kmsg.Request) bool { return oneIn(4) }})
			writers(t, s.running(t), "events", partitions, batches, nil)
			once(t, s, "events", partitions, batches)
		})
	}
}

func TestATopicMayComeLater(t *testing.T) {
	s := start(t, kfake.NumBrokers(1), kfake.SeedTopics(1, "other"))
	p := s.running(t)
	publish(t, p, "other", 0, "x")
	asked := s.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Metadata}, Observe: true, Count: -1})
	var all sync.WaitGroup
	all.Go(func() { publish(t, p, "late", 0, "y") })
	if err := asked.Wait(deadline(t), 1); err != nil {
		t.Fatal(err)
	}
	s.topic(t, "late", 1)
	all.Wait()
	same(t, "late", s.values(t, "late", 0), []string{"y"})
}

func TestABrokerThatIsStillLoadingGivesNoProducerID(t *testing.T) {
	s := start(t, kfake.NumBrokers(1), kfake.SeedTopics(1, "events"))
	loading := s.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.InitProducerID}, Err: kerr.CoordinatorLoadInProgress, Count: 3, TopLevel: true})
	ack := publish(t, s.running(t), "events", 0, "x")
	same(t, "refused", loading.Hits(), 3)
	if ack.ProducerID < 0 {
		t.Errorf("published under producer id %d", ack.ProducerID)
	}
}

func TestTooLargeIsSaid(t *testing.T) {
	s := start(t, kfake.NumBrokers(1), kfake.SeedTopics(1, "events"))
	p := s.running(t)
	before := publish(t, p, "events", 0, "x")
	_, err := p.Publish(deadline(t), "events", 0, batch(string(make([]byte, 1_100_000))))
	if !errors.Is(err, producers.ErrTooLarge) || errors.Is(err, producers.ErrAbandoned) {
		t.Errorf("got %v", err)
	}
	after := publish(t, p, "events", 0, "y") // no sequence number was used up
	same(t, "the same producer id", after.ProducerID, before.ProducerID)
	same(t, "values", s.values(t, "events", 0), []string{"x", "y"})
}

// hold keeps the next produce request at the broker until release is called. One that is still held when the test ends is dropped.
func (s *server) hold(t *testing.T) (arrived chan struct{}, release func()) {
	return s.holdKey(t, kmsg.Produce)
}

func (s *server) holdKey(t *testing.T, key kmsg.Key) (arrived chan struct{}, release func()) {
	arrived, open, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
	var first atomic.Bool
	s.ControlKey(int16(key), func(kmsg.Request) (kmsg.Response, error, bool) {
		s.DropControl()
		if !first.CompareAndSwap(false, true) {
			return nil, nil, false
		}
		close(arrived)
		s.SleepControl(func() {
			select {
			case <-open:
			case <-ended:
			}
		})
		select {
		case <-open:
			return nil, nil, false
		default: // written now, it would come into the files of a broker that is closed
			return nil, errors.New("the test has ended"), true
		}
	})
	t.Cleanup(func() { close(ended) })
	return arrived, sync.OnceFunc(func() { close(open) })
}

func TestAnAbandonedBatchIsToldByItsProducerID(t *testing.T) {
	s := start(t, kfake.NumBrokers(1), kfake.SeedTopics(1, "events"))
	p := s.running(t)
	first := publish(t, p, "events", 0, "x")
	arrived, release := s.hold(t)

	ctx, cancel := context.WithCancel(deadline(t))
	b := batch("abandoned")
	left := make(chan error)
	go func() {
		_, err := p.Publish(ctx, "events", 0, b)
		left <- err
	}()
	<-arrived
	cancel()
	if err := <-left; !errors.Is(err, producers.ErrAbandoned) || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	b.Reset() // the builder is ours again, though the request is still at the broker
	b.Add(1, nil, []byte("next"), nil)

	acked := make(chan producers.Ack)
	go func() {
		ack, err := p.Publish(deadline(t), "events", 0, b)
		if err != nil {
			t.Error(err)
		}
		acked <- ack
	}()
	producers.AwaitQueued(p, 1) // it waits for what is in flight
	release()
	second := <-acked
	if second.ProducerID == first.ProducerID {
		t.Error("the producer id was kept")
	}
	same(t, "values", s.values(t, "events", 0), []string{"x", "abandoned", "next"})
}

// Callers that leave at any moment write into their builders at once. (The race detector looks on.)
func TestTheBuilderIsFreeWhenPublishReturns(t *testing.T) {
	s := start(t, kfake.NumBrokers(1), kfake.SeedTopics(1, "events"))
	p := s.running(t)
	random := rand.New(rand.NewPCG(5, 6))
	b, abandoned := new(wire.Builder), 0
	for range 300 {
		b.Reset()
		for i := range 200 {
			b.Add(int64(i), []byte("key"), make([]byte, 1000), nil)
		}
		ctx, cancel := context.WithCancel(context.Background())
		spin := random.IntN(100)
		go func() {
			for range spin {
				runtime.Gosched()
			}
			cancel()
		}()
		if _, err := p.Publish(ctx, "events", 0, b); errors.Is(err, producers.ErrAbandoned) {
			abandoned++
		}
	}
	t.Logf("%d of 300 abandoned", abandoned)
	s.values(t, "events", 0) // all that was written can be read
}

func TestWhatWasNeverSentIsNotAbandoned(t *testing.T) {
	s := start(t, kfake.NumBrokers(1), kfake.SeedTopics(1, "events"))
	p := s.running(t)
	id := publish(t, p, "events", 0, "x").ProducerID
	arrived, release := s.hold(t)
	var all sync.WaitGroup
	all.Go(func() { publish(t, p, "events", 0, "held") })
	<-arrived
	ctx, cancel := context.WithCancel(deadline(t))
	all.Go(func() {
		_, err := p.Publish(ctx, "events", 0, batch("unsent"))
		if errors.Is(err, producers.ErrAbandoned) || !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
	producers.AwaitQueued(p, 1)
	cancel()
	producers.AwaitQueued(p, 0)
	release()
	all.Wait()
	same(t, "producer id", publish(t, p, "events", 0, "y").ProducerID, id)
	same(t, "values", s.values(t, "events", 0), []string{"x", "held", "y"})
}

func TestRenew(t *testing.T) {
	s := start(t, kfake.NumBrokers(1), kfake.SeedTopics(2, "events"))
	p := s.running(t)
	before := publish(t, p, "events", 0, "x")
	arrived, release := s.hold(t)
	var all sync.WaitGroup
	all.Go(func() {
		same(t, "in flight", publish(t, p, "events", 0, "held").ProducerID, before.ProducerID)
	})
	<-arrived
	renewed := make(chan struct{})
	all.Go(func() {
		if err := p.Renew(deadline(t)); err != nil {
			t.Error(err)
		}
		close(renewed)
	})
	producers.AwaitRenewals(p, 1)
	all.Go(func() {
		if publish(t, p, "events", 1, "later").ProducerID == before.ProducerID {
			t.Error("published under the old producer id after Renew")
		}
	})
	select {
	case <-renewed:
		t.Error("did not wait for what was in flight")
	default:
	}
	release()
	all.Wait()
	if p.ProducerID() == before.ProducerID {
		t.Error("the producer id was kept")
	}
}

func TestStop(t *testing.T) {
	s := start(t, kfake.NumBrokers(1), kfake.SeedTopics(2, "events"))
	p := &producers.Producer{Cluster: s.client}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- p.Run(ctx) }()
	publish(t, p, "events", 0, "x")

	arrived, _ := s.hold(t)
	var all sync.WaitGroup
	all.Go(func() {
		if _, err := p.Publish(deadline(t), "events", 0, batch("in flight")); !errors.Is(err, producers.ErrAbandoned) {
			t.Errorf("in flight: got %v", err)
		}
	})
	<-arrived
	all.Go(func() {
		_, err := p.Publish(deadline(t), "events", 0, batch("queued"))
		if errors.Is(err, producers.ErrAbandoned) || !errors.Is(err, producers.ErrStopped) {
			t.Errorf("queued: got %v", err)
		}
	})
	producers.AwaitQueued(p, 1)
	stop()
	if err := <-done; err != nil {
		t.Errorf("run: %v", err)
	}
	all.Wait()
	if _, err := p.Publish(deadline(t), "events", 1, batch("late")); !errors.Is(err, producers.ErrStopped) {
		t.Errorf("late: got %v", err)
	}
	if err := p.Renew(deadline(t)); !errors.Is(err, producers.ErrStopped) {
		t.Errorf("renew: got %v", err)
	}
}

func TestRefusedForGood(t *testing.T) {
	s := start(t, kfake.NumBrokers(1), kfake.SeedTopics(1, "events"))
	p := s.running(t)
	s.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.TopicAuthorizationFailed})
	_, err := p.Publish(deadline(t), "events", 0, batch("x"))
	if err == nil || errors.Is(err, producers.ErrAbandoned) {
		t.Errorf("got %v", err)
	}
	publish(t, p, "events", 0, "y")
	same(t, "values", s.values(t, "events", 0), []string{"y"})
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// It is not known whether a batch was appended, and its partition has no leader: it keeps its producer id. What else is
// published does not wait for that, not even when it needs a new one.
func TestAPartitionWithoutALeaderHoldsUpNoOther(t *testing.T) {
	s := start(t, kfake.NumBrokers(1), kfake.SeedTopics(2, "events"))
	p := s.running(t)
	before := publish(t, p, "events", 1, "before")
	var sent atomic.Int64
	s.losing(func(r []byte) bool { return apiKey(r) == int(kmsg.Produce) && sent.Add(1) == 1 }) // appended, but it is not known
	leaderless := s.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "events", Partitions: []int32{0},
		Err: kerr.NotLeaderForPartition, Count: -1, When: func(kmsg.Request) bool { return sent.Load() > 1 }})
	waiting := make(chan error, 1)
	go func() {
		_, err := p.Publish(deadline(t), "events", 0, batch("waits"))
		waiting <- err
	}()
	must(t, leaderless.Wait(deadline(t), 1))
	must(t, p.Renew(deadline(t)))
	after := publish(t, p, "events", 1, "after")
	if after.ProducerID == before.ProducerID {
		t.Error("it has no new producer id")
	}
	leaderless.Remove()
	must(t, <-waiting)
	publish(t, p, "events", 0, "next")
	same(t, "values", s.values(t, "events", 0), []string{"waits", "next"})
	same(t, "values", s.values(t, "events", 1), []string{"before", "after"})
}
