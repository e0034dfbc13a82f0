package consumers_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kmsg"

	"kindred/consumers"
	"kindred/pipeline/testkit"
	"kindred/schemas/wire"
)

const forever = time.Minute // a wait that no test sits out

func TestFetchBringsSeveralPartitionsInTheOrderAsked(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("a", 2)
	w.topic("b", 1)
	w.produce("a", 0, "a0")
	w.produce("a", 1, "a1", "a2")
	w.produce("b", 0, "b0")
	got, err := w.fetcher().Fetch(w.ctx, []consumers.Position{{Topic: "a", Partition: 1, Offset: 1}, {Topic: "b"}, {Topic: "a"}}, forever)
	w.ok(err)
	if len(got) != 3 {
		t.Fatalf("got %d partitions, want 3", len(got))
	}
	for i, want := range [][]string{{"a2"}, {"b0"}, {"a0"}} { // the first begins inside its batch
		values, next := w.read(got[i])
		w.want(fmt.Sprint("partition ", i), values, want)
		if next != got[i].Next() || next != got[i].HighWatermark || got[i].Stable != next || got[i].Start != 0 {
			t.Errorf("%+v: next is %d", got[i], next)
		}
	}
}

func TestFetchReadsNoAbortedAndNoOpenTransaction(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("t", 1)
	aborted, done, open := w.begin("aborted"), w.begin("done"), w.begin("open")
	w.produce("t", 0, "plain-1")
	aborted.produce("t", 0, "never-1")
	done.produce("t", 0, "done-1")
	aborted.produce("t", 0, "never-2")
	w.produce("t", 0, "plain-2")
	aborted.end(false)
	done.end(true)
	open.produce("t", 0, "not-yet")
	w.produce("t", 0, "behind an open one")

	got, err := w.fetcher().Fetch(w.ctx, at("t", 0, 0), forever)
	w.ok(err)
	values, next := w.read(got[0])
	w.want("committed", values, []string{"plain-1", "done-1", "plain-2"})
	if next != got[0].Stable || next != 7 || got[0].HighWatermark != 9 {
		t.Errorf("goes on at %d, stable %d, end %d; want 7, 7, 9", next, got[0].Stable, got[0].HighWatermark)
	}
	ends, err := w.fetcher().Ends(w.ctx, at("t", 0, 0))
	w.ok(err)
	if ends[0] != 7 {
		t.Errorf("ends at %d for readers of committed records, want 7", ends[0])
	}

	open.end(true)
	got, err = w.fetcher().Fetch(w.ctx, at("t", 0, next), forever)
	w.ok(err)
	values, _ = w.read(got[0])
	w.want("once it is committed", values, []string{"not-yet", "behind an open one"})
}

// arrivals receives when the broker has begun to look at a request.
func (w *world) arrivals(key int16) <-chan struct{} {
	came := make(chan struct{}, 1000)
	w.kafka.ControlKey(key, func(kmsg.Request) (kmsg.Response, error, bool) {
		w.kafka.KeepControl()
		came <- struct{}{}
		return nil, nil, false
	})
	return came
}

// fetched is what a Fetch in another goroutine returned.
type fetched struct {
	fetched []consumers.Fetched
	err     error
}

func fetching(ctx context.Context, f *consumers.Fetcher, from []consumers.Position) <-chan fetched {
	results := make(chan fetched, 1)
	go func() {
		got, err := f.Fetch(ctx, from, forever)
		results <- fetched{got, err}
	}()
	return results
}

func (w *world) await(came <-chan struct{}) {
	w.Helper()
	select {
	case <-came:
	case <-w.ctx.Done():
		w.Fatal("nothing came")
	}
}

func TestALongPollWakesUpAtOnce(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("t", 3)
	came := w.arrivals(1)
	results := fetching(w.ctx, w.fetcher(), []consumers.Position{{Topic: "t"}, {Topic: "t", Partition: 1}, {Topic: "t", Partition: 2}})
	w.await(came)
	w.produce("t", 1, "news")
	got := <-results // else w.ctx ends it with an error
	w.ok(got.err)
	values, _ := w.read(got.fetched[1])
	w.want("woken by", values, []string{"news"})
}

func TestFetchEndsWithItsContext(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("t", 1)
	came := w.arrivals(1)
	ctx, cancel := context.WithCancel(w.ctx)
	results := fetching(ctx, w.fetcher(), at("t", 0, 0))
	w.await(came)
	cancel()
	if got := <-results; !errors.Is(got.err, context.Canceled) {
		t.Errorf("got %v", got.err)
	}
	w.produce("t", 0, "lets the broker answer what nobody waits for any more")
}

func TestFetchWaitsNoLongerThanAsked(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("t", 1)
	got, err := w.fetcher().Fetch(w.ctx, at("t", 0, 0), time.Millisecond)
	w.ok(err)
	if len(got) != 1 || len(got[0].Data) != 0 || got[0].Next() != 0 {
		t.Errorf("got %+v", got)
	}
}

// A broker that may not wait answers at once with nothing, after which a fetch pauses: records that come meanwhile would
// have to wait for that.
func TestEveryRequestLetsTheBrokerWait(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("t", 1)
	var waits []int32
	w.kafka.ControlKey(int16(kmsg.Fetch), func(r kmsg.Request) (kmsg.Response, error, bool) {
		w.kafka.KeepControl()
		waits = append(waits, r.(*kmsg.FetchRequest).MaxWaitMillis)
		return nil, nil, false
	})
	f := w.fetcher()
	for range 10 {
		_, err := f.Fetch(w.ctx, at("t", 0, 0), 20*time.Millisecond)
		w.ok(err)
	}
	if slices.Contains(waits, 0) {
		t.Errorf("brokers may wait for %v ms", waits)
	}
}

func TestFetchSaysWhatIsOutOfRange(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("t", 3)
	for range 10 {
		w.produce("t", 0, "x")
		w.produce("t", 1, "x")
	}
	w.ok(w.kafka.DeleteRecords("t", 0, 7))
	got, err := w.fetcher().Fetch(w.ctx, []consumers.Position{{Topic: "t", Offset: 3}, {Topic: "t", Partition: 1, Offset: 11},
		{Topic: "t", Partition: 2}}, forever)
	w.ok(err)
	if !got[0].OutOfRange || got[0].Start != 7 || got[0].HighWatermark != 10 || len(got[0].Data) != 0 {
		t.Errorf("below the start: %+v", got[0])
	}
	if !got[1].OutOfRange || got[1].Start != 0 || got[1].HighWatermark != 10 {
		t.Errorf("above the end: %+v", got[1])
	}
	if got[2].OutOfRange {
		t.Errorf("neither: %+v", got[2])
	}
	starts, err := w.fetcher().Starts(w.ctx, []consumers.Position{{Topic: "t"}, {Topic: "t", Partition: 1}, {Topic: "t", Partition: 2}})
	w.ok(err)
	if !slices.Equal(starts, []int64{7, 0, 0}) {
		t.Errorf("starts: %v", starts)
	}
}

func TestSinceFindsTheFirstRecordOfATime(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("t", 2)
	w.produce("t", 1, "x", "y") // both at 1700000000000 ms
	check := func(partition int, ms, want int64, wantThere bool) {
		t.Helper()
		offset, there, err := w.fetcher().Since(w.ctx, consumers.Position{Topic: "t", Partition: partition}, time.UnixMilli(ms))
		w.ok(err)
		if offset != want || there != wantThere {
			t.Errorf("partition %d since %d: offset %d, %v; want %d, %v", partition, ms, offset, there, want, wantThere)
		}
	}
	check(1, 0, 0, true)
	check(1, 1700000000000, 0, true)
	check(1, 1700000000001, 0, false)
	check(0, 0, 0, false)
}

// A real broker says of an offset that is out of range only that it is.
func TestFetchAsksWhereAPartitionLiesThatIsOutOfRange(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("t", 1)
	for range 10 {
		w.produce("t", 0, "x")
	}
	w.ok(w.kafka.DeleteRecords("t", 0, 7))
	w.kafka.ControlKey(1, func(req kmsg.Request) (kmsg.Response, error, bool) {
		res := req.ResponseKind().(*kmsg.FetchResponse)
		partition := kmsg.NewFetchResponseTopicPartition()
		partition.ErrorCode = int16(kafka.OffsetOutOfRange)
		partition.HighWatermark, partition.LastStableOffset, partition.LogStartOffset = -1, -1, -1
		res.Topics = []kmsg.FetchResponseTopic{{Topic: "t", Partitions: []kmsg.FetchResponseTopicPartition{partition}}}
		return res, nil, true
	})
	got, err := w.fetcher().Fetch(w.ctx, at("t", 0, 3), forever)
	w.ok(err)
	if !got[0].OutOfRange || got[0].Start != 7 || got[0].HighWatermark != 10 || got[0].Stable != 10 {
		t.Errorf("got %+v", got[0])
	}
}

func TestATopicMayAppearLater(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("there", 1)
	came := w.arrivals(3) // metadata: the fetcher makes the transport look again
	results := fetching(w.ctx, w.fetcher(), []consumers.Position{{Topic: "there"}, {Topic: "later"}})
	w.await(came)
	w.ok(w.kafka.CreateTopic("later", 1, nil)) // by somebody else: the client does not learn of it
	other := *w
	other.client = testkit.Connect(t, w.kafka.ListenAddrs()...)
	other.produce("later", 0, "at last")
	got := <-results
	w.ok(got.err)
	values, _ := w.read(got.fetched[len(got.fetched)-1])
	w.want("the new topic", values, []string{"at last"})
}

func TestEndsWaitsForATopic(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("there", 1)
	looked := w.arrivals(3)
	created := make(chan error, 1)
	go func() {
		<-looked
		created <- w.kafka.CreateTopic("later", 2, nil)
	}()
	ends, err := w.fetcher().Ends(w.ctx, []consumers.Position{{Topic: "later", Partition: 1}, {Topic: "there"}})
	w.ok(err)
	w.ok(<-created)
	if len(ends) != 2 || ends[0] != 0 || ends[1] != 0 {
		t.Errorf("got %v", ends)
	}

	ctx, cancel := context.WithCancel(w.ctx)
	cancel()
	if _, err := w.fetcher().Ends(ctx, at("never", 0, 0)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestAPartitionThatFailsDoesNotHoldUpTheOthers(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("there", 1)
	w.produce("there", 0, "x")
	got, err := w.fetcher().Fetch(w.ctx, []consumers.Position{{Topic: "never"}, {Topic: "there"}}, forever)
	w.ok(err)
	if len(got) != 1 || got[0].Topic != "there" {
		t.Errorf("got %+v", got)
	}
}

func TestFetchFollowsALeader(t *testing.T) {
	w := newWorld(t, 3)
	w.topic("t", 1)
	f := w.fetcher()
	w.produce("t", 0, "one")
	got, err := f.Fetch(w.ctx, at("t", 0, 0), forever)
	w.ok(err)
	_, next := w.read(got[0])
	w.ok(w.kafka.MoveTopicPartition("t", 0, (w.kafka.LeaderFor("t", 0)+1)%3))
	other := *w
	other.client = testkit.Connect(t, w.kafka.ListenAddrs()...)
	other.produce("t", 0, "two")
	got, err = f.Fetch(w.ctx, at("t", 0, next), forever)
	w.ok(err)
	values, _ := w.read(got[0])
	w.want("from the new leader", values, []string{"two"})
}

// With three leaders, two of them idle: what the busy one has comes at once, and nothing of the idle ones is lost.
func TestSeveralLeadersDoNotWaitForEachOther(t *testing.T) {
	w := newWorld(t, 3)
	w.topic("t", 3)
	for p := range 3 {
		w.ok(w.kafka.MoveTopicPartition("t", int32(p), int32(p)))
	}
	client := testkit.Connect(t, w.kafka.ListenAddrs()...) // knows where they live now
	w.client = client
	asked := w.arrivals(1)
	f := w.fetcher()
	from := []consumers.Position{{Topic: "t"}, {Topic: "t", Partition: 1}, {Topic: "t", Partition: 2}}
	var all []string
	for round := range 30 {
		want := fmt.Sprint("round ", round)
		w.produce("t", round%3, want)
		for found := false; !found; {
			got, err := f.Fetch(w.ctx, from, forever)
			w.ok(err)
			for _, g := range got {
				values, next := w.read(g)
				all = append(all, values...)
				from[g.Partition].Offset = next
				for _, v := range values {
					found = found || v == want
				}
			}
		}
	}
	if len(all) != 30 {
		t.Errorf("read %d records, want each of 30 once: %q", len(all), all)
	}
	if requests := len(asked); requests > 40 { // 3, then one for each record that was answered with
		t.Errorf("%d requests: those that wait are to be kept", requests)
	}
	for range 3 { // lets the brokers answer what is still pending
		w.produce("t", 0, "x")
		w.produce("t", 1, "x")
		w.produce("t", 2, "x")
	}
}

// A small limit never starves whoever stands last in the list.
func TestEverybodyGetsATurn(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("t", 4)
	for p := range 4 {
		for range 3 {
			w.produce("t", p, names("some bytes more than a few", 20)...)
		}
	}
	f := w.fetcher()
	f.MaxBytes, f.PartitionBytes = 1000, 1000
	from := []consumers.Position{{Topic: "t"}, {Topic: "t", Partition: 1}, {Topic: "t", Partition: 2}, {Topic: "t", Partition: 3}}
	first := make(map[int]int) // by partition: when it brought something first
	for try := 1; len(first) < 4; try++ {
		got, err := f.Fetch(w.ctx, from, 0)
		w.ok(err)
		for _, g := range got {
			if g.Next() > 0 && first[g.Partition] == 0 {
				first[g.Partition] = try
			}
		}
		if try > 8 {
			t.Fatalf("after 8 fetches only these came: %v", first)
		}
	}
}

func TestFetchIntoUsesItsMemoryAgain(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("t", 1)
	for range 20 {
		w.produce("t", 0, names("record", 1000)...)
	}
	f := w.fetcher()
	var b consumers.Buffers
	from := at("t", 0, 0)
	once := func() {
		got, err := f.FetchInto(w.ctx, &b, from, 0)
		w.ok(err)
		n := 0
		_, err = got[0].Each(func(*wire.Record) error { n++; return nil })
		w.ok(err)
		if n != 20000 {
			t.Errorf("%d records, want 20000", n)
		}
	}
	once()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 10 {
		once()
	}
	runtime.ReadMemStats(&after)
	allocations := (after.Mallocs - before.Mallocs) / 10
	t.Logf("%d allocations a fetch of 20,000 records", allocations)
	if allocations > 2000 { // the broker's are counted too: it lives in this process
		t.Errorf("%d allocations a fetch", allocations)
	}
}

func TestWhatIsReadIntoTheSameMemoryStaysForAsLongAsIsSaid(t *testing.T) {
	const n = 3
	w := newWorld(t, 1)
	w.topic("t", n+2)
	for p := range n + 2 {
		w.produce("t", p, names(fmt.Sprint(p), 1000)...)
	}
	f := w.fetcher().Reusing(n)
	var last []consumers.Fetched
	for i := range 5 * n {
		got, err := f.Fetch(w.ctx, at("t", i%(n+2), 0), forever)
		w.ok(err)
		last = append(last, got[0])
		for _, kept := range last[max(0, len(last)-n):] {
			read := 0
			_, err := kept.Each(func(r *wire.Record) error {
				if want := fmt.Sprintf("%d-%05d", kept.Partition, read); string(r.Value) != want {
					t.Errorf("got %q, want %q", r.Value, want)
				}
				read++
				return nil
			})
			w.ok(err)
			if read != 1000 {
				t.Errorf("%d records, want 1000", read)
			}
		}
	}
}

func TestManyReadersMayShareAFetcher(t *testing.T) {
	w := newWorld(t, 2)
	w.topic("t", 8)
	f := w.fetcher()
	for p := range 8 {
		w.produce("t", p, names(fmt.Sprint(p), 500)...)
	}
	var wg sync.WaitGroup
	for p := range 8 {
		wg.Go(func() {
			var b consumers.Buffers
			read := 0
			for next := int64(0); next < 500; {
				got, err := f.FetchInto(w.ctx, &b, at("t", p, next), forever)
				if err != nil {
					t.Error(err)
					return
				}
				next, err = got[0].Each(func(r *wire.Record) error {
					if want := fmt.Sprintf("%d-%05d", p, read); string(r.Value) != want {
						t.Errorf("got %q, want %q", r.Value, want)
					}
					read++
					return nil
				})
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestReadAll(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("t", 1)
	for i := range 5 {
		w.produce("t", 0, names(fmt.Sprint(i), 4)...)
	}
	read := func(from, to int64) (values []string, err error) {
		err = wire.ReadTo(w.ctx, w.fetcher(), wire.Position{Topic: "t", Offset: from}, to, func(r *wire.Record) error {
			values = append(values, string(r.Value))
			return nil
		})
		return values, err
	}
	values, err := read(3, 6) // begins and ends inside batches
	w.ok(err)
	w.want("3 to 6", values, []string{"0-00003", "1-00000", "1-00001"})

	w.ok(w.kafka.DeleteRecords("t", 0, 18))
	values, err = read(0, 20)
	w.ok(err)
	w.want("from the start that is left", values, []string{"4-00002", "4-00003"})

	if _, err = read(30, 40); !errors.Is(err, wire.ErrRecreated) {
		t.Errorf("above the end: %v", err)
	}
	stop := errors.New("stop")
	if err := wire.ReadTo(w.ctx, w.fetcher(), wire.Position{Topic: "t", Offset: 18}, 20, func(*wire.Record) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("what visit returned came back as %v", err)
	}
}

// A partition may end with nothing left in it; its start has moved up to its end then.
func TestReadAllReachesAnEndWithoutRecords(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("t", 1, "retention.ms", "1000")
	w.produce("t", 0, names("old", 3)...) // their timestamps are years ago
	w.kafka.ApplyRetention()
	ends, err := w.fetcher().Ends(w.ctx, at("t", 0, 0))
	w.ok(err)
	if ends[0] != 3 {
		t.Errorf("ends at %d, want 3", ends[0])
	}
	w.ok(wire.ReadTo(w.ctx, w.fetcher(), wire.Position{Topic: "t"}, 3, func(r *wire.Record) error {
		t.Errorf("record %d is still there", r.Offset)
		return nil
	}))
}

// The cleaner leaves gaps, and in what it leaves offsets go on as they were.
func TestReadAllOfACompactedPartition(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("t", 1, "cleanup.policy", "compact", "retention.ms", "-1")
	for range 3 {
		w.produce("t", 0, "a", "b", "c")
		w.produce("t", 0, "b", "c")
	}
	w.produce("t", 0, "c") // the last batch is never compacted
	w.kafka.Compact()
	ends, err := w.fetcher().Ends(w.ctx, at("t", 0, 0))
	w.ok(err)
	var left []string
	w.ok(wire.ReadTo(w.ctx, w.fetcher(), wire.Position{Topic: "t"}, ends[0], func(r *wire.Record) error {
		left = append(left, fmt.Sprint(r.Offset, string(r.Value)))
		return nil
	}))
	w.want("the last of each key", left, []string{"10a", "13b", "14c", "15c"})
}
