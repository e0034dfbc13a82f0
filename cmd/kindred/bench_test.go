package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/segmentio/kafka-go"

	"kindred/cmd/internal/bench"
	"kindred/cmd/internal/embedded"
)

// small is a bench that says nothing of speed, but goes all the way.
func small(arguments ...string) []string {
	return append([]string{"bench", "--customers", "3000", "--fields", "6", "--expansions", "2", "--partitions", "3",
		"--repeat", "1", "--rate", "2000", "--duration", "300ms", "--history", "4000"}, arguments...)
}

func TestBenchMeasuresEverything(t *testing.T) {
	var out bytes.Buffer
	var aside watcher
	if code := run(t.Context(), small("--memberships-per-change", "1.4", "--json"), &out, &aside); code != done {
		t.Fatalf("ended with %d:\n%s", code, aside.String())
	}
	var report bench.Report
	if err := json.Unmarshal(out.Bytes(), &report); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range report.Measures {
		names = append(names, m.Name)
		limits := 0
		for _, f := range m.Figures {
			real := func(what string, value float64) {
				if !(value > 0) || math.IsInf(value, 0) {
					t.Errorf("%s: %s of %s is %v", m.Name, what, f.Name, value)
				}
			}
			real("the value", f.Value)
			if f.Limit != nil {
				limits++
				real("the limit", f.Limit.Value)
				real("the ratio", f.Limit.Ratio)
			}
			if len(f.Runs) != 1 {
				t.Errorf("%s: %s was measured %d times", m.Name, f.Name, len(f.Runs))
			}
		}
		if none := slices.Contains([]string{"fit", "expand", "refresh", "event"}, m.Name); none != (limits == 0) {
			t.Errorf("%s has %d limits", m.Name, limits)
		}
		if len(m.Counts) == 0 {
			t.Errorf("%s counts nothing", m.Name)
		}
		if records := m.Counts["records"]; m.Name == "rebuild" && records < 3000+4000 {
			t.Errorf("a rebuild of 3,000 customers after 4,000 changes has read %d records", records)
		}
	}
	if !slices.Equal(names, bench.Names) {
		t.Errorf("measured: %v", names)
	}
	if f := report.Find("live", "memberships"); f == nil || f.Value < 1.3 || f.Value > 1.5 {
		t.Errorf("memberships that came of a change: %+v, want about 1.4", f)
	}
}

func TestBenchGrowthDrawsAPlot(t *testing.T) {
	svg := t.TempDir() + "/growth.svg"
	var out bytes.Buffer
	var aside watcher
	code := run(t.Context(), []string{"bench", "growth", "ingest", "--customers", "2000,4000", "--fields", "5", "--expansions", "1",
		"--partitions", "2", "--repeat", "1", "--markdown", "--svg", svg}, &out, &aside)
	if code != done {
		t.Fatalf("ended with %d:\n%s", code, aside.String())
	}
	if text := out.String(); !strings.Contains(text, "| figure | unit | 2,000 | 4,000 | slope |") || strings.Contains(text, "rebuild") {
		t.Errorf("the tables are\n%s", text)
	}
	if drawn, err := os.ReadFile(svg); err != nil || !strings.HasPrefix(string(drawn), "<svg") {
		t.Errorf("the plot is %.40q, %v", drawn, err)
	}
}

func TestBenchLeavesNothingBehind(t *testing.T) {
	pair, err := embedded.Start(t.Context(), embedded.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer pair.Close()
	there := small("--kafka", pair.KafkaAddr, "--redis", pair.RedisAddr, "publish", "expand", "rebuild", "live")

	var aside watcher
	if code := run(t.Context(), there, io.Discard, &aside); code != done {
		t.Fatalf("ended with %d:\n%s", code, aside.String())
	}
	nothingIn(t, pair)

	for _, at := range []string{"publish", "load", "expand", "rebuild", "live"} {
		ctx, interrupt := context.WithCancel(t.Context())
		aside := &watcher{sign: "  " + at + " ...", then: interrupt}
		if code := run(ctx, there, io.Discard, aside); code != failed || !strings.HasSuffix(aside.String(), "kindred: interrupted\n") {
			t.Errorf("interrupted during %s it ended with %d:\n%s", at, code, aside.String())
		}
		nothingIn(t, pair)
	}
}

// What is kept is used again by the next bench, and cleared when that is asked for.
func TestABenchGoesOnWithWhatWasKept(t *testing.T) {
	pair, err := embedded.Start(t.Context(), embedded.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer pair.Close()
	servers := []string{"--kafka", pair.KafkaAddr, "--redis", pair.RedisAddr}
	bench := func(customers, measure string, want int) string {
		t.Helper()
		var aside watcher
		arguments := append(small(servers...), measure, "--keep", "one", "--customers", customers)
		if code := run(t.Context(), arguments, io.Discard, &aside); code != want {
			t.Fatalf("%s of %s ended with %d:\n%s", measure, customers, code, aside.String())
		}
		return aside.String()
	}
	first, second := bench("3000", "refresh", done), bench("3000", "expand", done)
	if !strings.Contains(first, "load ...") || strings.Contains(second, "load ...") {
		t.Errorf("the first bench did\n%s, the second\n%s", first, second)
	}
	if third := bench("4000", "expand", failed); !strings.Contains(third, "3000 of 4000 customers are there") {
		t.Errorf("a larger bench under the same name says\n%s", third)
	}
	var aside watcher
	if code := run(t.Context(), append([]string{"bench", "clear", "one", "--partitions", "3"}, servers...), io.Discard, &aside); code != done {
		t.Fatalf("clearing ended with %d:\n%s", code, aside.String())
	}
	nothingIn(t, pair)
}

// watcher keeps what several goroutines write, and does something when a line is written.
type watcher struct {
	sign string // empty: none
	then func()

	mutex sync.Mutex
	text  strings.Builder
}

func (w *watcher) Write(text []byte) (int, error) {
	if w.sign != "" && strings.Contains(string(text), w.sign) {
		w.then()
	}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.text.Write(text)
}

func (w *watcher) String() string {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.text.String()
}

// nothingIn demands a Kafka without topics and groups, and a Redis without keys.
func nothingIn(t *testing.T, pair *embedded.Pair) {
	t.Helper()
	client := &kafka.Client{Addr: kafka.TCP(pair.KafkaAddr), Transport: &kafka.Transport{}} // one that knows nothing yet
	metadata, err := client.Metadata(t.Context(), &kafka.MetadataRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, topic := range metadata.Topics {
		if !topic.Internal {
			t.Errorf("the topic %s is left", topic.Name)
		}
	}
	groups, err := client.ListGroups(t.Context(), &kafka.ListGroupsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, group := range groups.Groups {
		t.Errorf("the group %s is left", group.GroupID)
	}
	cache := redis.NewClient(&redis.Options{Addr: pair.RedisAddr})
	defer cache.Close()
	keys, err := cache.Keys(t.Context(), "*").Result()
	if err != nil {
		t.Fatal(err)
	}
	if len(keys) > 0 {
		t.Errorf("%d keys are left: %v", len(keys), keys[:min(5, len(keys))])
	}
}
