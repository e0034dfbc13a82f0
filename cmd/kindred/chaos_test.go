package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"kindred/pipeline/model"
	"kindred/schemas"
	"kindred/schemas/retry"
)

// TestChaos injects faults into a real Kafka, a real Redis and two processes while profiles, consents and segments change.
// KINDRED_TEST_CHAOS says for how long, such as 2m; KINDRED_TEST_SEED chooses other faults. It starts servers of its own.
//
// Whoever follows memberships must never see anybody leave whom nothing has touched. At the end everything is healed, and
// memberships hold exactly what the judge finds in the inputs.
func TestChaos(t *testing.T) {
	length, err := time.ParseDuration(os.Getenv("KINDRED_TEST_CHAOS"))
	if err != nil {
		t.Skip("KINDRED_TEST_CHAOS does not say for how long")
	}
	seed, _ := strconv.ParseUint(os.Getenv("KINDRED_TEST_SEED"), 10, 64)
	c := &chaos{servers: startServers(t), random: rand.New(rand.NewPCG(seed, 1)), away: min(70*time.Second, length/12)}
	c.world = newWorldFor(t, length+10*time.Minute, c.servers.addresses)
	c.market.mayRepeat = true
	c.prepare()

	load, stop := context.WithCancel(c.Ctx)
	var loading sync.WaitGroup
	loading.Go(func() { c.load(load) })
	for began := time.Now(); time.Since(began) < length; {
		c.inject()
	}
	stop()
	loading.Wait()
	c.agree()
	t.Logf("seed %d, %v: %d faults (%s), %d changes; %d left who should not, 0 of %d members differ, %d records repeated; longest recovery %v after %s",
		seed, length, c.faults, strings.Join(c.done(), ", "), c.changes, c.ghosts, len(c.market.members), c.market.repeated, c.longest.Round(time.Millisecond), c.worst)
}

// recovery is how long a change may take to come through after a fault, before the test gives up.
const recovery = 90 * time.Second

// chaos is a world in which things go wrong.
type chaos struct {
	*world
	servers   *pair
	random    *rand.Rand // of the faults
	processes [2]*process
	away      time.Duration // how long a broker stays away

	steady  []string // members that nobody touches
	changes int

	faults  int
	kinds   map[string]int
	ghosts  int
	longest time.Duration
	worst   string
	probes  int
}

// holdout is the share of "more" that is held out.
const holdout = 0.1

// prepare brings customers, expands, and starts two processes.
func (c *chaos) prepare() {
	c.kinds = map[string]int{}
	for i := range c.processes {
		c.processes[i] = c.start("--instance", "chaos-"+strconv.Itoa(i))
	}
	c.declare()
	c.bring(0, crowd)
	c.segment("vip", `"added":%s`, vips(0, crowd))
	c.successful("more", fmt.Sprintf(`"action":"expand","sourceSegmentId":"vip","share":0.5,"holdout":%v`, holdout))
	c.agree()
	c.market.news()
	for number := range crowd {
		id := customer(number)
		if _, is := c.market.of("more")[id]; is && number%2 == 0 {
			c.steady = append(c.steady, id)
		}
	}
}

// load changes customers of odd numbers, a hundred times a second, until ctx ends.
func (c *chaos) load(ctx context.Context) {
	random := rand.New(rand.NewPCG(2, 3)) // #nosec: the same changes every time
	f, err := c.flood(c.Ctx, c.kafka, schemas.Profiles)
	if err != nil {
		c.Error(err)
		return
	}
	for retry.Sleep(ctx, 10*time.Millisecond) == nil {
		number := 2*random.IntN(crowd/2) + 1
		id := customer(number)
		value := upstream.AppendProfile(nil, 2*random.IntN(crowd/2))
		text := []byte(strings.Replace(string(value), customerIn(value), id, 1))
		switch random.IntN(10) {
		case 0:
			text = nil
		case 1:
			text = fmt.Appendf(nil, `{"customerId":%q,"fields":{},"profiling":false}`, id)
		}
		if err := f.add([]byte(id), text); err != nil {
			c.Error(err)
			return
		}
		c.changes++
		for i := range f.queues {
			sendNow(&f.queues[i])
		}
	}
	if err := f.finish(nil); err != nil {
		c.Error(err)
	}
}

// sendNow sends what a partition has, however little, unless two batches of it are under way already.
func sendNow(q *queue) {
	if q.filling.Len() == 0 {
		return
	}
	select {
	case q.full <- q.filling:
		q.filling = <-q.empty
	default:
	}
}

// customerIn returns the id in a made-up profile.
func customerIn(profile []byte) string {
	_, rest, _ := strings.Cut(string(profile), `"customerId":"`)
	id, _, _ := strings.Cut(rest, `"`)
	return id
}

// inject makes something go wrong, mends it, and waits until a change comes through again.
func (c *chaos) inject() {
	type fault struct {
		name string
		do   func()
	}
	p := c.random.IntN(2)
	all := []fault{
		{"a process frozen past its session", func() {
			c.signal(c.processes[p].Process.Pid, syscall.SIGSTOP)
			c.pass(8 * time.Second)
			c.signal(c.processes[p].Process.Pid, syscall.SIGCONT)
		}},
		{"a process killed", func() {
			c.processes[p].end()
			c.processes[p] = c.start("--instance", "chaos-"+strconv.Itoa(p))
		}},
		{"Redis frozen", func() {
			c.signal(c.servers.pid("redis"), syscall.SIGSTOP)
			c.pass(4 * time.Second)
			c.signal(c.servers.pid("redis"), syscall.SIGCONT)
		}},
		{"Redis flushed", func() { c.OK(c.cache.Redis.FlushAll(c.Ctx).Err()) }},
		{"Redis killed, back empty", func() {
			c.signal(c.servers.pid("redis"), syscall.SIGKILL)
			c.pass(time.Second)
			c.servers.run("redis")
		}},
		{"one key lost", func() {
			keys, err := c.cache.Redis.Keys(c.Ctx, c.settings.Prefix+"*").Result()
			c.OK(err)
			if len(keys) > 0 {
				slices.Sort(keys)
				c.OK(c.cache.Redis.Del(c.Ctx, keys[c.random.IntN(len(keys))]).Err())
			}
		}},
		{"Kafka frozen", func() {
			c.signal(c.servers.pid("kafka"), syscall.SIGSTOP)
			c.pass(5 * time.Second)
			c.signal(c.servers.pid("kafka"), syscall.SIGCONT)
		}},
		{"Kafka killed", func() {
			c.signal(c.servers.pid("kafka"), syscall.SIGKILL)
			c.pass(time.Second)
			c.servers.run("kafka")
		}},
		{"a broker away, and half of the partitions without a leader", func() {
			c.signal(c.servers.pid("broker2"), syscall.SIGKILL)
			c.pass(c.away)
			c.servers.run("broker2")
		}},
	}
	chosen := all[c.random.IntN(len(all))]
	chosen.do()
	c.faults++
	c.kinds[chosen.name]++
	if took := c.probe(); took > c.longest {
		c.longest, c.worst = took, chosen.name
	}
	c.Logf("%s", chosen.name)
}

func (c *chaos) done() (counts []string) {
	for name, n := range c.kinds {
		counts = append(counts, fmt.Sprintf("%d x %s", n, name))
	}
	slices.Sort(counts)
	return counts
}

// probe publishes a customer nobody has seen who lives like a member, waits until that customer is a member, and returns how
// long it took. On the way it looks whether anybody has left who should not.
func (c *chaos) probe() time.Duration {
	more := model.Model{Definition: schemas.Definition{Holdout: holdout}}
	id := ""
	for id == "" || more.HoldsOut("more", []byte(id)) { // who is held out never comes
		c.probes++
		id = fmt.Sprintf("probe-%d", c.probes)
	}
	like := c.steady[0]
	for number := range crowd {
		if customer(number) == like {
			text := strings.Replace(string(upstream.AppendProfile(nil, number)), like, id, 1)
			c.say(schemas.Profiles, id, text)
		}
	}
	began := time.Now()
	limited, cancel := context.WithTimeout(c.Ctx, recovery)
	defer cancel()
	c.waitFor(limited, "a change to come through after a fault", func() string {
		c.market.consume()
		for _, m := range c.market.news() {
			if _, customer, _ := strings.Cut(m.key, "/"); m.kind == schemas.TypeMembershipLeft && slices.Contains(c.steady, customer) {
				c.ghosts++
				c.Errorf("%s has left by %s", m.key, m.cause)
			}
		}
		if _, is := c.market.members["more/"+id]; is {
			return ""
		}
		return id + " is no member yet"
	})
	return time.Since(began)
}

// pass lets time go by: a fault lasts for a while.
func (c *chaos) pass(d time.Duration) { c.OK(retry.Sleep(c.Ctx, d)) }

func (c *chaos) signal(pid int, s syscall.Signal) {
	c.Helper()
	c.OK(syscall.Kill(pid, s))
}

// pair is a Kafka and a Redis that belong to one test.
type pair struct {
	addresses
	t   testing.TB
	dir string
}

func startServers(t testing.TB) *pair {
	t.Helper()
	s := &pair{addresses{"127.0.0.1:29092", "127.0.0.1:26379", true}, t, t.TempDir()}
	t.Cleanup(func() {
		for _, name := range []string{"kafka", "broker2", "redis"} { // one that is frozen could not end
			_ = syscall.Kill(s.pid(name), syscall.SIGCONT)
		}
		s.run("stop")
	})
	s.run("start")
	return s
}

func (s *pair) run(action string) {
	s.t.Helper()
	command := exec.Command("../../.ci/servers", action, s.dir)
	command.Env = append(os.Environ(), "KAFKA_PORT=29092", "REDIS_PORT=26379", "KAFKA_SESSION=3000", "KAFKA_BROKERS=2")
	if out, err := command.CombinedOutput(); err != nil {
		s.t.Fatalf("servers %s: %v\n%s", action, err, out)
	}
}

func (s *pair) pid(name string) int {
	text, err := os.ReadFile(filepath.Join(s.dir, name+".pid"))
	if err != nil {
		return 0
	}
	pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return pid
}
