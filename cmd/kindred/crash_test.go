package main

import (
	"maps"
	"testing"

	"kindred/schemas"
)

// TestTwoProcessesActAsOne: the same inputs give the same records, however many processes share the shards.
func TestTwoProcessesActAsOne(t *testing.T) {
	everywhere(t, func(alone *world) {
		alone.serve()
		alone.story()

		shared := alone.another()
		shared.told = true // which changes nothing for who reads memberships
		shared.start()
		shared.start()
		shared.wait("two processes with half of the shards each", func() string {
			members := shared.members("shards").Members
			if len(members) == 2 && members[0].shards == shardsOfAWorld/2 && members[1].shards == shardsOfAWorld/2 {
				return ""
			}
			return "not yet"
		})
		shared.story()

		shared.same("two processes and one", shared.market.places(), alone.market.places())
		for key, one := range alone.market.members {
			two := shared.market.members[key]
			two.ChangedAt = one.ChangedAt // each the time of the same cause, which was told twice
			two.Epoch = one.Epoch         // one more where control changed hands during an attempt
			if two != one {
				shared.Fatalf("%s is %+v with two processes, %+v with one", key, two, one)
			}
		}
	})
}

// story is a short game. At its end downstream has what the judge finds.
func (w *world) story() {
	w.Helper()
	w.declare()
	w.bring(0, crowd)
	w.segment("vip", `"added":%s`, vips(0, crowd))
	w.successful("more", `"action":"expand","sourceSegmentId":"vip","share":0.3,"holdout":0.1`)
	w.chain()
	w.agree()
	w.profile(w.outsider(vips(0, crowd), w.market.of("more")), first(w.market.of("more"), 1)[0])
	w.agree()
	w.successful("more", `"action":"edit","share":0.5,"fields":["Age","Membership","TravelStyle","Channel"]`)
	w.agree()
}

// chain builds two expansions on "more", and waits until they are there.
func (w *world) chain() {
	w.Helper()
	from := w.end(schemas.Runs)
	w.request("among", `"action":"expand","sourceSegmentId":"vip","candidates":{"segmentId":"more"},"share":0.5,"holdout":0.2`)
	onMore := w.request("beyond", `"action":"expand","sourceSegmentId":"more","suppress":["among"],"share":0.5,"floor":0`)
	if run := w.await(from, func(r schemas.Run) bool { return r.RunID == onMore }); run.Status != schemas.Successful {
		w.Fatalf("the run is %s: %v", run.Status, run.Error)
	}
}

// TestKilledAtAnyPoint kills the only process while it takes in profiles and in every stage of a run, and loses the cache
// while it is down. Nothing is missing at the end, and nobody has left on the way who did not have to.
func TestKilledAtAnyPoint(t *testing.T) {
	everywhere(t, func(w *world) {
		w.told = true
		w.declare()
		w.segment("vip", `"added":%s`, vips(0, crowd))

		p := w.start()
		w.bring(0, crowd/2)
		w.wait("some profiles to be taken in", func() string {
			if w.taken() == 0 {
				return "none"
			}
			return ""
		})
		w.bring(crowd/2, crowd)
		p.kill()
		if w.taken() == crowd {
			w.Log("all profiles had been taken in before the kill")
		}
		w.forget()

		from := w.end(schemas.Runs)
		onVIP := w.request("more", `"action":"expand","sourceSegmentId":"vip","share":0.3,"holdout":0.1`)
		w.request("among", `"action":"expand","sourceSegmentId":"vip","candidates":{"segmentId":"more"},"share":0.5,"holdout":0.2`)
		onMore := w.request("beyond", `"action":"expand","sourceSegmentId":"more","suppress":["among"],"share":0.5,"floor":0`)
		for _, at := range []struct {
			run   string
			stage schemas.Stage
		}{{onVIP, schemas.Reading}, {onVIP, schemas.Training}, {onVIP, schemas.Publishing}, {onMore, schemas.Publishing}} {
			p = w.start()
			if !w.over(at.run) { // it may have been quicker than the last kill
				w.hear(from, func(r schemas.Run) bool { return r.RunID == at.run && (r.Stage == at.stage || r.Status.Final()) })
			}
			p.kill()
			w.forget()
			from = w.end(schemas.Runs)
		}
		p = w.start()
		for _, asked := range []string{onVIP, onMore} {
			if run := w.await(0, func(r schemas.Run) bool { return r.RunID == asked }); run.Status != schemas.Successful {
				w.Fatalf("the run is %s: %v", run.Status, run.Error)
			}
		}
		w.agree()
		for _, m := range w.market.news() {
			if m.kind == schemas.TypeMembershipLeft {
				w.Errorf("%s has left by %s", m.key, m.cause)
			}
		}

		undisturbed := w.another()
		undisturbed.serve()
		undisturbed.declare()
		undisturbed.segment("vip", `"added":%s`, vips(0, crowd))
		undisturbed.bring(0, crowd)
		undisturbed.successful("more", `"action":"expand","sourceSegmentId":"vip","share":0.3,"holdout":0.1`)
		undisturbed.chain()
		undisturbed.agree()
		w.same("a process that was killed and one that was not", w.market.places(), undisturbed.market.places())

		// A loss of the cache alone tells nobody anything; what was said meanwhile is taken in.
		p.kill()
		w.forget()
		gone := first(w.market.of("more"), 1)[0]
		w.erase(schemas.Profiles, gone)
		before := maps.Clone(w.market.places())
		w.start()
		w.agree()
		left := []string{gone}
		if _, among := before["among/"+gone]; among {
			left = []string{"among/" + gone, gone}
		}
		w.moves(schemas.TypeMembershipLeft, "erasure", left...)
		delete(before, "more/"+gone)
		delete(before, "among/"+gone)
		w.same("before and after the loss of the cache", w.market.places(), before)
	})
}

// taken counts the profiles that the cache has taken in, as far as it has been saved.
func (w *world) taken() (sum int64) {
	w.Helper()
	metas, err := w.cache.ReadMetas(w.Ctx, shardsOfAWorld)
	w.OK(err)
	for _, m := range metas {
		if m != nil {
			sum += m.Offsets.Profiles
		}
	}
	return sum
}
