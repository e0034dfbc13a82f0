package main

import (
	"fmt"
	"testing"
	"time"

	"kindred/cmd/internal/reading"
	"kindred/pipeline/cache"
	"kindred/schemas"
)

// A run says how many members there were when it had published; events move them on, and the counts of the shards with them.
func TestLiveCountsFollowEveryEvent(t *testing.T) {
	everywhere(t, func(w *world) {
		w.serve()
		w.declare()
		w.bring(0, 3000)
		w.segment("vip", `"name":"VIP","snapshot":"s","part":1,"parts":1,"members":%s`, vips(0, 3000))
		after := w.successful("x", `"action":"expand","sourceSegmentId":"vip"`).Report.Counts.Members
		best, err := w.best(w.Ctx, "x", 3, false)
		w.OK(err)
		counted := func(want int64) {
			w.Helper()
			w.wait(fmt.Sprintf("%d live members", want), func() string {
				book, err := w.kafka.book(w.Ctx, schemas.Expansions)
				w.OK(err)
				all, why := w.withLive(w.Ctx, w.kafka, book, book.Expansions())
				w.OK(why)
				if live := all[0].Live; live.Members != want || sum(live.Bands) != want {
					return fmt.Sprintf("there are %+v", live)
				}
				if all[0].Report.Counts.Members != after {
					w.Fatalf("the run counts %+v now", all[0].Report.Counts)
				}
				return ""
			})
		}
		counted(after)
		for i, m := range best {
			w.say(schemas.Profiles, m.CustomerID, `{"fields":{},"profiling":false}`)
			counted(after - int64(i) - 1)
		}
	})
}

func sum(bands [cache.Bands]int64) (n int64) {
	for _, members := range bands {
		n += members
	}
	return n
}

func TestCountsThatAreOldSaySo(t *testing.T) {
	check := func(want string, asOf time.Time) {
		t.Helper()
		if got := liveWords(&reading.Live{Members: 2006, AsOf: asOf}); got != want {
			t.Errorf("it says %q, want %q", got, want)
		}
	}
	check("2,006 members now", time.Now())
	check("2,006 members at 2026-11-23 10:02 UTC, when a shard was last saved", time.Date(2026, 11, 23, 10, 2, 0, 0, time.UTC))
}
