package shard_test

import (
	"fmt"
	"strings"
	"testing"

	"kindred/schemas"
	"kindred/schemas/wire"
)

// What moves a customer in an expansion moves it, in the same turn, in those that are built on it, whatever their ids. A model
// of one may come before that of another that it uses.
func TestChangesFlowThroughChains(t *testing.T) {
	w := newWorld(t)
	w.profile("ann", "Oslo")
	w.profile("bob", "Bergen")
	w.profile("cat", "Rome")
	w.profile("dan", "Oslo")
	w.member("vip", "dan", true)
	within := schemas.Definition{SourceSegmentID: "vip", Candidates: schemas.Candidates{SegmentID: "x"}}
	w.define("a-within", 1, 6000, within, "Bergen", "Rome", "Oslo")
	w.define("b-without", 1, 6000, schemas.Definition{SourceSegmentID: "vip", Suppress: []string{"x"}}, "Rome", "Bergen", "Oslo")
	w.define("c-beyond", 1, 6000, schemas.Definition{SourceSegmentID: "x", ExcludeSource: true, Suppress: []string{"a-within"}},
		"Oslo", "Bergen", "Rome")
	w.run()
	defer func() { w.stop() }()
	w.check("before the expansion has a model, nobody is in it")
	w.model("x", 1, 6000, "Oslo", "Bergen")
	w.check("a model brings members to those built on it")
	w.profile("cat", "Oslo")
	w.check("a changed profile")
	w.profile("ann", "Paris")
	w.check("a changed profile, out")
	w.refuse("bob")
	w.check("consent withdrawn")
	w.member("vip", "cat", true)
	w.check("who enters the source of the first leaves it, and so the next")
	w.snapshot("vip", "ann", "bob")
	w.check("a snapshot of the source of the first")
	w.model("x", 2, 8000, "Rome", "Oslo")
	w.check("a new cut of the first")
	w.crash()
	w.profile("eve", "Rome")
	w.define("a-within", 2, 6000, within, "Rome")
	w.run()
	w.check("models read from the cache, and a newer one")
	w.redis.FlushAll()
	w.check("after the loss of the cache")
	w.delete("x", 3)
	w.check("a deletion, if the log holds one, is nobody in the first")
	w.model("x", 4, 6000, "Rome", "Oslo")
	w.check("expanded anew")
}

// A live change is the cause of what it moves, in the first and in the next. What a run of the first moves in the next is no part
// of that run, nor of the next one's.
func TestWhatARunMovesInOthersIsNotCountedForIt(t *testing.T) {
	w := newWorld(t)
	w.run()
	defer func() { w.stop() }()
	for i := range 50 {
		w.profile(fmt.Sprint("c", i), []string{"Oslo", "Rome"}[i%2])
	}
	w.check("nobody yet")
	w.model("x", 1, 6000, "Oslo")
	w.define("a", 1, 6000, schemas.Definition{SourceSegmentID: "vip", Candidates: schemas.Candidates{SegmentID: "x"}}, "Oslo", "Rome")
	w.check("at first")
	w.model("x", 2, 6000, "Rome")
	w.check("another model of the first")
	meta, err := w.cache.ReadMeta(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if p := meta.Expansions["x"]; p.Entered != 25 || p.Left != 25 {
		t.Errorf("the run has moved 25 in and 25 out, counted %+v", p)
	}
	if p := meta.Expansions["a"]; p.Entered != 25 || p.Left != 0 {
		t.Errorf("the only run of the next has moved 25 in, counted %+v", p)
	}
	if causes := w.causes("a/"); causes[schemas.ByRun] != 25 || causes[schemas.BySegment] != 50 || len(causes) != 2 {
		t.Errorf("the causes are %v", causes)
	}
	w.profile("c0", "Rome")
	w.check("a live change")
	if causes := w.causes("a/"); causes[schemas.ByProfile] != 1 {
		t.Errorf("a changed profile is the cause, not %v", causes)
	}
	if _, n, _ := w.owner.Stats.Latency.Read(); n != 2 {
		t.Errorf("%d records were caused by live events, want 2", n)
	}
}

// causes counts the membership records of an expansion by their cause.
func (w *world) causes(prefix string) map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	causes := map[string]int{}
	for _, batch := range w.log(w.topic(schemas.Memberships), 0).batches {
		_, err := wire.Set{Data: batch}.Each(func(r *wire.Record) error {
			if strings.HasPrefix(string(r.Key), prefix) {
				by, _ := r.Headers.Get(schemas.HeaderCause)
				causes[string(by)]++
			}
			return nil
		})
		w.OK(err)
	}
	return causes
}

// A publication whose fate is unknown makes nobody a member of another expansion, not even for a moment.
func TestAnAbandonedPublicationIsAnsweredBeforeOthersBuildOnIt(t *testing.T) {
	w := newWorld(t)
	for i := range 4000 { // more than one publication holds, in one block
		w.profile(fmt.Sprint("c", i), "Oslo")
	}
	w.model("x", 1, 6000, "Oslo")
	w.define("a", 1, 6000, schemas.Definition{SourceSegmentID: "vip", Suppress: []string{"x"}}, "Oslo")
	w.run()
	defer func() { w.stop() }()
	w.check("at first")
	w.mu.Lock()
	first := true
	w.kafka.abandon = func() (stored, acknowledged bool) {
		stored, first = !first, false
		return stored, stored
	}
	w.mu.Unlock()
	w.model("x", 2, 6000, "Rome", "Oslo")
	w.check("all have another score")
	if causes := w.causes("a/"); len(causes) > 0 {
		t.Errorf("membership records of an expansion that suppresses all: %v", causes)
	}
}
