package cache_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"

	"kindred/pipeline/cache"
)

// contents is everything in a store.
func contents(t *testing.T, s *cache.Store) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, key := range keysOf(t, s) {
		if s.Redis.Type(t.Context(), key).Val() == "hash" {
			all[key] = fmt.Sprint(s.Redis.HGetAll(t.Context(), key).Val())
		} else {
			all[key] = s.Redis.Get(t.Context(), key).Val()
		}
	}
	return all
}

func TestOlderClaimWritesNothing(t *testing.T) {
	for _, fresh := range []bool{false, true} {
		s := newStore(t)
		older := own(t, s)
		older.set("c-1", `{"City":"Oslo"}`)
		older.save()
		newer := claim(t, s, fresh)
		before := contents(t, s)
		older.set("c-1", `{"City":"Bergen"}`)
		if err := older.exec(); !errors.Is(err, cache.ErrLost) {
			t.Fatalf("fresh %t: the older claim's save gave %v", fresh, err)
		}
		if !maps.Equal(before, contents(t, s)) {
			t.Fatalf("fresh %t: the older claim has changed the cache", fresh)
		}
		if owns(t, s, older.writer) || !owns(t, s, newer) {
			t.Fatalf("fresh %t: the newer claim owns the cache, the older does not", fresh)
		}
	}
}

// The claim comes between the older owner's look at its token and its writing.
func TestClaimInTheMiddleOfASave(t *testing.T) {
	s := newStore(t)
	older := own(t, s)
	older.set("c-1", `{"City":"Oslo"}`)
	older.save()
	var newer *cache.Writer
	between(t, s, func() { newer = claim(t, s, false) })
	older.set("c-1", `{"City":"Bergen"}`)
	if err := older.exec(); !errors.Is(err, cache.ErrLost) {
		t.Fatalf("the older claim's save gave %v", err)
	}
	o := takeOver(t, s)
	if got := has(o.Fields(), o.Row(o.row("c-1")), "City"); got != `"Oslo"` || newer == nil {
		t.Fatalf("the cache says %s", got)
	}
}

func TestFlushIsNoticedAndHealed(t *testing.T) {
	s := newStore(t)
	o := own(t, s)
	o.set("c-1", `{"City":"Oslo"}`)
	o.SetMember("vip", o.row("c-1"), true, 0)
	o.Published("x", true).Set(o.row("c-1"), cache.PackState(1, 5000))
	o.SetModel("x", []byte("{}"))
	o.meta.Expansions["x"] = &cache.Progress{Epoch: 7}
	o.save()
	flush(t, s)
	o.set("c-2", `{"City":"Oslo"}`)
	if err := o.exec(); !errors.Is(err, cache.ErrLost) {
		t.Fatalf("a save after the flush gave %v", err)
	}
	if keys := keysOf(t, s); len(keys) > 0 {
		t.Fatalf("the save has written %v", keys)
	}
	o.writer = claim(t, s, true)
	o.MarkAllDirty()
	o.save()
	o = takeOver(t, s)
	one, two := o.row("c-1"), o.row("c-2")
	if has(o.Fields(), o.Row(two), "City") != `"Oslo"` || !o.Segment("vip").Has(one) || o.Segment("vip").Has(two) ||
		o.Published("x", false).Get(one).Score() != 5000 || string(o.Model("x")) != "{}" || o.meta.Expansions["x"].Epoch != 7 {
		t.Fatal("the healed cache is not what the mirror was")
	}
}

// The flush comes between the owner's look at its token and its writing.
func TestFlushInTheMiddleOfASave(t *testing.T) {
	s := newStore(t)
	o := own(t, s)
	o.set("c-1", `{"City":"Oslo"}`)
	o.save()
	between(t, s, func() {
		for _, key := range keysOf(t, s) {
			s.Redis.Del(t.Context(), key)
		}
	})
	o.set("c-1", `{"City":"Bergen"}`)
	if err := o.exec(); !errors.Is(err, cache.ErrLost) {
		t.Fatalf("the save gave %v", err)
	}
	if keys := keysOf(t, s); len(keys) > 0 {
		t.Fatalf("the save has written %v", keys)
	}
}

// flush empties Redis; one that other tests use too only of what is the store's own.
func flush(t *testing.T, s *cache.Store) {
	t.Helper()
	if os.Getenv("KINDRED_TEST_REDIS") == "" {
		if err := s.Redis.FlushAll(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		return
	}
	for _, key := range keysOf(t, s) {
		if err := s.Redis.Del(t.Context(), key).Err(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWritingARowNeverMakesALostBlockOfZeros(t *testing.T) {
	for _, lost := range []string{"rows:0", "ids:0", "pub:x:0"} {
		s := newStore(t)
		o := own(t, s)
		for i := range 100 {
			o.set("c-"+strconv.Itoa(i), `{"City":"Oslo"}`)
			o.Published("x", true).Set(i, cache.PackState(1, 5000))
		}
		o.save()
		key := s.Prefix + "{3}:" + lost
		if n := s.Redis.Del(t.Context(), key).Val(); n != 1 {
			t.Fatalf("%s was not there", key)
		}
		o.set("d", `{"City":"Bergen"}`)
		o.Published("x", true).Set(o.row("d"), cache.PackState(1, 5000))
		if err := o.exec(); !errors.Is(err, cache.ErrLost) {
			t.Fatalf("%s is lost; the save gave %v", lost, err)
		}
		if s.Redis.Exists(t.Context(), key).Val() != 0 {
			t.Fatalf("%s was made anew by writing one row", lost)
		}
	}
}

func TestALostBlockIsFoundWithoutWriting(t *testing.T) {
	s := newStore(t)
	o := own(t, s)
	o.set("c-1", `{"City":"Oslo"}`)
	o.SetMember("vip", 0, true, 0)
	o.Published("x", true).Set(0, cache.Unknown)
	o.SetModel("x", []byte("{}"))
	save := o.Snapshot(o.meta)
	shape := s.Shape(o.Mirror)
	if err := o.writer.Exec(t.Context(), save); err != nil {
		t.Fatal(err)
	}
	if err := o.writer.Check(t.Context(), shape); err != nil {
		t.Fatalf("nothing is lost: %v", err)
	}
	for _, lost := range []string{"rows:0", "ids:0", "seg:vip:0", "pub:x:0", "model:x"} {
		key := s.Prefix + "{3}:" + lost
		value := s.Redis.Get(t.Context(), key).Val()
		s.Redis.Del(t.Context(), key)
		if err := o.writer.Check(t.Context(), shape); !errors.Is(err, cache.ErrLost) {
			t.Fatalf("%s is lost: %v", lost, err)
		}
		mirror, meta, err := s.Load(t.Context(), 3)
		if mirror != nil || err != nil || meta.Damaged == "" {
			t.Fatalf("%s is lost; the next owner gets %v, %+v, %v", lost, mirror, meta, err)
		}
		s.Redis.Set(t.Context(), key, value, 0)
	}
	takeOver(t, s)
}

// A reply that was lost leaves the owner unsure. It is not taken for somebody else's claim.
func TestSaveWhoseReplyWasLost(t *testing.T) {
	s := newStore(t)
	o := own(t, s)
	o.set("c-1", `{"City":"Oslo"}`)
	o.save()
	lost := errors.New("the reply was lost")
	after(t, s, lost)
	o.set("c-1", `{"City":"Bergen"}`)
	if err := o.exec(); !errors.Is(err, lost) || errors.Is(err, cache.ErrLost) {
		t.Fatalf("the save gave %v", err)
	}
	if !owns(t, s, o.writer) {
		t.Fatal("nobody else has written the cache")
	}
	o.save()
	if !owns(t, s, o.writer) {
		t.Fatal("a writer whose save went well owns the cache")
	}
	if v := scan(t, s, cache.Want{}); has(v.Fields, v.Row(0), "City") != `"Bergen"` {
		t.Fatal("the cache does not say what was saved")
	}
}

func TestFreshClaimLeavesNothingBehind(t *testing.T) {
	s := newStore(t)
	o := own(t, s)
	for i := range cache.BlockRows + 1 {
		o.Take([]byte("c-" + strconv.Itoa(i)))
	}
	o.set("c-0", `{"City":"Oslo","Age":3}`)
	o.SetMember("vip", 0, true, 0)
	o.Published("x", true).Set(cache.BlockRows, cache.Unknown)
	o.SetModel("x", []byte("{}"))
	o.save()
	claim(t, s, true)
	if keys := keysOf(t, s); len(keys) != 1 || keys[0] != s.Prefix+"{3}:meta" {
		t.Fatalf("left behind: %v", keys)
	}
	if _, err := s.Scan(t.Context(), 3, cache.Want{}); !errors.Is(err, cache.ErrNotReady) {
		t.Fatalf("a scan of a cache that is not ready gave %v", err)
	}
	if mirror, _, err := s.Load(t.Context(), 3); mirror != nil || err != nil {
		t.Fatalf("loading a cache that is not ready gave %v, %v", mirror, err)
	}
}

// wide returns the fields of a profile that has many numbers.
func wide() string {
	fields := []byte(`{"f":1`)
	for f := range 200 {
		fields = fmt.Appendf(fields, `,"f%d":%d`, f, f)
	}
	return string(append(fields, '}'))
}

// What does not fit into one transaction is not ready before the last.
func TestLargeSaveIsNotReadyHalfway(t *testing.T) {
	s := newStore(t)
	o := own(t, s)
	o.set("0", wide()) // rows of about 600 bytes: a block has 2.5 MB
	const rows = 8 * cache.BlockRows
	for i := range rows {
		o.Take([]byte(strconv.Itoa(i)))
	}
	stop := errors.New("stop")
	var transactions atomic.Int32
	intercept(t, s, &hook{tx: func(next func() error) error {
		if transactions.Add(1) == 2 {
			return stop
		}
		return next()
	}})
	if err := o.exec(); !errors.Is(err, stop) {
		t.Fatalf("the save gave %v", err)
	}
	if mirror, meta, err := s.Load(t.Context(), 3); mirror != nil || err != nil || meta.Ready {
		t.Fatalf("half a save could be loaded: %+v, %v", meta, err)
	}
	o.save()
	if n := takeOver(t, s).Rows(); n != rows || transactions.Load() < 4 {
		t.Fatalf("loaded %d rows after %d transactions", n, transactions.Load())
	}
}

// Over a slow link no save may get through as a whole. What did get through is not sent again, so that it ends.
func TestWhatAFailedSaveHasStoredIsNotStoredAgain(t *testing.T) {
	s := newStore(t)
	o := own(t, s)
	o.set("wide", wide()) // rows of about 600 bytes: a block has 2.5 MB
	const rows = 8 * cache.BlockRows
	for i := range rows {
		o.set(strconv.Itoa(i), `{"City":"Oslo"}`)
	}
	stop := errors.New("too slow")
	transactions, slow := 0, true
	intercept(t, s, &hook{tx: func(next func() error) error {
		if transactions++; slow && transactions%2 == 0 {
			return stop
		}
		return next()
	}})
	saves := 1
	for ; o.exec() != nil; saves++ {
		if saves > 50 {
			t.Fatal("no save ever succeeds")
		}
	}
	if saves < 3 {
		t.Fatalf("%d saves: nothing was tried", saves)
	}
	slow = false
	loaded := takeOver(t, s)
	for _, i := range []int{0, 1, rows / 2, rows - 1} {
		row, ok := loaded.Find([]byte(strconv.Itoa(i)))
		if !ok || has(loaded.Fields(), loaded.Row(row), "City") != `"Oslo"` {
			t.Errorf("customer %d is not as it was saved", i)
		}
	}
}

// One key of a shard that is lost alone must not give old codes a new meaning: it is found by the owner, with a save and
// without, and by whoever loads or reads the cache.
func TestAHashOrModelLostAloneIsFound(t *testing.T) {
	for _, lost := range []string{"fields", "dict:0", "dict:1", "model:x"} {
		s := newStore(t)
		o := own(t, s)
		o.set("c-1", `{"City":"Oslo","Plan":"pro"}`)
		o.set("c-2", `{"City":"Bergen","Plan":"free"}`)
		o.SetModel("x", []byte("{}"))
		save := o.Snapshot(o.meta)
		shape := s.Shape(o.Mirror)
		if err := o.writer.Exec(t.Context(), save); err != nil {
			t.Fatal(err)
		}
		if err := o.writer.Check(t.Context(), shape); err != nil {
			t.Fatalf("nothing is lost: %v", err)
		}
		if n := s.Redis.Del(t.Context(), s.Prefix+"{3}:"+lost).Val(); n != 1 {
			t.Fatalf("%s was not there", lost)
		}
		if err := o.writer.Check(t.Context(), shape); !errors.Is(err, cache.ErrLost) {
			t.Errorf("%s is lost; the check gave %v", lost, err)
		}
		if lost != "model:x" {
			if _, err := s.Scan(t.Context(), 3, cache.Want{}); !errors.Is(err, cache.ErrNotReady) {
				t.Errorf("%s is lost; a scan gave %v", lost, err)
			}
		}
		if mirror, meta, err := s.Load(t.Context(), 3); mirror != nil || err != nil || meta.Damaged == "" {
			t.Errorf("%s is lost; it was loaded: %v", lost, err)
		}
		o.set("c-3", `{"City":"Oslo","Plan":"new"}`)
		o.set("c-4", `{"City":"Rome","Plan":"pro"}`)
		if err := o.exec(); strings.HasPrefix(lost, "dict") && !errors.Is(err, cache.ErrLost) {
			t.Errorf("%s is lost; a new value of it was saved: %v", lost, err)
		}
	}
}

// hook stands around transactions, or around reading blocks.
type hook struct {
	tx     func(next func() error) error
	blocks func(next func() error) error
}

// intercept puts a hook where commands are sent: in a cluster at every node.
func intercept(t *testing.T, s *cache.Store, h *hook) {
	t.Helper()
	cluster, ok := s.Redis.(*redis.ClusterClient)
	if !ok {
		s.Redis.AddHook(h)
		return
	}
	if err := cluster.ForEachMaster(t.Context(), func(_ context.Context, node *redis.Client) error {
		node.AddHook(h)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func (h *hook) DialHook(next redis.DialHook) redis.DialHook          { return next }
func (h *hook) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }

func (h *hook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, commands []redis.Cmder) error {
		var around func(next func() error) error
		switch commands[0].Name() {
		case "multi":
			around = h.tx
		case "get":
			around = h.blocks
		}
		if around == nil {
			return next(ctx, commands)
		}
		return around(func() error { return next(ctx, commands) })
	}
}

// between does something just before the next transaction is executed.
func between(t *testing.T, s *cache.Store, do func()) {
	var done atomic.Bool
	intercept(t, s, &hook{tx: func(next func() error) error {
		if !done.Swap(true) {
			do()
		}
		return next()
	}})
}

// after executes the next transaction but reports an error.
func after(t *testing.T, s *cache.Store, err error) {
	var done atomic.Bool
	intercept(t, s, &hook{tx: func(next func() error) error {
		if got := next(); got != nil || done.Swap(true) {
			return got
		}
		return err
	}})
}

func owns(t *testing.T, s *cache.Store, w *cache.Writer) bool {
	t.Helper()
	owns, err := s.Owns(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	return owns
}
