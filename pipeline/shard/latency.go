package shard

import (
	"sync/atomic"
	"time"
)

// latencyBounds are the upper bounds of the buckets of a Latency. What takes longer is in a last one.
var latencyBounds = [...]time.Duration{
	time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond,
	50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2500 * time.Millisecond, 5 * time.Second, 10 * time.Second, time.Minute, time.Hour,
}

// Latency is a histogram of the time from the records of profiles and segment members, by their timestamps, to the
// acknowledgement of the memberships that they caused. It may be used by several goroutines.
type Latency struct {
	within [len(latencyBounds) + 1]atomic.Int64
	sum    atomic.Int64 // ns
}

func (l *Latency) add(took time.Duration) {
	took = max(took, 0) // the clock of a producer may be ahead
	bucket := 0
	for bucket < len(latencyBounds) && took > latencyBounds[bucket] {
		bucket++
	}
	l.within[bucket].Add(1)
	l.sum.Add(int64(took))
}

// Read returns how many took at most so many seconds, by these, how many there are in all, and the seconds that all took together.
func (l *Latency) Read() (within map[float64]uint64, count uint64, sum float64) {
	within = make(map[float64]uint64, len(latencyBounds))
	for bucket, bound := range latencyBounds {
		count += uint64(l.within[bucket].Load())
		within[bound.Seconds()] = count
	}
	count += uint64(l.within[len(latencyBounds)].Load())
	return within, count, time.Duration(l.sum.Load()).Seconds()
}
