package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/twmb/franz-go/pkg/kfake"

	"kindred/cmd/internal/config"
	"kindred/cmd/internal/embedded"
	"kindred/cmd/internal/terminal"
	"kindred/consumers"
	"kindred/schemas"
	"kindred/schemas/wire"
)

// servers starts an embedded Kafka and Redis for the rest of the script, which finds them by the environment.
func servers(script *testscript.TestScript, _ bool, _ []string) {
	pair, err := embedded.Start(context.Background(), embedded.Options{})
	script.Check(err)
	script.Defer(func() { pair.Close() })
	script.Setenv("KINDRED_KAFKA", pair.KafkaAddr)
	script.Setenv("KINDRED_REDIS", pair.RedisAddr)
}

// secured starts a Kafka that asks for the password of ann and a Redis that asks for one, for the rest of the script.
func secured(script *testscript.TestScript, _ bool, _ []string) {
	kafka, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.EnableSASL(), kfake.Superuser("PLAIN", "ann", "right"), kfake.Superuser("SCRAM-SHA-256", "bob", "right"))
	script.Check(err)
	script.Defer(kafka.Close)
	redis, err := miniredis.Run()
	script.Check(err)
	script.Defer(redis.Close)
	redis.RequireAuth("right")
	script.Setenv("KINDRED_KAFKA", kafka.ListenAddrs()[0])
	script.Setenv("KINDRED_REDIS", redis.Addr())
}

// connect returns a connection of the script's own to its Kafka.
func connect(script *testscript.TestScript) *connection {
	p := &program{aside: terminal.Screen{W: os.Stderr}, settings: config.Settings{
		Kafka: []string{script.Getenv("KINDRED_KAFKA")}, Prefix: "kindred.",
	}}
	c, err := p.connect(context.Background())
	script.Check(err)
	return c
}

// publish puts the lines of a file on a topic, each a key, a space and a value: publish TOPIC FILE.
func publish(script *testscript.TestScript, _ bool, arguments []string) {
	c := connect(script)
	defer c.close()
	c.publishLines(script, arguments[0], script.ReadFile(arguments[1]))
}

func (c *connection) publishLines(script *testscript.TestScript, topic, lines string) {
	for line := range strings.Lines(lines) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		script.Check(c.publish(context.Background(), topic, key, []byte(value), nil))
	}
}

// town writes a table of 600 customers and a list of the 60 VIPs among them, who mostly live in Oslo and have gold: town TABLE LIST.
func town(script *testscript.TestScript, _ bool, arguments []string) {
	var table, vips strings.Builder
	table.WriteString("customerId,gender,city,level,age\n")
	for n := range 600 {
		vip := n%10 == 0
		city, level := []string{"Oslo", "Bergen", "Vik"}[n%3], []string{"none", "silver", "gold"}[n/3%3]
		if vip {
			fmt.Fprintf(&vips, "c-%d\n", n)
			if n%40 != 0 {
				city, level = "Oslo", "gold"
			}
		}
		fmt.Fprintf(&table, "c-%d,%s,%s,%s,%d\n", n, []string{"F", "M"}[n%2], city, level, 18+n%70)
	}
	script.Check(os.WriteFile(script.MkAbs(arguments[0]), []byte(table.String()), 0o600))
	script.Check(os.WriteFile(script.MkAbs(arguments[1]), []byte(vips.String()), 0o600))
}

// answer waits for the next expand request, then puts the lines of a file on the topic of runs: answer FILE. It is
// what a pipeline would do, and does it beside the script.
func answer(script *testscript.TestScript, _ bool, arguments []string) {
	lines := script.ReadFile(arguments[0])
	onRequest(script, func(c *connection, _ *wire.Record) { c.publishLines(script, schemas.Runs, lines) })
}

// refuse waits for the next expand request, then makes two dead letters: one of another record, and the request's.
func refuse(script *testscript.TestScript, _ bool, _ []string) {
	onRequest(script, func(c *connection, r *wire.Record) {
		var batch wire.Builder
		for _, offset := range []int64{r.Offset + 1, r.Offset} {
			other := wire.Record{Offset: offset, Key: r.Key, Value: r.Value}
			schemas.Letter(c.prefix.Topic(schemas.ExpandRequests), 0, &other, schemas.LetterControl, schemas.WrongSchema,
				"it is not as it should be", time.Now()).AppendTo(&batch)
		}
		_, err := c.producer.Publish(context.Background(), c.prefix.Topic(schemas.DeadLetters), 0, &batch)
		script.Check(err)
	})
}

// onRequest does something with the next expand request, beside the script.
func onRequest(script *testscript.TestScript, do func(*connection, *wire.Record)) {
	c := connect(script)
	from, err := c.end(context.Background(), schemas.ExpandRequests)
	script.Check(err)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		_ = c.follow(ctx, schemas.ExpandRequests, from, func(r *wire.Record) (bool, error) { do(c, r); return true, nil }, func() {})
	}()
	script.Defer(func() { cancel(); <-answered; c.close() })
}

// consume writes what a topic of one or more partitions holds to a file, as lines of key, space and value, by
// partition: consume TOPIC FILE.
func consume(script *testscript.TestScript, _ bool, arguments []string) {
	c := connect(script)
	defer c.close()
	lines, err := c.dump(arguments[0])
	script.Check(err)
	script.Check(os.WriteFile(script.MkAbs(arguments[1]), []byte(strings.Join(lines, "")), 0o600))
}

func (c *connection) dump(name string) (lines []string, err error) {
	ctx := context.Background()
	partitions, err := c.partitions(ctx, name)
	if err != nil {
		return nil, err
	}
	for partition := range partitions {
		ends, err := c.fetcher.Ends(ctx, []consumers.Position{{Topic: c.prefix.Topic(name), Partition: partition}})
		if err != nil {
			return nil, err
		}
		err = wire.ReadTo(ctx, c.fetcher, wire.Position{Topic: c.prefix.Topic(name), Partition: partition}, ends[0], func(record *wire.Record) error {
			lines = append(lines, string(record.Key)+" "+string(record.Value)+"\n")
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return lines, nil
}
