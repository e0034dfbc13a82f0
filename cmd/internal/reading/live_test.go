package reading

import (
	"testing"
	"time"

	"kindred/pipeline/cache"
)

// The count is of all shards, and as old as the shard that was saved first.
func TestLiveCountsAreAsOldAsTheOldestSave(t *testing.T) {
	meta := func(savedAt int64) *cache.Meta {
		return &cache.Meta{SavedAt: savedAt, Expansions: map[string]*cache.Progress{"x": {Members: [4]int64{0, 1, 2, 1000}}}}
	}
	got := countLive([]*cache.Meta{meta(2000), meta(1000), {SavedAt: 3000}}, "x")
	if got.Members != 2006 || got.Bands != [4]int64{0, 2, 4, 2000} || !got.AsOf.Equal(time.UnixMilli(1000)) {
		t.Errorf("got %+v", got)
	}
}
