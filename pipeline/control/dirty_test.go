package control_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"kindred/pipeline/oracle"
	"kindred/pipeline/testkit"
	"kindred/schemas"
	"kindred/schemas/wire"
)

// A number where everybody else has a text, and a text where everybody else has a number, change the membership of their
// customers alone while the model stays. The next model is what it would be with the text of that number, and without that text.
func TestOneDirtyProfileChangesNobodyElse(t *testing.T) {
	town := testkit.Town(3000)
	start := func() *world {
		w := newWorld(t, testkit.Kafka(t), "test.")
		w.pipeline()
		w.load(town)
		return w
	}
	expand := func(w *world, id string) {
		w.publish(schemas.ExpandRequests, 0, [2]string{id, `{"requestId":"expand-` + id + `","action":"expand","expansionId":"` + id +
			`","sourceSegmentId":"vip","fields":["City","Age"],"share":1}`})
		w.successful(w.ended("expand-" + id)["expand-"+id])
	}
	w := start()
	expand(w, "x")
	before := w.judged("x")

	// Of every shard three members: the last one leaves for good, and by that shows that the others have been dealt with.
	touched := map[string]bool{}
	var leave []string
	byShard := make([][]string, shards)
	for _, id := range slices.Sorted(maps.Keys(before)) {
		if p := schemas.Murmur2.Partition([]byte(id), shards); len(byShard[p]) < 3 {
			byShard[p] = append(byShard[p], id)
			touched[id] = true
		}
	}
	change := func(w *world, first, second string) {
		for p, ids := range byShard {
			w.publish(schemas.Profiles, p,
				[2]string{ids[0], `{"customerId":"` + ids[0] + `","fields":` + first + `}`},
				[2]string{ids[1], `{"customerId":"` + ids[1] + `","fields":` + second + `}`},
				[2]string{ids[2], `{"customerId":"` + ids[2] + `","fields":{},"profiling":false}`})
		}
	}
	for _, ids := range byShard {
		leave = append(leave, ids[2])
	}
	change(w, `{"City":7,"Age":40}`, `{"City":"Oslo","Age":"forty"}`)
	w.gone("x", leave)
	others := func(members map[string]oracle.Place) map[string]oracle.Place {
		members = maps.Clone(members)
		maps.DeleteFunc(members, func(id string, _ oracle.Place) bool { return touched[id] })
		return members
	}
	if is, was := others(w.judged("x")), others(before); !maps.Equal(is, was) || len(was) < 100 {
		t.Errorf("by the old model there are %d other members, and there were %d, or others", len(is), len(was))
	}

	w.ask(`{"requestId":"refresh","action":"refresh","expansionId":"x"}`)
	report := w.successful(w.ended("refresh")["refresh"])
	clean := start()
	expand(clean, "y") // whose members show when the profiles have been dealt with
	change(clean, `{"City":"7","Age":40}`, `{"City":"Oslo"}`)
	clean.gone("y", leave)
	expand(clean, "x")
	if is, want := w.judged("x"), clean.judged("x"); !maps.Equal(is, want) {
		t.Errorf("by the next model there are %d members, and %d from clean profiles, or others", len(is), len(want))
	}
	for _, f := range report.Fields {
		if want := map[string]string{"City": "category", "Age": "LongType"}[f.Name]; f.Type != want || f.Differ != shards || !f.Used {
			t.Errorf("reported %+v", f)
		}
	}
	warned := 0
	for _, warning := range report.Warnings {
		if warning.Code == "mixed_types" {
			warned++
		}
	}
	if warned != 2 {
		t.Errorf("warned of %+v", report.Warnings)
	}
}

// judged returns the members of an expansion, which must be those that the oracle names.
func (w *world) judged(expansion string) map[string]oracle.Place {
	w.Helper()
	judge := &oracle.Oracle{Shards: shards}
	for _, topic := range []string{schemas.Profiles, schemas.Models, schemas.SegmentMembers} {
		for p := range shards {
			w.Partition(topic, p, func(r *wire.Record) { w.OK(judge.Apply(topic, p, r)) })
		}
	}
	published := map[string]oracle.Place{}
	w.All(schemas.Memberships, shards, func(r *wire.Record) {
		if r.Value == nil {
			delete(published, string(r.Key))
			return
		}
		score, band, _, _, err := schemas.ReadMembership(r.Value)
		w.OK(err)
		published[string(r.Key)] = oracle.Place{Score: score, Band: band}
	})
	if want := judge.Memberships(); !maps.Equal(published, want) {
		w.Errorf("%d members are published, and there should be %d, or others", len(published), len(want))
	}
	members := map[string]oracle.Place{}
	for key, place := range published {
		if customer, ours := strings.CutPrefix(key, expansion+"/"); ours {
			members[customer] = place
		}
	}
	return members
}

// gone waits until customers have left an expansion.
func (w *world) gone(expansion string, customers []string) {
	w.Helper()
	for _, id := range customers {
		p := schemas.Murmur2.Partition([]byte(id), shards)
		at := wire.Position{Topic: w.Prefix.Topic(schemas.Memberships), Partition: p}
		for left := false; !left; {
			fetched, err := w.Fetcher.Fetch(w.Ctx, []wire.Position{at}, longest)
			w.OK(err)
			for _, f := range fetched {
				at.Offset, err = f.Each(func(r *wire.Record) error {
					left = left || string(r.Key) == expansion+"/"+id && r.Value == nil
					return nil
				})
				w.OK(err)
			}
		}
	}
}
