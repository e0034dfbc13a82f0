package consumers_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"kindred/consumers"
)

// readers are as many as a topic has partitions. Each has one, and their first requests go out together.
type readers struct {
	*world
	fetcher *consumers.Fetcher
	asked   <-chan []int32 // the partitions of each request, ascending
	results []<-chan fetched
	leave   []context.CancelFunc
}

func gather(t *testing.T, n int, faults ...kfake.Fault) *readers {
	t.Helper()
	w := newWorld(t, 1)
	w.topic("t", n)
	w.topic("other", 1)
	w.produce("other", 0, "makes the broker known")
	r := &readers{world: w, fetcher: w.fetcher()}
	_, err := r.fetcher.Fetch(w.ctx, at("other", 0, 0), forever)
	w.ok(err)
	for _, fault := range faults {
		w.kafka.Fault(fault)
	}
	r.asked = w.partitions()
	release := consumers.Gather(r.fetcher, n)
	var reading sync.WaitGroup
	t.Cleanup(reading.Wait)
	for p := range n {
		ctx, leave := context.WithCancel(w.ctx)
		t.Cleanup(leave)
		r.leave = append(r.leave, leave)
		results := make(chan fetched, 1)
		r.results = append(r.results, results)
		reading.Go(func() {
			got, err := r.fetcher.Fetch(ctx, at("t", p, 0), forever)
			results <- fetched{got, err}
		})
	}
	release()
	return r
}

// partitions receives which partitions each fetch asks for.
func (w *world) partitions() <-chan []int32 {
	asked := make(chan []int32, 1000)
	w.kafka.ControlKey(int16(kmsg.Fetch), func(request kmsg.Request) (kmsg.Response, error, bool) {
		w.kafka.KeepControl()
		var all []int32
		for _, topic := range request.(*kmsg.FetchRequest).Topics {
			for _, p := range topic.Partitions {
				all = append(all, p.Partition)
			}
		}
		slices.Sort(all)
		asked <- all
		return nil, nil, false
	})
	return asked
}

// asks checks which partitions the next request asks for.
func (r *readers) asks(what string, want ...int32) {
	r.Helper()
	select {
	case got := <-r.asked:
		if !slices.Equal(got, want) {
			r.Errorf("%s: partitions %v are asked for, want %v", what, got, want)
		}
	case <-r.ctx.Done():
		r.Fatalf("%s: nothing is asked for", what)
	}
}

// gets publishes to a partition, and checks that its reader gets just that.
func (r *readers) gets(partition int, value string) {
	r.Helper()
	r.produce("t", partition, value)
	got := <-r.results[partition] // else r.ctx ends it with an error
	r.ok(got.err)
	if len(got.fetched) != 1 || got.fetched[0].Partition != partition {
		r.Fatalf("the reader of partition %d got %v", partition, got.fetched)
	}
	values, _ := r.read(got.fetched[0])
	r.want("the reader's own", values, []string{value})
}

// A reader that is busy with what it has got is not asked for, however long that takes.
func TestReadersThatWaitAreAskedForTogether(t *testing.T) {
	r := gather(t, 4)
	r.asks("together", 0, 1, 2, 3)
	r.gets(2, "for the third")
	r.asks("without the one that is busy", 0, 1, 3)
	r.gets(0, "for the first")
	r.asks("without both", 1, 3)
	again := fetching(r.ctx, r.fetcher, at("t", 2, 1))
	r.asks("for the one that is back, though the others' request still waits", 2)
	r.produce("t", 2, "once more")
	r.ok((<-again).err)
	r.gets(1, "for the second")
}

func TestAReaderOfWhatFailsHoldsUpNobody(t *testing.T) {
	r := gather(t, 3, kfake.Fault{
		Keys: []kmsg.Key{kmsg.Fetch}, Topic: "t", Partitions: []int32{1}, Err: kerr.KafkaStorageError, Count: -1,
	})
	r.asks("together", 0, 1, 2)
	r.asks("at once without the one that fails", 0, 2)
	r.gets(2, "for the third")
	r.gets(0, "for the first")
}

func TestAReaderThatLeavesTakesNobodyWithIt(t *testing.T) {
	r := gather(t, 3)
	r.asks("together", 0, 1, 2)
	r.leave[1]()
	if got := <-r.results[1]; got.err == nil {
		t.Error("the one that left got something")
	}
	r.gets(0, "for the first")
	r.asks("without the one that left, and not before somebody was answered", 2)
	r.gets(2, "for the third")
}

func TestALineGathersOnlyWhatIsMuch(t *testing.T) {
	check := func(what string, least, most time.Duration, apart time.Duration, records int64, bytes int) {
		t.Helper()
		for i, pause := range consumers.Pauses(1000, apart, records, bytes)[900:] {
			if pause < least || pause > most {
				t.Fatalf("%s: a pause of %v after answer %d, want %v to %v", what, pause, i, least, most)
			}
		}
	}
	longest := 2 * time.Millisecond
	check("a hundred a second", 0, 0, 10*time.Millisecond, 1, 400)
	check("a thousand a second", 0, 0, time.Millisecond, 1, 400)
	check("far more than any machine takes", longest, longest, time.Millisecond, 1000, 60<<10)
	check("large answers", 0, 0, time.Millisecond, 3000, 1<<20)
}
