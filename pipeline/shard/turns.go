package shard

import (
	"cmp"
	"runtime"
	"slices"
	"sync"
	"time"
)

// turns are the turns of a process's shards at reading a long past. As many shards read at a time as there are cores; of those that
// wait, the one with the least to read is next. So the first shards are live long before the last, which would not come sooner if
// all read at once. A nil turns lets everybody read.
type turns struct {
	most     int           // who read at a time; default cores
	patience time.Duration // see kafkaPatience, the default

	mutex   sync.Mutex
	reading int
	waiting []*turn
}

// turn is that of one shard.
type turn struct {
	of     *turns        // nil: it waits for nobody, and nobody waits for it
	behind int64         // offsets to read
	begins chan struct{} // closed when it does
	over   bool          // under the mutex of turns
}

// cores are those of the start: later, a process with little to do runs Go on fewer.
var cores = runtime.GOMAXPROCS(0)

// kafkaPatience is how long a shard keeps its turn while Kafka brings nothing. It then reads on, but lets the next one begin: a
// partition that cannot be read holds up no other shard.
const kafkaPatience = time.Second

// take returns the turn of a shard that is so many offsets behind; one that is behind by no more than short begins at once.
func (t *turns) take(behind, short int64) *turn {
	mine := &turn{of: t, behind: behind, begins: make(chan struct{})}
	if t == nil || behind <= short {
		mine.of = nil
		close(mine.begins)
		return mine
	}
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.waiting = append(t.waiting, mine)
	t.next()
	return mine
}

// patience returns for how long the turn lasts without a record.
func (m *turn) patience() time.Duration {
	if m.of == nil {
		return kafkaPatience
	}
	return cmp.Or(m.of.patience, kafkaPatience)
}

// end ends the turn, whether it has begun or not. It may be called more than once.
func (m *turn) end() {
	t := m.of
	if t == nil {
		return
	}
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if m.over {
		return
	}
	m.over = true
	if i := slices.Index(t.waiting, m); i >= 0 {
		t.waiting = slices.Delete(t.waiting, i, i+1)
		return
	}
	t.reading--
	t.next()
}

// next lets read whom there is room for.
func (t *turns) next() {
	for t.reading < cmp.Or(t.most, cores) && len(t.waiting) > 0 {
		least := 0
		for i, w := range t.waiting {
			if w.behind < t.waiting[least].behind {
				least = i
			}
		}
		close(t.waiting[least].begins)
		t.waiting = slices.Delete(t.waiting, least, least+1)
		t.reading++
	}
}
