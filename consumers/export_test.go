package consumers

import (
	"runtime"
	"slices"
	"time"
)

// Gather keeps what is asked of brokers that were asked before, until release sends it once so many wait.
func Gather(f *Fetcher, readers int) (release func()) {
	for !f.hold() {
		runtime.Gosched()
	}
	return func() {
		for f.waiting() < readers {
			runtime.Gosched()
		}
		for _, l := range f.lines {
			go f.exchange(f.gathered(l))
		}
	}
}

// hold keeps what is asked for, unless something is about to be sent.
func (f *Fetcher) hold() bool {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if slices.ContainsFunc(f.lines, func(l *line) bool { return l.gathering }) {
		return false
	}
	for _, l := range f.lines {
		l.gathering = true
	}
	return true
}

func (f *Fetcher) waiting() (n int) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	for _, l := range f.lines {
		n += len(l.waiting)
	}
	return n
}

// Pauses returns how long a line waits after each of n answers that come so long after another and bring so much.
func Pauses(n int, apart time.Duration, records int64, bytes int) (pauses []time.Duration) {
	var p pace
	now := time.Now()
	for range n {
		now = now.Add(apart)
		p.answered(now, records, bytes)
		pauses = append(pauses, p.next.Sub(now))
	}
	return pauses
}

// Rest lets a partition have brought nothing for long.
func Rest(f *Fetcher, p Position) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.bring(p, time.Now().Add(-2*rest))
}
