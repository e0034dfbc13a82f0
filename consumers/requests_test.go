package consumers_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"kindred/consumers"
	"kindred/schemas/broker"
)

// counted runs work against a Kafka in the process, on a clock that does not wait, for a minute. It returns how many requests
// the broker got, by kind.
func counted(t *testing.T, work func(context.Context, *broker.Cluster, *kfake.Cluster)) map[string]int {
	t.Helper()
	counts := map[string]int{}
	synctest.Test(t, func(t *testing.T) {
		var wires kfake.VirtualNetwork
		kafkas, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.ListenFn(wires.Listen), kfake.SeedTopics(12, "there"))
		if err != nil {
			t.Fatal(err)
		}
		defer kafkas.Close()
		transport := &kafka.Transport{Dial: wires.DialContext}
		defer transport.CloseIdleConnections()
		ours := &broker.Cluster{Client: &kafka.Client{Addr: kafka.TCP(kafkas.ListenAddrs()...), Transport: transport},
			Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
		if err := ours.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
		var mutex sync.Mutex
		kafkas.Control(func(r kmsg.Request) (kmsg.Response, error, bool) {
			kafkas.KeepControl()
			mutex.Lock()
			defer mutex.Unlock()
			counts[kmsg.NameForKey(r.Key())]++
			return nil, nil, false
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		work(ctx, ours, kafkas)
		mutex.Lock()
		defer mutex.Unlock()
	})
	return counts
}

// twelve runs something twelve times side by side.
func twelve(work func(p int)) {
	var all sync.WaitGroup
	for p := range 12 {
		all.Go(func() { work(p) })
	}
	all.Wait()
}

// reading is twelve readers of a Fetcher, each of the partitions that from returns.
func reading(from func(p int) []consumers.Position) func(context.Context, *broker.Cluster, *kfake.Cluster) {
	return func(ctx context.Context, c *broker.Cluster, _ *kfake.Cluster) {
		f := &consumers.Fetcher{Cluster: c}
		twelve(func(p int) {
			var b consumers.Buffers
			for ctx.Err() == nil {
				_, _ = f.FetchInto(ctx, &b, from(p), 250*time.Millisecond)
			}
		})
	}
}

func there(p int) consumers.Position   { return consumers.Position{Topic: "there", Partition: p} }
func missing(p int) consumers.Position { return consumers.Position{Topic: "missing", Partition: p} }

func TestWhatIsMissingIsAskedForSeldom(t *testing.T) {
	check := func(what string, most int, work func(context.Context, *broker.Cluster, *kfake.Cluster)) {
		t.Helper()
		counts := counted(t, work)
		others := 0
		for kind, n := range counts {
			if kind != "Fetch" {
				others += n
			}
		}
		if fetches := counts["Fetch"]; others > 200 || fetches > most {
			t.Errorf("%s: in a minute there were %v, want at most %d fetches and 200 others", what, counts, most)
		}
	}
	longPolls := 12 * 60 * 4
	check("nothing", longPolls, reading(func(p int) []consumers.Position { return []consumers.Position{there(p)} }))
	check("the topic that is read", 0, reading(func(p int) []consumers.Position { return []consumers.Position{missing(p)} }))
	check("one of two topics", longPolls, reading(func(p int) []consumers.Position {
		return []consumers.Position{missing(p), there(p)}
	}))
	check("one of two partitions that the layout has", longPolls+12*100, func(ctx context.Context, c *broker.Cluster, k *kfake.Cluster) {
		k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: "there", Partitions: []int32{0, 1, 2, 3, 4, 5}, Err: kerr.KafkaStorageError, Count: -1})
		reading(func(p int) []consumers.Position { return []consumers.Position{there(p % 6), there(6 + p%6)} })(ctx, c, k)
	})
	check("the topic whose ends are asked for", 0, func(ctx context.Context, c *broker.Cluster, _ *kfake.Cluster) {
		f := &consumers.Fetcher{Cluster: c}
		twelve(func(p int) { _, _ = f.Ends(ctx, []consumers.Position{missing(p)}) })
	})
	check("the topic of a group", 0, func(ctx context.Context, c *broker.Cluster, _ *kfake.Cluster) {
		twelve(func(p int) {
			_ = (&consumers.Group{Cluster: c, ID: fmt.Sprint("group-", p), Topics: []string{"missing"}}).Run(ctx, nil)
		})
	})
}

// Every Fetch brings something of the other topic at once, so none of them waits for the one that is missing.
func TestATopicThatIsMissingIsToldAlsoWhenOthersAreBusy(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("busy", 1)
	w.produce("busy", 0, "x")
	said := make(lines, 100)
	w.client.Log = slog.New(slog.NewTextHandler(said, nil))
	f := w.fetcher()
	for {
		_, err := f.Fetch(w.ctx, []consumers.Position{{Topic: "never"}, {Topic: "busy"}}, forever)
		w.ok(err)
		select {
		case line := <-said:
			if !strings.Contains(line, "never partition 0") {
				t.Errorf("said %q", line)
			}
			return
		default:
		}
	}
}
