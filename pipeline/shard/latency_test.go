package shard_test

import (
	"testing"
	"time"

	"kindred/schemas"
)

// The time to a membership counts from the record that caused it. What a run enters has no such record.
func TestTheTimeToAMembershipIsCounted(t *testing.T) {
	w := newWorld(t)
	w.profile("old", "Oslo")
	w.run()
	w.check("without a model")
	w.model("x", 1, 5000, "Oslo")
	w.until("the run is published", func() bool { return w.end(w.topic(schemas.Memberships), 0) == 1 })
	w.at = time.Now().Add(-30 * time.Second)
	w.profile("late", "Oslo")
	w.at = time.Now().Add(time.Hour)
	w.profile("ahead", "Oslo")
	w.until("both are published", func() bool { return w.end(w.topic(schemas.Memberships), 0) == 3 })
	w.stop()
	within, count, sum := w.owner.Stats.Latency.Read()
	if count != 2 || within[0.001] != 1 || within[10] != 1 || within[60] != 2 || sum < 30 || sum > 60 {
		t.Errorf("%d of %v s together: %v", count, sum, within)
	}
}
