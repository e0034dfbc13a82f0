package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"

	"kindred/cmd/internal/embedded"
	"kindred/schemas"
)

// page reads a page of an HTTP server.
func (w *world) page(address, path string) (code int, text string) {
	w.Helper()
	request, err := http.NewRequestWithContext(w.Ctx, "GET", "http://"+address+path, nil)
	w.OK(err)
	response, err := http.DefaultTransport.RoundTrip(request)
	w.OK(err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	w.OK(err)
	return response.StatusCode, string(body)
}

// awaitReady waits until /readyz has a status, and words.
func (w *world) awaitReady(address string, want int, words ...string) {
	w.Helper()
	w.wait(fmt.Sprintf("/readyz to be %d", want), func() string {
		code, text := w.page(address, "/readyz")
		for _, word := range words {
			if !strings.Contains(text, word) {
				return fmt.Sprintf("%q is not in %q", word, text)
			}
		}
		if code != want {
			return fmt.Sprintf("%d: %s", code, text)
		}
		return ""
	})
}

// apart is a world whose Kafka and Redis are its own, and can be taken away.
func apart(t *testing.T) (*world, *miniredis.Miniredis) {
	t.Helper()
	pair, err := embedded.Start(context.Background(), embedded.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pair.Close() })
	redis := miniredis.RunT(t)
	return newWorld(t, addresses{pair.KafkaAddr, redis.Addr(), false}), redis
}

func TestEachPartSaysHowItIs(t *testing.T) {
	t.Parallel()
	w, redis := apart(t)
	first, stop := w.serveAt("127.0.0.1:0")
	w.awaitReady(first, 200, "kafka: works", "redis: works", "shards: 12 of 12 ready", "router: works", "controller: works")

	second, _ := w.serveAt("127.0.0.1:0")
	w.awaitReady(second, 200, "shards: 6 of 6 ready", "router: standby", "controller: standby")
	w.awaitReady(first, 200, "shards: 6 of 6 ready", "router: works", "controller: works")

	redis.SetError("LOADING the dataset")
	for _, address := range []string{first, second} {
		w.awaitReady(address, 503, "redis: not ready: it fails, for", "LOADING the dataset", "shards: not ready: ")
	}
	redis.SetError("")
	w.awaitReady(first, 200, "shards: 6 of 6 ready")

	stop()
	w.awaitReady(second, 200, "shards: 12 of 12 ready", "router: works", "controller: works")
}

func TestMetricsSayWhatIsGoingOn(t *testing.T) {
	t.Parallel()
	w, _ := apart(t)
	address, _ := w.serveAt("127.0.0.1:0")
	w.declare()
	w.bring(0, 2000)
	w.segment("vip", `"snapshot":"s-1","part":1,"parts":1,"members":%s`, vips(0, 2000))
	w.say(schemas.SegmentChanges, "vip", `no json`)
	w.say(schemas.ExpandRequests, "x", `[]`)
	w.say(schemas.Profiles, customer(1), `{"fields":7}`)
	w.say(schemas.Profiles, `"in quotes"`, `{"fields":{},"shares":1}`)
	w.successful("vip-expansion", `"action":"expand","sourceSegmentId":"vip"`)
	w.ask("other", `"action":"expand","sourceSegmentId":"nobody"`)
	topic := w.kafka.prefix.Topic
	w.wait("all metrics", func() string {
		_, text := w.page(address, "/metrics")
		for _, want := range []string{
			"kindred_build_info{", "kindred_ready 1", `kindred_part_ready{part="router"} 1`, `kindred_part_standby{part="controller"} 0`,
			`kindred_part_restarts_total{part="shards"} 0`, "kindred_kafka_errors_total", "kindred_redis_errors_total 0", "kindred_customers 2",
			`kindred_dead_letters_total{code="schema",topic="` + topic(schemas.SegmentChanges) + `"} 1`,
			`topic="` + topic(schemas.ExpandRequests) + `"} 1`, `topic="` + topic(schemas.Profiles) + `"} 1`,
			`kindred_runs_total{cause="expand",status="successful"} 1`, `kindred_runs_total{cause="expand",status="failed"} 1`,
			`kindred_run_seconds_total{cause="expand"}`, `kindred_run_stage_seconds_total{stage="publishing"}`,
			`kindred_shards{state="ready"} 12`, `kindred_shards{state="not_saving"} 0`, `kindred_shard_save_age_seconds{shard="11"}`,
			`kindred_lag_records{shard="3",topic="` + topic(schemas.Profiles) + `"} 0`, `kindred_lag_records{shard="",topic="` + topic(schemas.SegmentChanges) + `"} 0`,
			`kindred_lag_records{shard="",topic="` + topic(schemas.ExpandRequests) + `"} 0`, `kindred_lag_records{shard="",topic="` + topic(schemas.Fields) + `"} 0`,
			`kindred_records_applied_total{topic="` + topic(schemas.Profiles) + `"} 200`,
			`kindred_json_keys_total{topic="` + topic(schemas.Profiles) + `"} 1`,
			`kindred_unknown_properties_total{name="shares",topic="` + topic(schemas.Profiles) + `"} 1`,
			`kindred_membership_seconds_bucket{le="0.001"} 0`, "kindred_membership_seconds_count",
			`kindred_members{band="very similar",expansion="vip-expansion"}`,
		} {
			if !strings.Contains(text, want) {
				return want + " is not in\n" + only(text, "kindred_")
			}
		}
		return ""
	})
}

// What Debezium writes of a row is a profile where profiles are rows, and a dead letter elsewhere.
func TestRowsAreReadWhereServeIsTold(t *testing.T) {
	t.Parallel()
	row, err := os.ReadFile(filepath.Join(module, "schemas/testdata/producers/debezium-create.json"))
	if err != nil {
		t.Fatal(err)
	}
	w, _ := apart(t)
	for flat, want := range map[bool]string{true: "kindred_customers 1\n", false: `kindred_dead_letters_total{code="schema",`} {
		w := w.another()
		w.flat = flat
		address, _ := w.serveAt("127.0.0.1:0")
		w.say(schemas.Profiles, "c-18", string(row))
		w.wait("the row", func() string {
			_, text := w.page(address, "/metrics")
			if !strings.Contains(text, want) || flat && strings.Contains(text, "kindred_dead_letters_total") {
				return want + " is not in\n" + only(text, "kindred_")
			}
			return ""
		})
	}
}

// only returns the lines that begin so.
func only(text, prefix string) string {
	var lines strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, prefix) {
			lines.WriteString(line)
		}
	}
	return lines.String()
}
