package embedded_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/segmentio/kafka-go"
	"go.uber.org/goleak"

	"kindred/cmd/internal/embedded"
	"kindred/consumers"
	"kindred/schemas/broker"
	"kindred/schemas/wire"
)

// A test that kills a server needs one in another process: this test program, told so by its environment.
const serveIn = "KINDRED_TEST_SERVE_IN"

func TestMain(m *testing.M) {
	if dir := os.Getenv(serveIn); dir != "" {
		serveUntilKilled(dir)
	}
	goleak.VerifyTestMain(m)
}

func serveUntilKilled(dir string) {
	pair, err := embedded.Start(context.Background(), embedded.Options{Dir: dir})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(pair.KafkaAddr)
	select {}
}

func start(t *testing.T, o embedded.Options) *embedded.Pair {
	t.Helper()
	pair, err := embedded.Start(t.Context(), o)
	ok(t, err)
	t.Cleanup(func() { ok(t, pair.Close()) })
	return pair
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func client(t *testing.T, addr string) *broker.Cluster {
	transport := new(kafka.Transport)
	t.Cleanup(transport.CloseIdleConnections)
	return &broker.Cluster{Client: &kafka.Client{Addr: kafka.TCP(addr), Transport: transport}}
}

func create(t *testing.T, c *broker.Cluster, topic string, config ...string) {
	t.Helper()
	want := kafka.TopicConfig{Topic: topic, NumPartitions: 1, ReplicationFactor: 1}
	for i := 0; i < len(config); i += 2 {
		want.ConfigEntries = append(want.ConfigEntries, kafka.ConfigEntry{ConfigName: config[i], ConfigValue: config[i+1]})
	}
	made, err := c.Client.CreateTopics(t.Context(), &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{want}})
	ok(t, err)
	ok(t, made.Errors[topic])
}

func produce(t *testing.T, c *broker.Cluster, topic string, at time.Time, values ...string) {
	t.Helper()
	for _, v := range values {
		res, err := c.Client.Produce(t.Context(), &kafka.ProduceRequest{Topic: topic, RequiredAcks: kafka.RequireAll,
			Records: kafka.NewRecordReader(kafka.Record{Time: at, Key: kafka.NewBytes([]byte(v)), Value: kafka.NewBytes([]byte(v))})})
		ok(t, err)
		ok(t, res.Error)
	}
}

func read(t *testing.T, c *broker.Cluster, topic string) (values []string) {
	t.Helper()
	_, err := wire.ReadAll(t.Context(), &consumers.Fetcher{Cluster: c}, topic, func(r *wire.Record) error {
		values = append(values, string(r.Value))
		return nil
	})
	ok(t, err)
	return values
}

func TestWhatWasWrittenSurvivesARestart(t *testing.T) {
	dir := t.TempDir()
	pair, err := embedded.Start(t.Context(), embedded.Options{Dir: dir})
	ok(t, err)
	c := client(t, pair.KafkaAddr)
	create(t, c, "t")
	produce(t, c, "t", time.Now(), "one", "two")
	ok(t, pair.Close())
	ok(t, pair.Close()) // again does no harm

	again := start(t, embedded.Options{Dir: dir, KafkaAddr: pair.KafkaAddr, RedisAddr: pair.RedisAddr})
	if again.KafkaAddr != pair.KafkaAddr || again.RedisAddr != pair.RedisAddr {
		t.Errorf("listens on %s and %s, asked for %s and %s", again.KafkaAddr, again.RedisAddr, pair.KafkaAddr, pair.RedisAddr)
	}
	if got := read(t, client(t, again.KafkaAddr), "t"); !slices.Equal(got, []string{"one", "two"}) {
		t.Errorf("got %q", got)
	}
}

func TestWhatWasAcknowledgedSurvivesAKill(t *testing.T) {
	dir := t.TempDir()
	server := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	server.Env = append(os.Environ(), serveIn+"="+dir)
	out, err := server.StdoutPipe()
	ok(t, err)
	ok(t, server.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	ok(t, err)
	c := client(t, strings.TrimSpace(line))
	create(t, c, "t")
	produce(t, c, "t", time.Now(), "one", "two", "three")

	if _, err := embedded.Start(t.Context(), embedded.Options{Dir: dir}); !errors.Is(err, embedded.ErrInUse) {
		t.Errorf("a second one in the same directory: %v", err)
	}
	ok(t, server.Process.Kill())
	_ = server.Wait() // it was killed

	pair := start(t, embedded.Options{Dir: dir})
	if got := read(t, client(t, pair.KafkaAddr), "t"); !slices.Equal(got, []string{"one", "two", "three"}) {
		t.Errorf("got %q", got)
	}
}

func TestATemporaryDirectoryGoesWithThePair(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	pair, err := embedded.Start(t.Context(), embedded.Options{})
	ok(t, err)
	made, err := filepath.Glob(filepath.Join(os.TempDir(), "*"))
	ok(t, err)
	if len(made) != 1 {
		t.Errorf("made %q", made)
	}
	ok(t, pair.Close())
	if made, _ := filepath.Glob(filepath.Join(os.TempDir(), "*")); len(made) != 0 {
		t.Errorf("left %q behind", made)
	}
}

func TestOnlyLoopback(t *testing.T) {
	for _, o := range []embedded.Options{{KafkaAddr: "0.0.0.0:0"}, {RedisAddr: "0.0.0.0:0"}, {KafkaAddr: ":9092"}} {
		pair, err := embedded.Start(t.Context(), o)
		if err == nil {
			pair.Close()
			t.Errorf("%+v was accepted", o)
		}
	}
	pair := start(t, embedded.Options{KafkaAddr: "localhost:0", RedisAddr: "127.0.0.1:0"})
	if !strings.HasPrefix(pair.KafkaAddr, "127.0.0.1:") && !strings.HasPrefix(pair.KafkaAddr, "[::1]:") {
		t.Errorf("listens on %s", pair.KafkaAddr)
	}
}

func TestRedisAnswers(t *testing.T) {
	pair := start(t, embedded.Options{})
	r := redis.NewClient(&redis.Options{Addr: pair.RedisAddr})
	defer r.Close()
	ok(t, r.Set(t.Context(), "key", "value", 0).Err())
	if got, err := r.Get(t.Context(), "key").Result(); got != "value" {
		t.Errorf("got %q, %v", got, err)
	}
}

// What is older than a week stays in a compacted topic, and goes from one that says so.
func TestCompactedTopicsDoNotForget(t *testing.T) {
	pair := start(t, embedded.Options{})
	c := client(t, pair.KafkaAddr)
	create(t, c, "kept", "cleanup.policy", "compact")
	create(t, c, "forgets", "cleanup.policy", "delete", "retention.ms", "604800000")
	long := time.Now().AddDate(-1, 0, 0)
	for _, topic := range []string{"kept", "forgets"} {
		produce(t, c, topic, long, "a", "b", "a", "c") // the last batch is never compacted
	}
	pair.Compact()
	if got := read(t, c, "kept"); !slices.Equal(got, []string{"b", "a", "c"}) {
		t.Errorf("the compacted topic has %q", got)
	}
	if got := read(t, c, "forgets"); len(got) != 0 {
		t.Errorf("the other still has %q", got)
	}
}

// Whatever comes on its port, the server goes on serving those who speak Kafka.
func TestStrangeRequestsAreClosedNotServed(t *testing.T) {
	pair := start(t, embedded.Options{})
	head := func(length uint32, key, version uint16, rest ...byte) []byte {
		b := binary.BigEndian.AppendUint32(nil, length)
		b = binary.BigEndian.AppendUint16(b, key)
		return append(binary.BigEndian.AppendUint16(b, version), rest...)
	}
	for name, sent := range map[string][]byte{
		"http":             []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
		"tls":              {0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03},
		"an unknown key":   head(8, 4, 0, 0, 0, 0, 0),
		"another":          head(8, 999, 0, 0, 0, 0, 0),
		"a negative key":   head(8, 0xffff, 0, 0, 0, 0, 0),
		"a huge length":    head(0xfffffff0, 3, 0),
		"a negative one":   head(0x80000000, 18, 0),
		"a tiny one":       head(2, 3, 0),
		"a strange number": head(8, 3, 0x7fff, 0, 0, 0, 0),
		"a cut body":       head(12, 3, 1, 0, 0, 0, 1, 0xff, 0xff, 0x7f, 0xff),
	} {
		conn, err := net.Dial("tcp", pair.KafkaAddr)
		ok(t, err)
		_, err = conn.Write(sent)
		ok(t, err)
		_ = conn.(*net.TCPConn).CloseWrite() // the server may have been faster
		answer, _ := io.ReadAll(conn)        // ends when the server closes; a reset is as good
		if len(answer) > 0 {
			t.Errorf("%s was answered with %d bytes", name, len(answer))
		}
		conn.Close()
	}
	c := client(t, pair.KafkaAddr)
	create(t, c, "t")
	produce(t, c, "t", time.Now(), "still there")
	if got := read(t, c, "t"); len(got) != 1 {
		t.Errorf("got %q", got)
	}
}

func TestTrimTo(t *testing.T) {
	pair := start(t, embedded.Options{})
	c := client(t, pair.KafkaAddr)
	create(t, c, "t")
	produce(t, c, "t", time.Now(), "a", "b", "c")
	ok(t, pair.TrimTo("t", 0, 2))
	if got := read(t, c, "t"); !slices.Equal(got, []string{"c"}) {
		t.Errorf("got %q", got)
	}
}

func TestAFolderThatOthersCanReadIsSaid(t *testing.T) {
	check := func(dir string, want bool, mode os.FileMode) {
		t.Helper()
		pair, err := embedded.Start(t.Context(), embedded.Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		defer pair.Close()
		if pair.Readable != want {
			t.Errorf("%s: Readable is %v, want %v", dir, pair.Readable, want)
		}
		if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s has mode %v (%v), want %v", dir, info.Mode().Perm(), err, mode)
		}
	}
	check(filepath.Join(t.TempDir(), "new"), false, 0o700)
	open := filepath.Join(t.TempDir(), "open")
	if err := os.Mkdir(open, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(open, 0o755); err != nil {
		t.Fatal(err)
	}
	check(open, true, 0o755) // it is not ours to change
}
