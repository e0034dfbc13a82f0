package control

import (
	"testing"
	"time"

	"kindred/pipeline/cache"
	"kindred/pipeline/learn"
	"kindred/schemas"
)

// vipIn returns metas of two shards that show the segment vip.
func vipIn(sizes, flips [2]int64, caches [2]string) []*cache.Meta {
	metas := make([]*cache.Meta, 2)
	for i := range metas {
		metas[i] = &cache.Meta{Ready: true, Incarnation: caches[i] + " and so on",
			Segments: map[string]cache.SegmentMeta{"vip": {Size: sizes[i], Flips: flips[i]}}}
	}
	return metas
}

var caches = [2]string{"cache-00", "cache-01"}

// watched brings an expansion x about that is refreshed when a fifth of its source, 100 customers, has changed.
func watched(t *testing.T) *desk {
	d := newDesk(t)
	d.source = learn.See("vip", vipIn([2]int64{60, 40}, [2]int64{60, 45}, caches))
	r := expand("first")
	r.Refresh = &schemas.RefreshChange{SourceChange: new(0.2)}
	d.ask(r)
	d.turn()
	d.commit()
	d.succeed()
	return d
}

// sees lets x be looked at, and returns how many refreshes that asks for.
func (d *desk) sees(metas []*cache.Meta) (asked int) {
	for _, s := range d.state.sourceChanges(metas, noon.Add(time.Duration(d.offset)*time.Second)) {
		for _, r := range d.do(s).requests {
			if r.Cause != schemas.CauseSourceChange {
				d.t.Errorf("the cause is %s", r.Cause)
			}
			asked++
			d.ask(r)
		}
	}
	return asked
}

func (d *desk) asksWhenItSees(why string, want int, metas []*cache.Meta) {
	d.t.Helper()
	if got := d.sees(metas); got != want {
		d.t.Errorf("%s: it asks for %d refreshes, want %d", why, got, want)
	}
}

func TestAShareOfTheSourceThatHasChangedAsksForOneRefresh(t *testing.T) {
	d := watched(t)
	d.asksWhenItSees("as at the commit", 0, vipIn([2]int64{60, 40}, [2]int64{60, 45}, caches))
	d.asksWhenItSees("19 have entered or left", 0, vipIn([2]int64{60, 41}, [2]int64{70, 54}, caches))
	d.asksWhenItSees("20 have", 1, vipIn([2]int64{60, 42}, [2]int64{70, 55}, caches))
	d.asksWhenItSees("it waits", 0, vipIn([2]int64{60, 42}, [2]int64{170, 55}, caches))
	d.turn()
	d.fail()
	d.asksWhenItSees("the refresh has failed", 0, vipIn([2]int64{60, 42}, [2]int64{70, 55}, caches))
	d.asksWhenItSees("another fifth has changed", 1, vipIn([2]int64{60, 42}, [2]int64{91, 55}, caches))
}

func TestACacheThatWasRebuiltCountsByItsSize(t *testing.T) {
	d := watched(t)
	rebuilt := [2]string{"cache-00", "cache-02"}
	d.asksWhenItSees("one was rebuilt", 0, vipIn([2]int64{60, 45}, [2]int64{60, 999}, rebuilt))
	d.asksWhenItSees("14 more have changed", 0, vipIn([2]int64{60, 45}, [2]int64{60, 1013}, rebuilt))
	d.asksWhenItSees("another has", 1, vipIn([2]int64{60, 45}, [2]int64{60, 1014}, rebuilt))
}

func TestWhatIsNotWholeAsksForNothing(t *testing.T) {
	d := watched(t)
	building := vipIn([2]int64{600, 40}, [2]int64{600, 45}, caches)
	building[1].Ready = false
	d.asksWhenItSees("a cache is not ready", 0, building)
	d.asksWhenItSees("there is no cache", 0, []*cache.Meta{building[0], nil})
	d.asksWhenItSees("a look that began before the commit", 0, vipIn([2]int64{10, 40}, [2]int64{10, 45}, caches))
	d.asksWhenItSees("all of it later", 1, vipIn([2]int64{600, 40}, [2]int64{600, 45}, caches))

	d = watched(t)
	d.state.expansions["x"].Source = nil // committed by an earlier build
	d.asksWhenItSees("nobody had looked", 0, vipIn([2]int64{600, 40}, [2]int64{600, 45}, caches))
	d.asksWhenItSees("now it counts", 1, vipIn([2]int64{900, 40}, [2]int64{900, 45}, caches))
	if d.state.watching() {
		t.Error("it is watched while its refresh waits")
	}
}
