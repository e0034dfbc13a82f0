package shard_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"kindred/schemas"
	"kindred/schemas/wire"
)

// Whatever happens to them, nothing is ever published of those who are held out; another share moves those between the two.
func TestNothingIsPublishedOfTheHeldOut(t *testing.T) {
	w := newWorld(t)
	w.run()
	defer func() { w.stop() }()
	const customers = 100
	load := func(city string) {
		for i := range customers {
			w.profile(fmt.Sprint("c", i), city)
		}
	}
	hold := func(epoch int64, share float64) (members []string) {
		w.define("x", epoch, 5000, schemas.Definition{SourceSegmentID: "vip", ExcludeSource: true, Holdout: share}, "Oslo", "Bergen")
		w.define("on-x", epoch, 5000, schemas.Definition{SourceSegmentID: "vip", Candidates: schemas.Candidates{SegmentID: "x"}}, "Oslo", "Bergen")
		w.check(fmt.Sprint("holding out ", share))
		for _, m := range w.published() {
			if id, ours := strings.CutPrefix(m, "x/"); ours {
				members = append(members, strings.Fields(id)[0])
			}
		}
		return members
	}
	load("Oslo")
	some := hold(1, 0.3)
	if n := len(some); n < 55 || n > 85 {
		t.Fatalf("%d of %d are members", n, customers)
	}
	load("Rome")
	w.check("all have left")
	load("Bergen")
	w.check("all are back")
	w.snapshot("vip", "c1", "c2", "c3", "c4")
	w.check("some join the source")
	w.snapshot("vip")
	w.check("and leave it")
	at := wire.Position{Topic: w.topic(schemas.Memberships)}
	w.OK(wire.ReadTo(w.Context(), w, at, w.end(at.Topic, 0), func(r *wire.Record) error {
		if _, id, _ := strings.Cut(string(r.Key), "/"); !slices.Contains(some, id) {
			t.Errorf("%s is held out, and has a record", r.Key)
		}
		return nil
	}))

	more, fewer := hold(2, 0.1), hold(3, 0.5)
	within := func(small, great []string) bool {
		return len(small) < len(great) && !slices.ContainsFunc(small, func(id string) bool { return !slices.Contains(great, id) })
	}
	if !within(some, more) || !within(fewer, some) {
		t.Errorf("members are %d, %d and %d, none of them a part of the next", len(fewer), len(some), len(more))
	}
	if all := hold(4, 0); len(all) != customers {
		t.Errorf("%d are members when nobody is held out", len(all))
	}
}
