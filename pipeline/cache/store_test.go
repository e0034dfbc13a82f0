package cache_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"kindred/pipeline/cache"
	"kindred/pipeline/format"
	"kindred/schemas"
)

var stores atomic.Int64

// newStore returns a store of its own: in KINDRED_TEST_REDIS (host:port, or several of a cluster) under a new prefix, else in
// a Redis in process.
func newStore(t testing.TB) *cache.Store {
	t.Helper()
	o := cache.Options{}
	if address := os.Getenv("KINDRED_TEST_REDIS"); address != "" {
		o.Addresses = strings.Split(address, ",")
		o.Prefix = fmt.Sprintf("test.%d.%d.", time.Now().UnixNano(), stores.Add(1))
	} else {
		o.Addresses = []string{miniredis.RunT(t).Addr()}
		o.Prefix = "test."
	}
	s := cache.Open(o)
	t.Cleanup(func() {
		for _, key := range keysOf(t, s) {
			s.Redis.Del(context.Background(), key)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// keysOf lists all keys of a store, on every node where Redis is a cluster.
func keysOf(t testing.TB, s *cache.Store) []string {
	t.Helper()
	var (
		mu  sync.Mutex
		all []string
	)
	list := func(ctx context.Context, node *redis.Client) error {
		each := node.Scan(ctx, 0, s.Prefix+"*", 1000).Iterator()
		for each.Next(ctx) {
			mu.Lock()
			all = append(all, each.Val())
			mu.Unlock()
		}
		return each.Err()
	}
	var err error
	switch client := s.Redis.(type) {
	case *redis.ClusterClient:
		err = client.ForEachMaster(context.Background(), list)
	case *redis.Client:
		err = list(context.Background(), client)
	}
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// owner is a mirror with the right to store it.
type owner struct {
	*cache.Mirror
	t      testing.TB
	writer *cache.Writer
	meta   cache.Meta
}

// own claims shard 3 with an empty mirror.
func own(t testing.TB, s *cache.Store) *owner {
	t.Helper()
	return &owner{cache.New(3), t, claim(t, s, true), cache.Meta{Ready: true, Expansions: map[string]*cache.Progress{}}}
}

func claim(t testing.TB, s *cache.Store, fresh bool) *cache.Writer {
	t.Helper()
	w, err := s.Claim(t.Context(), 3, fresh)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// takeOver claims shard 3 and loads it.
func takeOver(t testing.TB, s *cache.Store) *owner {
	t.Helper()
	o := &owner{t: t, writer: claim(t, s, false)}
	mirror, meta, err := s.Load(t.Context(), 3)
	if err != nil {
		t.Fatal(err)
	}
	if mirror == nil {
		t.Fatalf("there is nothing to take over: %+v", meta)
	}
	o.Mirror, o.meta = mirror, *meta
	return o
}

// exec saves, as a shard's owner does: what was not stored is taken back.
func (o *owner) exec() error {
	save := o.Snapshot(o.meta)
	err := o.writer.Exec(context.Background(), save)
	if err != nil {
		o.TakeBack(save)
	}
	return err
}

func (o *owner) save() {
	o.t.Helper()
	if err := o.exec(); err != nil {
		o.t.Fatal(err)
	}
}

// set sets a customer's profile from JSON and reports whether anything has changed.
func (o *owner) set(id, fields string) bool {
	o.t.Helper()
	return o.SetProfile(o.Take([]byte(id)), decoded(o.t, `{"fields":`+fields+`}`))
}

func (o *owner) row(id string) int {
	o.t.Helper()
	row, ok := o.Find([]byte(id))
	if !ok {
		o.t.Fatalf("%s has no row", id)
	}
	return row
}

func decoded(t testing.TB, value string) *schemas.Profile {
	t.Helper()
	p := new(schemas.Profile)
	if err := p.Decode([]byte(value)); err != nil {
		t.Fatal(err)
	}
	return p
}

// has returns what a row holds in a field, as canonical JSON; "" for nothing, "?" for a value that is not kept.
func has(fields []format.Field, row []byte, name string) string {
	for _, f := range fields {
		if f.Name != name || row[f.Code] == 0 {
			continue
		}
		if f.Overflow {
			return "?"
		}
		return f.Values[row[f.Code]]
	}
	return ""
}

// scan reads shard 3 as the trainer does.
func scan(t testing.TB, s *cache.Store, want cache.Want) *cache.View {
	t.Helper()
	view, err := s.Scan(t.Context(), 3, want)
	if err != nil {
		t.Fatal(err)
	}
	return view
}

// leaves reports whether a text is anywhere in a store: in a key, a string or a hash.
func leaves(t *testing.T, s *cache.Store, text string) bool {
	t.Helper()
	for _, key := range keysOf(t, s) {
		if strings.Contains(key, text) {
			return true
		}
	}
	for _, value := range contents(t, s) {
		if strings.Contains(value, text) {
			return true
		}
	}
	return false
}
