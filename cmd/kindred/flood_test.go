package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"kindred/cmd/internal/config"
	"kindred/cmd/internal/embedded"
	"kindred/cmd/internal/terminal"
	"kindred/producers"
	"kindred/schemas"
)

// onEmbedded returns a program on an embedded Kafka and Redis of its own, with the topics for some shards.
func onEmbedded(t *testing.T, shards int) (*program, *connection) {
	t.Helper()
	ctx := context.Background()
	pair, err := embedded.Start(ctx, embedded.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	p := &program{
		settings: config.Settings{Kafka: []string{pair.KafkaAddr}, Redis: []string{pair.RedisAddr}, Prefix: "kindred."},
		out:      terminal.Screen{W: &out},
		aside:    terminal.Screen{W: &out},
	}
	p.log = p.quiet()
	c, err := p.connect(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.close()
		if err := pair.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := producers.Ensure(ctx, c.cluster, c.prefix, schemas.Topics(shards)); err != nil {
		t.Fatal(err)
	}
	return p, c
}

func TestAFloodArrivesWholeAndInOrder(t *testing.T) {
	const keys, records = 500, 60_000
	p, c := onEmbedded(t, 3)
	f, err := p.flood(context.Background(), c, schemas.Profiles)
	if err != nil {
		t.Fatal(err)
	}
	add := func() error {
		for i := range records {
			value := fmt.Sprintf("%d %s", i, strings.Repeat("x", 20))
			if err := f.add([]byte(strconv.Itoa(i%keys)), []byte(value)); err != nil {
				return err
			}
		}
		return nil
	}
	if err := f.finish(add()); err != nil {
		t.Fatal(err)
	}
	if n := f.acknowledged.Load(); n != records {
		t.Errorf("%d acknowledged, want %d", n, records)
	}
	lines, err := c.dump(schemas.Profiles)
	if err != nil {
		t.Fatal(err)
	}
	if len(lines) != records {
		t.Fatalf("%d arrived, want %d", len(lines), records)
	}
	next := map[string]int{}
	for _, line := range lines {
		var key string
		var number int
		if _, err := fmt.Sscan(line, &key, &number); err != nil {
			t.Fatal(err)
		}
		k, _ := strconv.Atoi(key)
		if want := next[key]*keys + k; number != want {
			t.Fatalf("key %s: record %d came, want %d", key, number, want)
		}
		next[key]++
	}
}

func TestAFloodThatFailsEnds(t *testing.T) {
	p, c := onEmbedded(t, 2)
	f, err := p.flood(context.Background(), c, schemas.Profiles)
	if err != nil {
		t.Fatal(err)
	}
	huge := make([]byte, 2<<20)
	for err == nil {
		err = f.add([]byte("a"), huge)
	}
	if err := f.finish(err); !errors.Is(err, producers.ErrTooLarge) {
		t.Errorf("got %v, want that the batch is too large", err)
	}
}
