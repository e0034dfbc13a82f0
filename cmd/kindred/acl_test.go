package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"kindred/cmd/internal/config"
	"kindred/pipeline/testkit"
	"kindred/producers"
	"kindred/schemas"
	"kindred/schemas/broker"
	"kindred/schemas/retry"
)

// TestTheACLsOfTheDocsAreEnough plays a game as users who may do no more than docs/operations.md allows them, on a real Kafka
// and a real Redis of its own, and logs in by every way there is. Both are there where .ci/install has been.
func TestTheACLsOfTheDocsAreEnough(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a Kafka")
	}
	text, err := os.ReadFile(filepath.Join(module, "docs/operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	at := addresses{redisAddr: guardedRedis(t, string(text)), kafkaAddr: guardedKafka(t, string(text)), real: true}
	w := newWorldOf(t, testkit.Longest, at, config.Settings{
		Kafka: []string{at.kafkaAddr}, KafkaLogin: config.Login{User: "kindred", Password: secret},
		Redis: []string{at.redisAddr}, RedisLogin: config.Login{User: "kindred", Password: secret},
		Prefix: "kindred.",
	}, shardsOfAWorld)
	w.serve()
	w.story()
	w.say(schemas.Profiles, customer(1), `{"fields":`)
	w.settle()
	login := []string{"--kafka-user", "kindred", "--kafka-password", secret, "--redis-user", "kindred", "--redis-password", secret}
	w.kindred(done, append(login, "doctor")...)
	w.kindred(done, append(login, "members", "more")...)
	w.kindred(done, append(login, "dead-letters", "replay", "0", "--yes")...)

	// By every way to log in.
	for _, way := range broker.SASLs {
		w.kindred(done, append(login, "--kafka-sasl", way, "list")...)
		said := w.kindred(unreachable, append(login, "--kafka-sasl", way, "--kafka-password", "wrong", "list")...)
		if !strings.Contains(said, broker.ErrPassword.Error()) {
			t.Errorf("a wrong password by %s: %s", way, said)
		}
	}

	// And no more than enough.
	for _, command := range [][]any{{"FLUSHALL"}, {"GET", "other"}, {"CONFIG", "GET", "*"}, {"KEYS", "*"}, {"EVAL", "return 1", "0"}} {
		if err := w.cache.Redis.Do(w.Ctx, command...).Err(); err == nil || !strings.Contains(err.Error(), "NOPERM") {
			t.Errorf("%v: %v, want NOPERM", command, err)
		}
	}
	if err := producers.Ensure(w.Ctx, w.kafka.cluster, "other.", schemas.Topics(1)); !errors.Is(err, kafka.TopicAuthorizationFailed) {
		t.Errorf("topics of another prefix: %v", err)
	}
	if err := w.kafka.cluster.DeleteTopics(w.Ctx, "kindred.profiles"); !errors.Is(err, kafka.TopicAuthorizationFailed) {
		t.Errorf("deleting a topic: %v", err)
	}
}

const secret = "not-so-secret"

// guardedRedis starts a Redis that knows the user of the document only.
func guardedRedis(t *testing.T, document string) (address string) {
	t.Helper()
	program, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("there is no redis-server")
	}
	line := regexp.MustCompile(`(?m)^    (user kindred .*)$`).FindStringSubmatch(document)
	if line == nil {
		t.Fatal("docs/operations.md has no line for Redis' users")
	}
	users := filepath.Join(t.TempDir(), "users.acl")
	rules := "user default off\n" + strings.Replace(line[1], ">PASSWORD", ">"+secret, 1) + "\n"
	if err := os.WriteFile(users, []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	address, port := freePort(t)
	launch(t, exec.Command(program, "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
		"--maxmemory-policy", "noeviction", "--aclfile", users, "--dir", t.TempDir()))
	settings := config.Settings{Redis: []string{address}}
	await(t, func(ctx context.Context) error { return settings.ReachRedis(ctx) })
	return address
}

// guardedKafka starts a Kafka whose user kindred may do what the document says.
func guardedKafka(t *testing.T, document string) (address string) {
	t.Helper()
	home := os.Getenv("KINDRED_KAFKA_HOME")
	if home == "" {
		home = filepath.Join(os.Getenv("HOME"), ".cache/kindred/kafka-4.1.0")
	}
	java, err := exec.LookPath("java")
	if _, there := os.Stat(filepath.Join(home, "complete")); err != nil || there != nil {
		t.Skip("there is no Kafka: .ci/install fetches one")
	}
	dir := t.TempDir()
	address, _ = freePort(t)
	controller, _ := freePort(t)
	properties := filepath.Join(dir, "server.properties")
	settings := strings.NewReplacer("ADDRESS", address, "INNER", controller, "DIR", dir, "SECRET", secret).Replace(`
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=INNER
listeners=SASL_PLAINTEXT://ADDRESS,CONTROLLER://INNER
advertised.listeners=SASL_PLAINTEXT://ADDRESS
controller.listener.names=CONTROLLER
listener.security.protocol.map=SASL_PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT
security.inter.broker.protocol=SASL_PLAINTEXT
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
sasl.mechanism.inter.broker.protocol=PLAIN
listener.name.sasl_plaintext.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \
  username="admin" password="SECRET" user_admin="SECRET" user_kindred="SECRET";
listener.name.sasl_plaintext.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl_plaintext.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:admin;User:ANONYMOUS
log.dirs=DIR/log
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
`)
	if err := os.WriteFile(properties, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	classes := filepath.Join(home, "lib", "*")
	format := exec.Command(java, "-cp", classes, "kafka.tools.StorageTool", "format", "--standalone",
		"-t", "a2luZHJlZC1raW5kcmVkLQ", "-c", properties,
		"--add-scram", "SCRAM-SHA-256=[name=kindred,password="+secret+"]",
		"--add-scram", "SCRAM-SHA-512=[name=kindred,password="+secret+"]")
	if out, err := format.CombinedOutput(); err != nil {
		t.Fatalf("format: %v\n%s", err, out)
	}
	launch(t, exec.Command(java, "-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", classes, "kafka.Kafka",
		properties))
	login, err := broker.Login(broker.SASLPlain, "admin", secret)
	if err != nil {
		t.Fatal(err)
	}
	admin := broker.Open(broker.Options{Addresses: []string{address}, Login: login, Dial: time.Second})
	await(t, admin.Ping)
	allow(t, admin, document)
	return address
}

// allow gives the user what the lines for kafka-acls.sh give it.
func allow(t *testing.T, admin *broker.Cluster, document string) {
	t.Helper()
	var entries []kafka.ACLEntry
	for _, line := range regexp.MustCompile(`(?m)^    kafka-acls\.sh .*--allow-principal User:kindred .*$`).FindAllString(document, -1) {
		words := strings.Fields(line)
		entry := kafka.ACLEntry{Principal: "User:kindred", PermissionType: kafka.ACLPermissionTypeAllow, Host: "*",
			ResourcePatternType: kafka.PatternTypePrefixed}
		for i, word := range words[:len(words)-1] {
			switch word {
			case "--topic":
				entry.ResourceType, entry.ResourceName = kafka.ResourceTypeTopic, words[i+1]
			case "--group":
				entry.ResourceType, entry.ResourceName = kafka.ResourceTypeGroup, words[i+1]
			case "--transactional-id":
				entry.ResourceType, entry.ResourceName = kafka.ResourceTypeTransactionalID, words[i+1]
			case "--operation":
				if err := entry.Operation.UnmarshalText([]byte(words[i+1])); err != nil {
					t.Fatal(err)
				}
				entries = append(entries, entry)
			}
		}
		if !slices.Contains(words, "prefixed") || entry.ResourceName == "" {
			t.Fatalf("cannot read %s", line)
		}
	}
	if len(entries) == 0 {
		t.Fatal("docs/operations.md has no lines for Kafka's users")
	}
	answer, err := admin.Client.CreateACLs(t.Context(), &kafka.CreateACLsRequest{ACLs: entries})
	if err == nil {
		err = errors.Join(answer.Errors...)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// freePort finds a port as freeAddress does.
func freePort(t *testing.T) (address, port string) {
	t.Helper()
	address, err := freeAddress()
	if err != nil {
		t.Fatal(err)
	}
	_, port, err = net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	return address, port
}

// freeAddress finds an address where nobody listens, with a port below those that the system gives to connections: one of these
// may be taken again before a server has started. No two calls return the same.
func freeAddress() (string, error) {
	for {
		address := net.JoinHostPort("127.0.0.1", fmt.Sprint(20_000+os.Getpid()%10_000+int(ports.Add(1))))
		listener, err := net.Listen("tcp", address)
		switch {
		case err == nil:
			return address, listener.Close()
		case !errors.Is(err, syscall.EADDRINUSE):
			return "", err
		}
	}
}

var ports atomic.Int64 // that freeAddress has looked at

// launch starts a server that ends with the test.
func launch(t *testing.T, server *exec.Cmd) {
	t.Helper()
	var said strings.Builder
	server.Stdout, server.Stderr = &said, &said
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
		if t.Failed() {
			t.Logf("%s said:\n%.4000s", server.Path, said.String())
		}
	})
}

// await waits for a server to answer.
func await(t *testing.T, ask func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	pauses := retry.Backoff{First: 20 * time.Millisecond, Last: 200 * time.Millisecond}
	for {
		err := ask(ctx)
		if err == nil {
			return
		}
		if pauses.Wait(ctx) != nil {
			t.Fatal(err)
		}
	}
}
