package shard_test

import (
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"kindred/pipeline/cache"
	"kindred/schemas"
	"kindred/schemas/wire"
)

// reads notes from which offset on profiles are read first. It may be asked while the owner runs.
func (w *world) reads() (first func() int64) {
	var mutex sync.Mutex
	lowest := int64(-1)
	w.fetching = func(from []wire.Position) {
		mutex.Lock()
		defer mutex.Unlock()
		for _, p := range from {
			if p.Topic == w.topic(schemas.Profiles) && (lowest < 0 || p.Offset < lowest) {
				lowest = p.Offset
			}
		}
	}
	return func() int64 {
		mutex.Lock()
		defer mutex.Unlock()
		return lowest
	}
}

func (w *world) key(name string) string { return string(prefix) + "{0}:" + name }

// A worker that is given a shard again while Redis is away, or has lost it, goes on with what it has in memory.
func TestAMirrorOutlivesARebalanceWithoutRedis(t *testing.T) {
	w := newWorld(t)
	for i := range 100 {
		w.profile("c-"+strconv.Itoa(i), []string{"Oslo", "Bergen"}[i%2])
	}
	w.model("x", 1, 5000, "Oslo")
	w.run()
	w.check("at first")
	w.redis.SetError("LOADING Redis is away")
	w.profile("late", "Oslo")
	w.until("it is published without Redis", func() bool { return w.end(w.topic(schemas.Memberships), 0) == 101 })
	w.stop()
	first := w.reads()
	w.run() // the next generation
	w.profile("later", "Oslo")
	w.redis.FlushAll() // it refuses commands, and has lost all
	w.redis.SetError("")
	w.check("when Redis is back, empty")
	w.stop()
	if from := first(); from < 100 {
		t.Errorf("profiles were read again from offset %d", from)
	}
	if mirror, meta, err := w.cache.Load(t.Context(), 0); err != nil || mirror == nil || mirror.Rows() != 102 {
		t.Errorf("the cache was not made anew: %+v, %v", meta, err)
	}
}

// What was caught up too long ago may have missed an erasure, in memory as in Redis.
func TestAMirrorOfAFrozenProcessIsNotTrusted(t *testing.T) {
	w := newWorld(t)
	w.profile("ann", "Oslo")
	w.model("x", 1, 5000, "Oslo")
	w.run()
	w.check("at first")
	w.stop()
	w.owner.Freeze(25 * time.Hour)
	w.redis.HSet(w.key("meta"), "savedAt", strconv.FormatInt(time.Now().Add(-25*time.Hour).UnixMilli(), 10))
	first := w.reads()
	w.run()
	w.until("the shard has caught up", w.owner.CaughtUp)
	w.check("after a day")
	w.stop()
	if from := first(); from != 0 {
		t.Errorf("profiles were read from offset %d", from)
	}
}

// A model in the cache that cannot be read, or a key that holds something else, is damage: the shard is rebuilt.
func TestWhatCannotBeReadInTheCacheIsRebuilt(t *testing.T) {
	for name, spoil := range map[string]func(*world){
		"a model": func(w *world) {
			text, err := w.redis.Get(w.key("model:x"))
			if err != nil {
				w.Fatal(err)
			}
			w.OK(w.redis.Set(w.key("model:x"), strings.Repeat("x", len(text))))
		},
		"a hash that is a string": func(w *world) {
			w.redis.Del(w.key("fields"))
			w.OK(w.redis.Set(w.key("fields"), "x"))
		},
		"a block that is a hash": func(w *world) {
			w.redis.Del(w.key("rows:0"))
			w.redis.HSet(w.key("rows:0"), "x", "y")
		},
		"the fields alone":       func(w *world) { w.redis.Del(w.key("fields")) },
		"a dictionary alone":     func(w *world) { w.redis.Del(w.key("dict:0")) },
		"the meta of a stranger": func(w *world) { w.redis.HSet(w.key("meta"), "rows", "many") },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.profile("ann", "Oslo")
			w.profile("bob", "Bergen")
			w.model("x", 1, 5000, "Oslo")
			w.run()
			w.check("at first")
			w.crash()
			spoil(w)
			w.run()
			w.profile("cleo", "Oslo")
			w.check("with a cache that is damaged")
			w.stop()
		})
	}
}

// A key that is lost alone while its owner lives is put back by it, and nothing is published from what is left.
func TestALivingOwnerHealsEveryKey(t *testing.T) {
	for _, lost := range []string{"fields", "dict:0", "dict:1", "model:x", "rows:0", "ids:0", "seg:vip:0", "pub:x:0", "meta"} {
		t.Run(lost, func(t *testing.T) {
			w := newWorld(t)
			w.profile("ann", "Oslo")
			w.profile("bob", "Bergen")
			w.member("vip", "bob", true)
			w.model("x", 1, 5000, "Oslo")
			w.run()
			w.check("at first")
			if !w.redis.Exists(w.key(lost)) {
				t.Fatalf("there is no %s", w.key(lost))
			}
			w.redis.Del(w.key(lost))
			w.profile("cleo", "Oslo")
			w.until("it is there again", func() bool { return w.redis.Exists(w.key(lost)) })
			w.until("the cache is whole", func() bool {
				_, err := w.cache.Scan(t.Context(), 0, cache.Want{Segments: []string{"vip"}, Expansions: []string{"x"}})
				return err == nil
			})
			w.profile("dora", "Oslo")
			w.check("healed")
			w.stop()
		})
	}
}

// A topic that was made anew may have grown beyond the offsets that the cache holds; only its id tells.
func TestACacheOfAnotherTopicIsNotTakenFurther(t *testing.T) {
	w := newWorld(t)
	w.ids = [...]string{"profiles-1", "members-1", "models-1", "memberships-1"}
	w.profile("ann", "Oslo")
	w.model("x", 1, 5000, "Oslo")
	w.run()
	w.check("at first")
	w.crash()
	w.ids[0] = "profiles-2"
	if err := w.newWorker().New(0).Run(t.Context(), w); !errors.Is(err, wire.ErrRecreated) || !strings.Contains(err.Error(), "profiles-2") {
		t.Errorf("the owner of a shard of another topic ended with %v", err)
	}
	w.ids[0] = ""
	w.worker = w.newWorker() // on a broker without ids
	w.run()
	w.check("when no id is known")
	w.stop()
}
