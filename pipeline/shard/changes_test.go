package shard_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"

	"kindred/schemas"
	"kindred/schemas/wire"
)

// tell has the next owner write the log of changes, as one that has been whole since then.
func (w *world) tell(since string) {
	w.since = since
	w.worker = w.newWorker()
}

// switchLog switches the log of changes off, or on: under a new name, or under the last one, as after an earlier build has run.
func (w *world) switchLog(r *rand.Rand) {
	w.crash()
	switch {
	case w.since != "":
		w.last = w.since
		w.tell("")
	case w.last != "" && r.IntN(2) == 0:
		w.tell(w.last)
	default:
		w.tell(fmt.Sprint("since ", r.Uint64()))
	}
	w.run()
}

// changes returns all that the log of changes has from an offset on.
func (w *world) changes(from int64) (all []schemas.MembershipChange) {
	w.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, batch := range w.log(w.topic(schemas.MembershipChanges), 0).batches {
		_, err := wire.Set{Data: batch, From: from}.Each(func(r *wire.Record) error {
			var c schemas.MembershipChange
			if err := json.Unmarshal(r.Value, &c); err == nil && r.Offset >= from {
				_, customer, _ := schemas.SplitKey(r.Key)
				expansion, _, _ := schemas.SplitKey(r.Key)
				c.ExpansionID, c.CustomerID = string(expansion), string(customer)
				all = append(all, c)
			}
			return nil
		})
		if err != nil {
			w.Fatal(err)
		}
	}
	return all
}

// told returns the members whom a reader has who applies all changes in their order.
func (w *world) told() []string {
	last := map[string]string{}
	for _, c := range w.changes(0) {
		key := c.ExpansionID + "/" + c.CustomerID
		if delete(last, key); c.Change != schemas.Left {
			last[key] = fmt.Sprintf("%s %.0f %d", key, *c.Score*10_000, slices.Index(schemas.BandNames[:], *c.Band))
		}
	}
	all := []string{}
	for _, member := range last {
		all = append(all, member)
	}
	sort.Strings(all)
	return all
}

// short returns changes in words: what changed of whom, from and to which score, and why.
func short(changes []schemas.MembershipChange) (all []string) {
	for _, c := range changes {
		words := c.CustomerID + " " + c.Change + " by " + c.Cause
		if c.Was != nil {
			words += fmt.Sprintf(" from %.4f %s", c.Was.Score, c.Was.Band)
		}
		if c.Score != nil {
			words += fmt.Sprintf(" to %.4f %s", *c.Score, *c.Band)
		}
		all = append(all, words)
	}
	sort.Strings(all)
	return all
}

func TestEveryChangeIsToldWithAValue(t *testing.T) {
	w := newWorld(t)
	w.tell("since")
	w.run()
	defer func() { w.stop() }()
	from := int64(0)
	check := func(when string, want ...string) {
		t.Helper()
		w.check(when)
		if got := short(w.changes(from)); !slices.Equal(got, want) {
			t.Errorf("%s:\n got %q\nwant %q", when, got, want)
		}
		from = w.end(w.topic(schemas.MembershipChanges), 0)
	}
	w.profile("annie", "Oslo")
	w.profile("bobby", "Oslo")
	w.check("without a model")
	w.model("x", 1, 5000, "Oslo", "Bergen")
	check("a run", "annie entered by run to 0.8214 very similar", "bobby entered by run to 0.8214 very similar")
	w.profile("annie", "Bergen")
	check("a profile", "annie changed by profile from 0.8214 very similar to 0.7722 similar")
	w.profile("annie", "Bergen")
	check("the same profile again")
	w.refuse("annie")
	check("consent", "annie left by consent from 0.7722 similar")
	w.delete("x", 2)
	check("a deletion", "bobby left by delete from 0.8214 very similar")
}

// What is in the log is not written again by who takes over, whatever had been saved.
func TestATakeOverTellsNothingAgain(t *testing.T) {
	w := newWorld(t)
	w.tell("since")
	w.run()
	defer func() { w.stop() }()
	for i := range 20 {
		w.profile(fmt.Sprint("c", i), "Oslo")
	}
	w.model("x", 1, 5000, "Oslo", "Bergen")
	w.check("at first")
	told := func() int64 { return w.end(w.topic(schemas.MembershipChanges), 0) }
	check := func(when string, want int64) {
		t.Helper()
		w.until("the shard is taken over", w.worker.Ready)
		w.check(when)
		if got := told(); got != want {
			t.Errorf("%s: %d changes in the log, want %d", when, got, want)
		}
	}
	w.crash()
	w.run()
	check("saved", 20)
	w.redis.SetError("away")
	w.profile("c1", "Bergen")
	w.erase("c2")
	w.until("that is published", func() bool { return w.end(w.topic(schemas.Memberships), 0) == 22 })
	w.crash()
	w.redis.SetError("")
	w.run()
	check("not saved", 22)
	w.crash()
	w.redis.FlushAll()
	w.run()
	check("from an empty cache", 22)
}

// A crash may leave a change without its membership, or a membership without its change.
func TestOneOfTheTwoIsCompletedByTheOther(t *testing.T) {
	memberships, changes := prefix.Topic(schemas.Memberships), prefix.Topic(schemas.MembershipChanges)
	for lost, want := range map[string][]string{
		memberships: {"annie entered by profile to 0.8214 very similar"},
		changes:     {"annie changed by profile to 0.8214 very similar"},
	} {
		t.Run(lost, func(t *testing.T) {
			w := newWorld(t)
			w.tell("since")
			w.run()
			w.model("x", 1, 5000, "Oslo")
			w.check("at first")
			w.mu.Lock()
			w.kafka.lost = lost
			w.mu.Unlock()
			w.profile("annie", "Oslo")
			w.until("one of the two is there", func() bool { return w.end(memberships, 0)+w.end(changes, 0) == 1 })
			w.crash()
			w.kafka.lost = ""
			w.run()
			defer func() { w.stop() }()
			w.check("taken over")
			if got := short(w.changes(0)); !slices.Equal(got, want) {
				t.Errorf("%s is lost: got %q, want %q", lost, got, want)
			}
		})
	}
}

// Who is switched on later tells once who is there, and after a time without only what is no longer as it was told.
func TestWhoWasThereBeforeTheLogIsTold(t *testing.T) {
	w := newWorld(t)
	w.run()
	defer func() { w.stop() }()
	for _, id := range []string{"annie", "bobby", "cathy", "danny"} {
		w.profile(id, "Oslo")
	}
	w.model("x", 1, 5000, "Oslo", "Bergen")
	w.check("without a log")
	from := int64(0)
	check := func(when string, want ...string) {
		t.Helper()
		w.check(when)
		if got := short(w.changes(from)); !slices.Equal(got, want) {
			t.Errorf("%s:\n got %q\nwant %q", when, got, want)
		}
		from = w.end(w.topic(schemas.MembershipChanges), 0)
	}
	w.crash()
	w.tell("at first")
	w.run()
	check("switched on", "annie changed by repair to 0.8214 very similar", "bobby changed by repair to 0.8214 very similar",
		"cathy changed by repair to 0.8214 very similar", "danny changed by repair to 0.8214 very similar")
	w.crash()
	w.tell("")
	w.run()
	w.erase("annie")
	w.profile("bobby", "Bergen")
	w.profile("eliza", "Oslo")
	w.check("switched off")
	w.crash()
	w.tell("again")
	w.run()
	check("switched on again", "annie left by repair from 0.8214 very similar",
		"bobby changed by repair from 0.8214 very similar to 0.7722 similar", "eliza changed by repair to 0.8214 very similar")
}

func TestAChangeOfSomebodyElseIsAnswered(t *testing.T) {
	w := newWorld(t)
	w.tell("since")
	w.run()
	defer func() { w.stop() }()
	w.profile("annie", "Oslo")
	w.model("x", 1, 5000, "Oslo")
	w.check("at first")
	for _, value := range []string{`{"change":"left","score":null,"band":null}`, `{"change":"entered","score":0.9,"band":"very similar"}`, `?`} {
		for _, customer := range []string{"annie", "nobody"} {
			w.write(w.topic(schemas.MembershipChanges), 0, "x/"+customer, []byte(value))
			w.check(customer + ": " + value)
		}
	}
	if n := w.end(w.topic(schemas.DeadLetters), 0); n != 2 {
		t.Errorf("%d dead letters, want one of each that cannot be read", n)
	}
}

// Members of whom there is no model yet are told with the model that makes them members, though they were published before.
func TestWhoWasPublishedWithoutAModelIsTold(t *testing.T) {
	publish := func(w *world) {
		w.write(w.topic(schemas.Memberships), 0, "x/annie", schemas.AppendMembership(nil, "x", []byte("annie"), 8214, 3, 1, "old", 0))
	}
	for when, begin := range map[string]func(*world){
		"before the log": func(w *world) { publish(w); w.tell("since"); w.run() },
		"while it is off": func(w *world) {
			w.run()
			publish(w)
			w.settle()
			w.crash()
			w.tell("since")
			w.run()
		},
		"before the shard is taken over": func(w *world) {
			w.tell("since")
			w.run()
			w.settle()
			w.crash()
			publish(w)
			w.run()
		},
		"while it is owned": func(w *world) { w.tell("since"); w.run(); w.settle(); publish(w) },
	} {
		t.Run(when, func(t *testing.T) {
			w := newWorld(t)
			w.profile("annie", "Oslo")
			begin(w)
			defer func() { w.stop() }()
			w.settle()
			w.model("x", 1, 5000, "Oslo")
			w.check("with a model")
		})
	}
}

// An earlier build knows nothing of the log, and so does not say that it has gone on without.
func TestWhatAnEarlierBuildHasPublishedIsTold(t *testing.T) {
	w := newWorld(t)
	w.tell("since")
	w.run()
	defer func() { w.stop() }()
	w.profile("annie", "Oslo")
	w.profile("bobby", "Oslo")
	w.model("x", 1, 5000, "Oslo")
	w.check("at first")
	w.crash()
	w.tell("")
	w.run()
	w.erase("annie")
	w.profile("cathy", "Oslo")
	w.check("by an earlier build")
	w.crash()
	w.tell("since")
	w.run()
	w.check("by this one")
}

// The log of changes decides nothing. When it has lost its end, or was made anew under the same id, all members are told again.
func TestALogOfChangesThatIsLostIsToldAnew(t *testing.T) {
	w := newWorld(t)
	w.tell("since")
	w.run()
	defer func() { w.stop() }()
	for _, id := range []string{"annie", "bobby", "cathy"} {
		w.profile(id, "Oslo")
	}
	w.model("x", 1, 5000, "Oslo")
	w.check("at first")
	lose := func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		*w.log(w.topic(schemas.MembershipChanges), 0) = log{}
	}
	w.crash()
	lose()
	w.run()
	w.check("lost between two owners")
	w.stop()
	lose()
	w.run()
	w.check("lost while a worker had no shard")
	lose()
	w.check("lost while it is owned")
}
