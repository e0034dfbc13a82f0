package shard_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"kindred/pipeline/shard"
	"kindred/schemas"
	"kindred/schemas/wire"
)

// However a take-over divides the past, the last record of each key counts that can be read.
func TestOfThePastTheLastRecordCounts(t *testing.T) {
	for _, stretch := range []int64{0, 1, 2, 3, 7} {
		t.Run(fmt.Sprint("stretches of ", stretch), func(t *testing.T) {
			w := newWorld(t)
			w.stretch = stretch
			spoilt := func(id string) { w.write(w.topic(schemas.Profiles), 0, id, []byte("{")) }
			member := func(id string, in bool) {
				var value []byte
				if in {
					value = schemas.AppendMembership(nil, "x", []byte(id), w.models["x"].Score(100_000), 3, 1, "r1", 0)
				}
				w.write(w.topic(schemas.Memberships), 0, "x/"+id, value)
			}
			w.write(w.topic(schemas.Models), 0, "x", []byte("{"))
			w.model("x", 1, 6000, "Rome")
			w.model("x", 2, 6000, "Oslo")
			w.write(w.topic(schemas.Models), 0, "x", []byte("{"))
			w.profile("left", "Oslo")
			w.profile("erased", "Oslo")
			w.profile("came", "Rome")
			spoilt("came")
			spoilt("mended")
			w.profile("mended", "Oslo")
			w.profile("stays", "Oslo")
			w.erase("erased")
			w.profile("left", "Rome")
			w.profile("came", "Oslo")
			spoilt("stays")
			w.erase("nobody")

			member("left", false)
			member("erased", true)
			member("stays", true)
			member("gone", true)
			member("erased", false)
			member("left", true)
			member("gone", false)
			before := w.end(w.topic(schemas.Memberships), 0)
			w.run()
			defer func() { w.stop() }()
			w.check("at first")
			if n := w.end(w.topic(schemas.Memberships), 0) - before; n != 3 {
				t.Errorf("%d records, want those of who came, who is mended and who left", n)
			}
			if n := w.end(w.topic(schemas.DeadLetters), 0); stretch == 1 && n != 2 || n < 2 {
				t.Errorf("%d dead letters: what was replaced in an older stretch is passed over, the last is told", n)
			}
			w.crash()
			w.run()
			w.check("by the cache")
		})
	}
}

// However far reading is ahead, what is being applied stays as it was fetched.
func TestWhatIsBeingAppliedIsNotReadOver(t *testing.T) {
	const customers, stretch = 20, 4
	w := newWorld(t)
	w.stretch = stretch
	for i := range customers {
		id := fmt.Sprint("customer-", i)
		w.profiles[id] = &person{city: "Oslo"}
		w.write(w.topic(schemas.Profiles), 0, id, []byte(`{"fields":{"City":"Oslo"},"unknown":1}`))
	}
	begun := make(chan struct{}, customers) // a value for each fetch of what was there
	w.fetching = func(from []wire.Position) {
		if from[0].Topic == w.topic(schemas.Profiles) && from[0].Offset < customers {
			begun <- struct{}{}
		}
	}
	applied, fetches := 0, 0
	made := w.worker.New
	w.worker.New = func(p int) *shard.Owner {
		o := made(p)
		o.Stats.Unknown = func([][]byte) { // at the first record of each fetch: until two more have begun
			for ; applied%stretch == 0 && fetches < min(applied/stretch+3, customers/stretch); fetches++ {
				<-begun
			}
			applied++
		}
		return o
	}
	w.run()
	defer func() { w.stop() }()
	w.settle()
	if n := len(begun); n > 0 {
		t.Errorf("%d fetches for what had been read over, want none", n)
	}
	if n := w.end(w.topic(schemas.DeadLetters), 0); n > 0 {
		t.Errorf("%d dead letters, want none", n)
	}
}

// What a take-over has read is reconciled by one pass. Each record names what has moved its customer, and the run counts its own.
func TestTheFirstPassNamesEachCause(t *testing.T) {
	w := newWorld(t)
	w.profile("anna", "Oslo")
	w.profile("bobby", "Oslo")
	w.profile("cathy", "Bergen")
	w.model("x", 1, 6000, "Oslo")
	w.run()
	defer func() { w.stop() }()
	w.check("at first")
	w.crash()
	w.snapshot("staff", "anna")
	w.model("y", 1, 5000, "Oslo", "Bergen")
	w.model("x", 2, 5000, "Oslo", "Bergen")
	w.define("z", 1, 5000, schemas.Definition{SourceSegmentID: "vip", Candidates: schemas.Candidates{SegmentID: "x"}}, "Oslo", "Bergen")
	w.run()
	w.check("what came meanwhile")
	check := func(expansion string, want map[string]int, entered, left int64) {
		t.Helper()
		if got := w.causes(expansion + "/"); !maps.Equal(got, want) {
			t.Errorf("the causes of %s are %v, want %v", expansion, got, want)
		}
		meta, err := w.cache.ReadMeta(t.Context(), 0)
		w.OK(err)
		if p := meta.Expansions[expansion]; p.Entered != entered || p.Left != left || p.PassDone != p.PassOf {
			t.Errorf("%s has %+v", expansion, *p)
		}
	}
	check("x", map[string]int{schemas.ByProfile: 2, schemas.ByRun: 2}, 1, 1) // anna has left by the newer model, which cathy entered by
	check("y", map[string]int{schemas.ByRun: 2}, 2, 0)
	check("z", map[string]int{schemas.ByRun: 2}, 2, 0)
}

// A take-over counts for a run what the run has published, also of a customer who has changed again since.
func TestWhatARunHasPublishedIsCountedWhenItIsReadBack(t *testing.T) {
	for _, stretch := range []int64{0, 1, 3} {
		t.Run(fmt.Sprint("stretches of ", stretch), func(t *testing.T) {
			w := newWorld(t)
			w.stretch = stretch
			w.model("x", 1, 6000, "Oslo")
			n := 0
			published := func(id, what, cause string) {
				var value []byte
				headers := []wire.Header{{Key: schemas.HeaderID, Value: fmt.Appendf(nil, "id-%08d", n)},
					{Key: schemas.HeaderType, Value: []byte(what)}, {Key: schemas.HeaderCause, Value: []byte(cause)}}
				if what == schemas.TypeMembershipLeft {
					headers = append(headers, wire.Header{Key: schemas.HeaderEpoch, Value: []byte("1")}, wire.Header{Key: schemas.HeaderRunID, Value: []byte("r1")})
				} else {
					value = schemas.AppendMembership(nil, "x", []byte(id), w.models["x"].Score(100_000), 3, 1, "r1", 0)
				}
				if n++; n%5 == 0 { // of somebody else
					headers[0] = headers[2]
					headers = slices.Delete(headers, 2, 3)
				}
				w.write(w.topic(schemas.Memberships), 0, "x/"+id, value, headers...)
			}
			for i := range 12 {
				id := fmt.Sprint("customer-", i)
				w.profile(id, "Oslo")
				published(id, schemas.TypeMembershipEntered, schemas.ByRun)
				published(id, schemas.TypeMembershipLeft, []string{schemas.ByProfile, schemas.ByRun, schemas.ByDelete, schemas.ByRepair}[i%4])
				published(id, schemas.TypeMembershipEntered, []string{schemas.ByRepair, schemas.ByProfile, schemas.ByRun}[i%3])
			}
			w.run()
			defer func() { w.stop() }()
			w.check("read back")
			meta, err := w.cache.ReadMeta(t.Context(), 0)
			w.OK(err)
			if p := meta.Expansions["x"]; p.Entered != 16 || p.Left != 6 {
				t.Errorf("%d have entered by the run, want 16; %d have left, want 6", p.Entered, p.Left)
			}
		})
	}
}
