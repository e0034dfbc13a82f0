package shard_test

import (
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"kindred/pipeline/shard"
	"kindred/schemas"
	"kindred/schemas/wire"
)

func TestWhoHasTheLeastToReadIsNext(t *testing.T) {
	turns := shard.TwoAtATime()
	ends := map[int64]func(){}
	begun := map[int64]func() bool{}
	for _, behind := range []int64{50, 40, 30, 20, 60} {
		begun[behind], ends[behind] = turns.Take(behind, 10)
	}
	reads := func(when string, want ...int64) {
		t.Helper()
		is := map[int64]bool{}
		for _, behind := range want {
			is[behind] = true
		}
		for behind, begun := range begun {
			if begun() != is[behind] {
				t.Errorf("%s, the shard that is %d behind reads: %v", when, behind, begun())
			}
		}
	}
	reads("at first", 50, 40)
	ends[50]()
	ends[50]()
	reads("when one has ended", 50, 40, 20)
	ends[30]() // before it has begun
	ends[40]()
	reads("when one has gone", 50, 40, 20, 60)
	begun[10], _ = turns.Take(10, 10)
	reads("with little to read", 50, 40, 20, 60, 10)
}

// ofShard returns some customer of a shard.
func ofShard(p, shards int) string {
	for i := 0; ; i++ {
		if id := "c-" + strconv.Itoa(i); schemas.Murmur2.Partition([]byte(id), shards) == p {
			return id
		}
	}
}

// longPasts is a world of shards that each have more to read than a stretch.
func longPasts(t *testing.T, shards int) *world {
	w := newWorld(t)
	w.shards, w.stretch = shards, 1
	for p := range shards {
		for range 5 {
			w.write(w.topic(schemas.Profiles), p, ofShard(p, shards), []byte(`{"fields":{"City":"Oslo"}}`))
		}
	}
	return w
}

// caughtUp returns which shards of a worker are.
func (w *world) caughtUp() (is map[int]bool, all bool) {
	states := w.worker.States()
	is, all = map[int]bool{}, len(states) == w.shards
	for _, s := range states {
		is[s.Shard] = s.CaughtUp
		all = all && s.CaughtUp
	}
	return is, all
}

func TestShardsWithALongPastTakeTurns(t *testing.T) {
	w := longPasts(t, 4)
	w.worker.OneByOne(time.Hour)
	var mutex sync.Mutex
	var order []int
	w.fetching = func(from []wire.Position) {
		p := from[0].Partition
		is, _ := w.caughtUp()
		mutex.Lock()
		defer mutex.Unlock()
		if n := len(order); !is[p] && (n == 0 || order[n-1] != p) {
			order = append(order, p)
		}
		mutex.Unlock()
		w.until("all have taken over", func() bool {
			found := 0
			for _, s := range w.worker.States() {
				if s.CaughtUp || s.Behind > 0 {
					found++
				}
			}
			return found == w.shards
		})
		for range 1000 { // whoever could read would
			runtime.Gosched()
		}
		mutex.Lock()
	}
	w.run()
	defer func() { w.stop() }()
	w.until("all shards are live", func() bool { _, all := w.caughtUp(); return all })
	mutex.Lock()
	defer mutex.Unlock()
	if len(order) != w.shards {
		t.Errorf("shards have read in the order %v, want each once", order)
	}
}

func TestAPartitionThatCannotBeReadHoldsUpNoOtherShard(t *testing.T) {
	w := longPasts(t, 3)
	w.worker.OneByOne(time.Millisecond)
	away := make(chan struct{})
	w.fetching = func(from []wire.Position) {
		if from[0].Partition != 0 {
			return
		}
		<-away
	}
	w.run()
	defer func() { w.stop() }()
	w.until("the others are live", func() bool { is, _ := w.caughtUp(); return is[1] && is[2] })
	close(away)
	w.until("it is live, too", func() bool { _, all := w.caughtUp(); return all })
}
