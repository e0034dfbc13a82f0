package main

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"kindred/pipeline/oracle"
	"kindred/schemas"
	"kindred/schemas/wire"
)

const crowd = 3000 // customers of a story

// TestTheWholeGame plays what upstream can do, by records alone. After every move, who consumes memberships has exactly
// what the judge finds in the inputs.
func TestTheWholeGame(t *testing.T) {
	everywhere(t, func(w *world) {
		w.serve()
		w.declare()
		w.bring(0, crowd)
		source := vips(0, crowd)
		w.segment("vip", `"name":"VIP customers","added":%s`, source)

		run := w.successful("more", `"action":"expand","sourceSegmentId":"vip","share":0.3`)
		w.agree()
		members := w.market.of("more")
		w.moves(schemas.TypeMembershipEntered, "run", slices.Sorted(maps.Keys(members))...)
		w.reported(run, members)
		for _, id := range source {
			if _, is := members[id]; is {
				w.Errorf("%s is in the source and a member", id)
			}
		}

		w.successful("more", `"action":"refresh"`)
		w.agree()
		w.moves("", "") // nothing has changed

		best, runnerUp, outsider := first(members, 1)[0], first(members, 2)[1], w.outsider(source, members)
		w.profile(outsider, best) // lives like the best member from now on
		w.agree()
		w.moves(schemas.TypeMembershipEntered, "profile", outsider)
		w.say(schemas.Profiles, best, `{"fields":{}}`)
		w.agree()
		w.moves(schemas.TypeMembershipLeft, "profile", best)
		w.say(schemas.Profiles, runnerUp, `{"profiling":false,"fields":{}}`)
		w.agree()
		w.moves(schemas.TypeMembershipLeft, "consent", runnerUp)
		w.erase(schemas.Profiles, outsider)
		w.agree()
		w.moves(schemas.TypeMembershipLeft, "erasure", outsider)

		next := first(w.market.of("more"), 2)
		w.segment("vip", `"added":%s`, next[:1]) // joins the source
		w.agree()
		w.moves(schemas.TypeMembershipLeft, "segment", next[0])
		w.segment("vip", `"removed":%s`, next[:1])
		w.agree()
		w.moves(schemas.TypeMembershipEntered, "segment", next[0])
		w.segment("vip", `"snapshot":"s-1","part":1,"parts":2,"members":%s`, source[:len(source)/2])
		w.agree()
		w.moves("", "") // a snapshot counts once it is whole
		w.segment("vip", `"snapshot":"s-1","part":2,"parts":2,"members":%s`, append(source[len(source)/2:], next[1]))
		w.agree()
		w.moves(schemas.TypeMembershipLeft, "segment", next[1])

		w.refused("of-nobody", `"action":"expand","sourceSegmentId":"nobody"`, schemas.CodeUnknownSegment)
		w.refused("more", `"action":"expand","sourceSegmentId":"vip"`, schemas.CodeExists)
		w.say(schemas.Profiles, next[0], `{"fields":{"Gender":"F","Gender":"M"}}`)
		w.agree()
		w.moves("", "")
		w.deadLetters(next[0])

		w.successful("more", `"action":"edit","share":0.6`)
		w.agree()
		for _, m := range w.market.news() {
			if m.kind == schemas.TypeMembershipLeft {
				w.Errorf("%s has left for a larger share", m.key)
			}
		}
		from := w.end(schemas.Runs)
		w.say(schemas.DataEvents, "shop", `{"batchId":"b-1"}`)
		w.await(from, func(r schemas.Run) bool { return r.Cause == schemas.CauseDataEvent && r.Status == schemas.Successful })
		w.agree()
		w.successful("more", `"action":"delete"`)
		w.agree()
		if left := w.market.of("more"); len(left) > 0 {
			w.Errorf("%d members after the delete", len(left))
		}
	})
}

// first returns the best members, best first.
func first(members map[string]oracle.Place, n int) []string {
	ids := slices.SortedFunc(maps.Keys(members), func(a, b string) int {
		if members[a].Score != members[b].Score {
			return members[b].Score - members[a].Score
		}
		return strings.Compare(a, b)
	})
	return ids[:n]
}

// outsider is a customer who is neither in the source nor a member.
func (w *world) outsider(source []string, members map[string]oracle.Place) string {
	for number := range crowd {
		id := customer(number)
		if _, is := members[id]; !is && !slices.Contains(source, id) {
			return id
		}
	}
	w.Fatal("everybody is a member")
	return ""
}

// profile gives a customer the fields of another.
func (w *world) profile(id, like string) {
	w.Helper()
	for number := range crowd {
		if customer(number) == like {
			text := string(upstream.AppendProfile(nil, number))
			w.say(schemas.Profiles, id, strings.ReplaceAll(text, like, id))
		}
	}
}

// moves demands that these customers of the expansion "more" have moved since the last look, for this cause, and nobody else.
func (w *world) moves(kind, cause string, customers ...string) {
	w.Helper()
	var moved []string
	for _, m := range w.market.news() {
		if m.kind != kind || m.cause != cause {
			w.Errorf("%s %s by %s", m.key, m.kind, m.cause)
		}
		moved = append(moved, strings.TrimPrefix(m.key, "more/"))
	}
	slices.Sort(moved)
	if !slices.Equal(moved, customers) {
		w.Errorf("%d have moved, %.9q; want %d, %.9q", len(moved), moved, len(customers), customers)
	}
}

// reported demands that a report says of its members what the records say.
func (w *world) reported(run schemas.Run, members map[string]oracle.Place) {
	w.Helper()
	r := run.Report
	n := int64(len(members))
	if r.Counts.Members != n || r.Counts.Entered != n || r.Counts.Left != 0 || r.Counts.Changed != 0 || n == 0 {
		w.Errorf("%d members, reported %+v", n, r.Counts)
	}
	lowest, bands := 10000, [4]int64{}
	for _, place := range members {
		lowest = min(lowest, place.Score)
		bands[place.Band]++
	}
	if floor := 5500; lowest < floor || lowest != int(r.Cut*10000+0.5) {
		w.Errorf("the lowest score is %d, the cut %v, the floor %d", lowest, r.Cut, floor)
	}
	for band, count := range r.Distribution {
		if count.Members != bands[band] {
			w.Errorf("%d members are %s, reported %d", bands[band], count.Band, count.Members)
		}
	}
}

// refused demands that a request fails, for a reason, with a way out.
func (w *world) refused(expansion, what, code string) {
	w.Helper()
	run := w.ask(expansion, what)
	if run.Status != schemas.Failed || run.Error == nil || run.Error.Code != code || run.Error.Hint == "" {
		w.Errorf("%s: %s, %+v; want failed with %s and a hint", what, run.Status, run.Error, code)
	}
}

// deadLetters demands that these keys, and no others, have become dead letters.
func (w *world) deadLetters(keys ...string) {
	w.Helper()
	var dead []string
	topic := w.kafka.prefix.Topic(schemas.DeadLetters)
	w.OK(wire.ReadTo(w.Ctx, w.kafka.fetcher, wire.Position{Topic: topic}, w.end(schemas.DeadLetters), func(r *wire.Record) error {
		for _, reason := range []string{"topic", "offset", "code", "message"} {
			if text, _ := r.Headers.Get("kindred.error." + reason); len(text) == 0 {
				w.Errorf("dead letter %s does not say its %s", r.Key, reason)
			}
		}
		dead = append(dead, string(r.Key))
		return nil
	}))
	if !slices.Equal(dead, keys) {
		w.Errorf("dead letters %q, want %q", dead, keys)
	}
}
