package shard_test

import (
	"slices"
	"testing"
	"time"

	"kindred/pipeline/shard"
)

// A change that comes alone is saved at once, for a run may wait for it; in a stream of changes saves become rare, and are never
// further apart than a quarter of a second. A rest begins anew.
func TestAStreamOfChangesIsSavedLessOften(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	var begun []time.Time
	for _, after := range []int{0, 5, 10, 20, 40, 80, 160, 250, 250, 1000, 1000, 5} {
		now = now.Add(time.Duration(after) * time.Millisecond)
		begun = append(begun, now)
	}
	var waits []int64
	for _, wait := range shard.Spacings(begun...) {
		waits = append(waits, wait.Milliseconds())
	}
	if want := []int64{5, 10, 20, 40, 80, 160, 250, 250, 250, 5, 5, 10}; !slices.Equal(waits, want) {
		t.Errorf("the next save waits for %v ms, want %v", waits, want)
	}
}
