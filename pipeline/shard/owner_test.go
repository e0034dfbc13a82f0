package shard_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"kindred/pipeline/cache"
	"kindred/schemas"
)

func TestMembersFollowEveryInput(t *testing.T) {
	w := newWorld(t)
	w.run()
	defer func() { w.stop() }()
	w.profile("ann", "Oslo")
	w.profile("bob", "Bergen")
	w.profile("cat", "Rome")
	w.profile("dan", "Oslo")
	w.member("vip", "dan", true)
	w.check("without a model nobody is a member")
	w.model("vip-expansion", 1, 5000, "Oslo", "Bergen")
	w.check("the model brings members, but not from the source")
	w.profile("cat", "Oslo")
	w.check("a changed profile enters")
	w.profile("ann", "Rome")
	w.check("a changed profile leaves")
	w.refuse("cat")
	w.check("consent withdrawn leaves")
	w.erase("bob")
	w.check("an erased customer leaves")
	w.member("vip", "dan", false)
	w.check("who leaves the source may become a member")
	w.snapshot("staff", "dan", "nobody")
	w.check("a snapshot of a suppressed segment takes out")
	w.snapshot("staff")
	w.check("an empty snapshot lets in again")
	w.profile("eve", "Bergen")
	w.model("vip-expansion", 2, 8000, "Oslo")
	w.check("a new model moves the cut")
	w.delete("vip-expansion", 3)
	w.check("a deletion leaves nobody")
}

// When a field has too many values, nobody's counts; when it has few again, everybody's does: also of those whose profiles
// have not come again since the model did.
func TestMembersFollowAFieldThatHasTooManyValuesForAWhile(t *testing.T) {
	w := newWorld(t)
	w.run()
	defer func() { w.stop() }()
	load := func(city func(i int) string) {
		for i := range 300 {
			w.profile(fmt.Sprint("c", i), city(i))
		}
	}
	load(func(int) string { return "Oslo" })
	w.model("x", 1, 5000, "Oslo")
	w.check("at first")
	load(func(i int) string { return fmt.Sprint("town ", i) })
	load(func(i int) string { return "Oslo" })
	w.check("everybody lives in Oslo again")
	if len(w.published()) != 300 {
		t.Errorf("%d are members", len(w.published()))
	}
	for i := range 254 {
		w.profile(fmt.Sprint("c", i), fmt.Sprint("town ", i))
	}
	w.settle()
	w.until("Oslo speaks for nobody any more", func() bool {
		return !slices.ContainsFunc(w.published(), func(member string) bool { return !strings.Contains(member, " 5000 ") })
	})
}

func TestTheSameModelAgainPublishesNothing(t *testing.T) {
	w := newWorld(t)
	w.run()
	defer func() { w.stop() }()
	for i := range 50 {
		w.profile(fmt.Sprint("c", i), "Oslo")
	}
	w.model("x", 1, 5000, "Oslo")
	w.check("at first")
	end := w.end(w.topic(schemas.Memberships), 0)
	w.model("x", 2, 5000, "Oslo")
	w.check("after a refresh")
	if now := w.end(w.topic(schemas.Memberships), 0); now != end {
		t.Errorf("a refresh that changes nothing published %d records", now-end)
	}
	meta, err := w.cache.ReadMeta(context.Background(), 0)
	if err != nil {
		t.Fatal(err)
	}
	p := meta.Expansions["x"]
	if p.Epoch != 2 || p.PassDone != p.PassOf || p.Entered != 0 || p.Members != [4]int64{0, 0, 0, 50} {
		t.Errorf("progress after the refresh: %+v", p)
	}
}

// A model that decides as the one before has nothing to publish, but for what the pass before it has not yet.
func TestTheSameModelDuringAPassPublishesTheRest(t *testing.T) {
	w := newWorld(t)
	const customers = 2*cache.BlockRows + 1 // of several slices
	for i := range customers {
		w.profile(fmt.Sprint("c", i), "Oslo")
	}
	published := 0
	w.publishing = func(context.Context) {
		if published++; published == 1 {
			w.model("x", 2, 5000, "Oslo")
			w.until("it has come", func() bool { return w.owner.Queued() > 0 })
		}
	}
	w.run()
	defer func() { w.stop() }()
	w.settle()
	w.model("x", 1, 5000, "Oslo")
	w.check("with both")
	byRun := map[string]int{}
	for key, value := range w.compacted(w.topic(schemas.Memberships), 0) {
		_, _, _, run, err := schemas.ReadMembership(value)
		if err != nil {
			t.Fatalf("%s: %v", key, err)
		}
		byRun[string(run)]++
	}
	meta, err := w.cache.ReadMeta(context.Background(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if p := meta.Expansions["x"]; p.Epoch != 2 || p.PassDone != p.PassOf || p.Entered != int64(byRun["r2"]) || byRun["r1"] == 0 || byRun["r2"] == 0 {
		t.Errorf("%v were published by run, progress %+v", byRun, p)
	}
}

func TestWhatNobodyCanReadIsADeadLetter(t *testing.T) {
	w := newWorld(t)
	w.run()
	defer func() { w.stop() }()
	w.model("x", 1, 5000, "Oslo")
	w.write(w.topic(schemas.Profiles), 0, "ann", []byte(`{"customerId":"ann","fields":`))
	w.write(w.topic(schemas.Profiles), 0, "bob", []byte(`{"customerId":"ann","fields":{}}`))
	w.profile("cat", "Oslo")
	w.check("the others go on")
	if n := w.end(w.topic(schemas.DeadLetters), 0); n != 2 {
		t.Errorf("%d dead letters, want 2", n)
	}
}

func TestADeadLetterThatFailsIsWrittenOnce(t *testing.T) {
	w := newWorld(t)
	first := true
	w.kafka.abandon = func() (stored, acknowledged bool) {
		stored, first = !first, false
		return stored, stored
	}
	w.run()
	defer func() { w.stop() }()
	w.write(w.topic(schemas.Profiles), 0, "ann", []byte(`{`))
	w.check("the shard goes on")
	if n := w.end(w.topic(schemas.DeadLetters), 0); n != 1 {
		t.Errorf("%d dead letters, want 1", n)
	}
}

// An id that the cache could not hold, or that would make a membership nobody could read back, goes no further.
func TestImpossibleIDsAreDeadLetters(t *testing.T) {
	w := newWorld(t)
	w.run()
	defer func() { w.stop() }()
	w.memberOf("vip", "a\x00b", true, 0)
	w.memberOf("vip", strings.Repeat("long", 100), true, 10)
	w.model("x/y", 1, 0, "Oslo")
	delete(w.models, "x/y")
	w.memberOf("vip", "a\x00b", false, 0) // nobody has that row, so nothing is wrong
	w.profile("ann", "Oslo")
	w.model("x", 1, 5000, "Oslo")
	w.check("the others go on")
	if n := w.end(w.topic(schemas.DeadLetters), 0); n != 3 {
		t.Errorf("%d dead letters, want 3", n)
	}
}

func TestALivingOwnerHealsTheCache(t *testing.T) {
	w := newWorld(t)
	w.run()
	defer func() { w.stop() }()
	w.profile("ann", "Oslo")
	w.model("x", 1, 5000, "Oslo")
	w.check("at first")
	block := string(prefix) + "{0}:rows:0"
	want, err := w.redis.Get(block)
	if err != nil {
		t.Fatal(err)
	}
	heals := func(what string, harm func()) {
		t.Helper()
		harm()
		w.until(what, func() bool {
			got, err := w.redis.Get(block)
			return err == nil && got == want
		})
	}
	heals("a dropped block is there again", func() { w.redis.Del(block) })
	heals("a lost cache is there again", func() { w.redis.FlushAll() })
	w.check("and nothing else has changed")
}

// Segments come and go, mostly under new names: those that nobody needs any more must not stay in the cache for ever. A model
// that needs one all the same gets what Kafka still has.
func TestASegmentThatIsGoneTakesNoRoom(t *testing.T) {
	w := newWorld(t)
	w.profile("ann", "Oslo")
	w.profile("bob", "Oslo")
	w.run()
	w.settle()
	w.snapshot("staff", "ann", "bare")
	w.gone("staff")
	w.settle()
	holds := func(what string, size, rows int64) {
		t.Helper()
		w.until(fmt.Sprintf("%s the segment has %d members, and the cache %d rows", what, size, rows), func() bool {
			meta, err := w.cache.ReadMeta(t.Context(), 0)
			if err != nil || meta == nil || !meta.Ready || meta.Segments["staff"].Size != size {
				return false
			}
			mirror, _, err := w.cache.Load(t.Context(), 0)
			w.OK(err)
			inUse := int64(0)
			for row := range mirror.Rows() {
				if mirror.InUse(row) {
					inUse++
				}
			}
			return inUse == rows && w.redis.Exists(w.key("seg:staff:0")) == (size > 0)
		})
	}
	holds("while its owner lives", 2, 3)
	w.crash()
	w.run()
	holds("with the next owner", 0, 2)
	w.model("x", 1, 5000, "Oslo") // leaves out those of staff
	w.check("a model that needs it")
	holds("again", 2, 3)
	w.crash()
	w.run()
	w.check("while a model needs it")
	holds("while a model needs it", 2, 3)
	w.delete("x", 2)
	w.check("without the model")
	w.crash()
	w.run()
	holds("at last", 0, 2)
	w.snapshot("staff", "bob")
	w.model("y", 1, 5000, "Oslo")
	w.check("back again")
	w.stop()
}
