package main

import (
	"context"
	"math"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"kindred/schemas/retry"
)

// Most of what a worker keeps is rows and ids, large blocks without pointers: to mark them costs next to nothing, however many
// they are. Go collects when there is as much garbage as there are live bytes; here that would double what a customer takes.
const (
	leastGarbage = 128 << 20 // bytes, up to which a collection is not worth its while
	garbagePart  = 32        // of many live bytes there may be so small a part of them as garbage
)

// garbagePercent returns how much garbage there may be beside so many live bytes, in percent of them.
func garbagePercent(live uint64) int {
	if live <= leastGarbage {
		return 100
	}
	return int(math.Ceil(100 * math.Max(leastGarbage, float64(live)/garbagePart) / float64(live)))
}

// boundGarbage sets, until ctx ends, how much garbage there may be, as the heap grows and shrinks. Who has set GOGC knows better.
func boundGarbage(ctx context.Context) error {
	if os.Getenv("GOGC") != "" {
		return nil
	}
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	now := 100
	before := debug.SetGCPercent(now)
	defer debug.SetGCPercent(before)
	for {
		metrics.Read(live)
		if percent := garbagePercent(live[0].Value.Uint64()); percent != now {
			now = percent
			debug.SetGCPercent(now)
		}
		if retry.Sleep(ctx, time.Second) != nil {
			return nil
		}
	}
}
