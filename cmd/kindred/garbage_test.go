package main

import (
	"context"
	"runtime/debug"
	"testing"
)

func TestGarbageGrowsLessThanTheHeap(t *testing.T) {
	check := func(live uint64, want int) {
		t.Helper()
		if got := garbagePercent(live); got != want {
			t.Errorf("beside %d live bytes there may be %d %% of garbage, want %d", live, got, want)
		}
	}
	check(0, 100)
	check(100<<20, 100)
	check(256<<20, 50)
	check(512<<20, 25)
	check(2<<30, 7)
	check(64<<30, 4)
}

// Who has set GOGC is obeyed, and a process that serves no more collects as before.
func TestGOGCGoesBefore(t *testing.T) {
	setting := func() int {
		now := debug.SetGCPercent(100)
		debug.SetGCPercent(now)
		return now
	}
	defer debug.SetGCPercent(debug.SetGCPercent(70))
	ctx, end := context.WithCancel(t.Context())
	end()
	if err := boundGarbage(ctx); err != nil || setting() != 70 {
		t.Errorf("afterwards %d %% are collected at, %v", setting(), err)
	}
	t.Setenv("GOGC", "70")
	if err := boundGarbage(t.Context()); err != nil || setting() != 70 {
		t.Errorf("with GOGC %d %% are collected at, %v", setting(), err)
	}
}
