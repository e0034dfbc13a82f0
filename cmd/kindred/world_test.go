package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"kindred/cmd/internal/config"
	"kindred/cmd/internal/demo"
	"kindred/cmd/internal/embedded"
	"kindred/cmd/internal/terminal"
	"kindred/pipeline/cache"
	"kindred/pipeline/testkit"
	"kindred/schemas"
	"kindred/schemas/wire"
)

const (
	shardsOfAWorld = 12
)

// world is one installation of kindred, under a prefix of its own, with what stands around it: upstream, which produces
// plain records as kcat would, and a consumer of memberships.
type world struct {
	tokens string // file of the tokens that HTTP asks for; empty: none
	*testkit.World
	*program
	addresses
	kafka  *connection
	cache  *cache.Store
	asked  int  // requests so far
	flat   bool // serveAt is told that profiles are rows
	told   bool // serveAt and start are told to write membership-changes
	gone   bool // its Kafka has ended before the test
	market downstream
}

// addresses say where Kafka and Redis are.
type addresses struct {
	kafkaAddr, redisAddr string
	real                 bool // they do not run in this process, and others use them too
}

// everywhere tells a story on the embedded Kafka and Redis, and on real ones too if the environment says where they are.
func everywhere(t *testing.T, story func(*world)) {
	t.Parallel()
	t.Run("embedded", func(t *testing.T) {
		t.Parallel()
		pair, err := embedded.Start(context.Background(), embedded.Options{Dir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := pair.Close(); err != nil {
				t.Error(err)
			}
		})
		story(newWorld(t, addresses{pair.KafkaAddr, pair.RedisAddr, false}))
	})
	kafka, redis := os.Getenv("KINDRED_TEST_KAFKA"), os.Getenv("KINDRED_TEST_REDIS")
	if kafka != "" && redis != "" {
		t.Run("real", func(t *testing.T) {
			t.Parallel()
			story(newWorld(t, addresses{kafka, redis, true}))
		})
	}
}

var worlds atomic.Int64

func newWorld(t testing.TB, at addresses) *world {
	t.Helper()
	return newWorldFor(t, testkit.Longest, at)
}

func newWorldFor(t testing.TB, longest time.Duration, at addresses) *world {
	t.Helper()
	return newWorldOf(t, longest, at, config.Settings{
		Kafka: []string{at.kafkaAddr}, Redis: []string{at.redisAddr},
		Prefix: fmt.Sprintf("test-%d-%d.", time.Now().UnixNano(), worlds.Add(1)),
	}, shardsOfAWorld)
}

// newWorldOf is newWorldFor with settings of the test's own.
func newWorldOf(t testing.TB, longest time.Duration, at addresses, settings config.Settings, shards int) *world {
	t.Helper()
	w := &world{addresses: at, program: &program{
		settings: settings,
		out:      terminal.Screen{W: io.Discard}, aside: terminal.Screen{W: io.Discard},
		log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
	}}
	var err error
	if w.kafka, err = w.connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.kafka.close)
	w.World = testkit.NewFor(t, longest, w.kafka.cluster, w.settings.Prefix, shards)
	w.cache, err = openCache(&w.settings, !at.real)
	w.OK(err)
	t.Cleanup(func() { w.cache.Close() })
	w.market = downstream{world: w, at: make([]int64, shards), members: map[string]member{}}
	t.Cleanup(func() { w.everyRecordIsAsItsSchemaSays() })
	return w
}

// another is a second installation on the same servers. It knows nothing of the first.
func (w *world) another() *world { return newWorld(w.TB, w.addresses) }

// wait looks again and again until lack returns that nothing is missing: an empty string.
func (w *world) wait(what string, lack func() string) {
	w.Helper()
	w.waitFor(w.Ctx, what, lack)
}

// waitFor is wait until ctx ends.
func (w *world) waitFor(ctx context.Context, what string, lack func() string) {
	w.Helper()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for {
		missing := lack()
		if missing == "" {
			return
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			w.Fatalf("waited in vain for %s: %s", what, missing)
		}
	}
}

// serve runs the pipeline in this process until stop, or the end of the test.
func (w *world) serve() (stop func()) {
	w.Helper()
	_, stop = w.serveAt("")
	return stop
}

// serveAt does it with an HTTP server, and returns its address too.
func (w *world) serveAt(address string) (http string, stop func()) {
	w.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	started, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- serve(ctx, service{
			settings: w.settings, embedded: !w.real, log: w.log,
			server: config.Server{
				HTTP: address, Roles: []string{"shards", "control"}, Partitions: shardsOfAWorld, MinSource: 25, WarnSource: 100, Flat: w.flat, Changes: w.told, TokenFile: w.tokens,
			},
			started: func(http string) { started <- http },
		})
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			w.Errorf("serve ended: %v", err)
		}
	})
	w.Cleanup(stop)
	select {
	case http = <-started:
	case err := <-ended:
		w.Fatalf("serve ended: %v", err)
	}
	return http, stop
}

// process is `kindred serve` in a process of its own, which is this test program again.
type process struct {
	world *world
	*exec.Cmd
	end func()
}

func (w *world) start(more ...string) *process {
	w.Helper()
	program, err := os.Executable()
	w.OK(err)
	if w.told {
		more = append(more, "--changes")
	}
	p := &process{world: w, Cmd: &exec.Cmd{
		Path: program,
		Args: append([]string{"kindred", "serve", "--kafka", w.kafkaAddr, "--redis", w.redisAddr, "--prefix", w.settings.Prefix, "--http", ""},
			more...),
		Env: append(os.Environ(), "NO_COLOR=1"), Stdout: w.Output(), Stderr: w.Output(),
	}}
	w.OK(p.Start())
	p.end = sync.OnceFunc(func() {
		_ = p.Process.Kill()
		_ = p.Wait()
	})
	w.Cleanup(p.end)
	return p
}

// kill is kill -9. Kafka is told at once who will not come back; by itself it would find out in six seconds.
func (p *process) kill() {
	p.world.Helper()
	p.end()
	for _, group := range []string{"shards", "control"} {
		for _, m := range p.world.members(group).Members {
			if m.name == p.name() {
				p.world.OK(p.world.bury(group, m.id))
			}
		}
	}
}

// name is what the process calls itself in its groups.
func (p *process) name() string {
	host, err := os.Hostname()
	p.world.OK(err)
	return fmt.Sprintf("%s-%d", host, p.Process.Pid)
}

// group is a consumer group as Kafka sees it.
type group struct {
	settled bool
	Members []groupMember
}

type groupMember struct {
	id, name string
	shards   int
}

func (w *world) members(name string) (g group) {
	w.Helper()
	id := string(w.kafka.prefix) + name
	answer, err := w.kafka.cluster.Client.DescribeGroups(w.Ctx, &kafka.DescribeGroupsRequest{GroupIDs: []string{id}})
	w.OK(err)
	for _, described := range answer.Groups {
		g.settled = described.GroupState == "Stable"
		for _, m := range described.Members {
			var claim struct{ Name string }
			_ = json.Unmarshal(m.MemberMetadata.UserData, &claim)
			one := groupMember{id: m.MemberID, name: claim.Name}
			for _, topic := range m.MemberAssignments.Topics {
				one.shards = len(topic.Partitions) // the same of every topic
			}
			g.Members = append(g.Members, one)
		}
	}
	return g
}

func (w *world) bury(name, id string) error {
	answer, err := w.kafka.cluster.Client.LeaveGroup(w.Ctx, &kafka.LeaveGroupRequest{
		GroupID: string(w.kafka.prefix) + name, Members: []kafka.LeaveGroupRequestMember{{ID: id}},
	})
	if err == nil {
		err = answer.Error
	}
	return err
}

// forget loses all that Redis holds of this installation.
func (w *world) forget() {
	w.Helper()
	if !w.real {
		w.OK(w.cache.Redis.FlushAll(w.Ctx).Err())
		return
	}
	keys, err := w.cache.Redis.Keys(w.Ctx, w.settings.Prefix+"*").Result()
	w.OK(err)
	for _, key := range keys {
		w.OK(w.cache.Redis.Del(w.Ctx, key).Err())
	}
}

// say produces a record without headers, where its key belongs.
func (w *world) say(topic, key, value string) int64 {
	w.Helper()
	return w.Publish(topic, home(topic, key), time.Now(), key, []byte(value), nil)
}

func (w *world) erase(topic, key string) {
	w.Helper()
	w.Publish(topic, home(topic, key), time.Now(), key, nil, nil)
}

func home(topic, key string) int {
	if topic == schemas.Profiles {
		return schemas.Murmur2.Partition([]byte(key), shardsOfAWorld)
	}
	return 0
}

var upstream = demo.Customers{Seed: 7}

func customer(number int) string { return string(demo.AppendID(nil, number)) }

// bring produces the profiles of customers from one number to another, the second not included.
func (w *world) bring(from, to int) {
	w.Helper()
	f, err := w.flood(w.Ctx, w.kafka, schemas.Profiles)
	w.OK(err)
	for number := from; number < to && err == nil; number++ {
		err = f.add(demo.AppendID(nil, number), upstream.AppendProfile(nil, number))
	}
	w.OK(f.finish(err))
}

// declare publishes the types of the fields.
func (w *world) declare() {
	w.Helper()
	for _, field := range demo.Fields() {
		value, err := json.Marshal(field)
		w.OK(err)
		w.say(schemas.Fields, field.Name, string(value))
	}
}

func vips(from, to int) (ids []string) {
	for number := from; number < to; number++ {
		if upstream.VIP(number) {
			ids = append(ids, customer(number))
		}
	}
	return ids
}

// segment changes a segment, or brings a part of a snapshot: a JSON object without its braces, in which %s stand for
// lists of customers.
func (w *world) segment(id, what string, lists ...[]string) int64 {
	w.Helper()
	var texts []any
	for _, list := range lists {
		text, err := json.Marshal(list)
		w.OK(err)
		texts = append(texts, string(text))
	}
	return w.say(schemas.SegmentChanges, id, "{"+fmt.Sprintf(what, texts...)+"}")
}

// request asks for something, a JSON object without its braces, and returns the id of the request.
func (w *world) request(expansion, what string) string {
	w.Helper()
	w.asked++
	id := fmt.Sprintf("r-%d", w.asked)
	w.say(schemas.ExpandRequests, expansion, fmt.Sprintf(`{"requestId":%q,%s}`, id, what))
	return id
}

// ask asks for something and waits for the end of its run.
func (w *world) ask(expansion, what string) schemas.Run {
	w.Helper()
	from := w.end(schemas.Runs)
	id := w.request(expansion, what)
	return w.await(from, func(r schemas.Run) bool { return r.RunID == id && r.ExpansionID == expansion })
}

func (w *world) end(topic string) int64 {
	w.Helper()
	end, err := w.kafka.end(w.Ctx, topic)
	w.OK(err)
	return end
}

// await follows runs from an offset to the last event of the one that is meant.
func (w *world) await(from int64, meant func(schemas.Run) bool) schemas.Run {
	w.Helper()
	return w.hear(from, func(r schemas.Run) bool { return meant(r) && r.Status.Final() })
}

// hear follows runs from an offset to the first event that is meant.
func (w *world) hear(from int64, meant func(schemas.Run) bool) (run schemas.Run) {
	w.Helper()
	var heard []string
	err := w.kafka.follow(w.Ctx, schemas.Runs, from, func(r *wire.Record) (bool, error) {
		run = schemas.Run{}
		if err := json.Unmarshal(r.Value, &run); err != nil {
			return false, err
		}
		heard = append(heard, fmt.Sprintf("%s of %s (%s) is %s", run.RunID, run.ExpansionID, run.Cause, stage(run)))
		return meant(run), nil
	}, func() {})
	if err != nil {
		w.Fatalf("waited in vain for a run: %v; heard:\n%s", err, strings.Join(heard, "\n"))
	}
	return run
}

// over reports whether a run has ended.
func (w *world) over(id string) (over bool) {
	w.Helper()
	w.Partition(schemas.Runs, 0, func(r *wire.Record) {
		var run schemas.Run
		w.OK(json.Unmarshal(r.Value, &run))
		over = over || run.RunID == id && run.Status.Final()
	})
	return over
}

// successful asks for something and demands that it is done.
func (w *world) successful(expansion, what string) schemas.Run {
	w.Helper()
	run := w.ask(expansion, what)
	if run.Status != schemas.Successful {
		w.Fatalf("%s of %s: %s, %v", run.Cause, expansion, run.Status, run.Error)
	}
	return run
}
