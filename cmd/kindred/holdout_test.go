package main

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/cespare/xxhash/v2"

	"kindred/cmd/internal/reading"
	"kindred/pipeline/oracle"
	"kindred/schemas"
)

// TestTheHeldOutAreWhoWouldBeMembers: with those who are held out, members are whom share and count choose. Every command says the
// same of them, and nothing that happens to them makes them members.
func TestTheHeldOutAreWhoWouldBeMembers(t *testing.T) {
	everywhere(t, func(w *world) {
		w.serve()
		w.declare()
		w.bring(0, crowd)
		source := vips(0, crowd)
		w.segment("vip", `"added":%s`, source)
		w.successful("more", `"action":"expand","sourceSegmentId":"vip","share":0.4`)
		w.agree()
		chosen := maps.Clone(w.market.of("more"))
		if none := printed[[]reading.Member](w, "members", "more", "--holdout"); len(none) > 0 {
			t.Errorf("without a hold-out %d are held out", len(none))
		}
		w.market.news()
		run := w.successful("more", `"action":"edit","holdout":0.2`)
		w.agree()
		out := w.missing(chosen)
		w.moves(schemas.TypeMembershipLeft, "run", out...)
		w.held(run, chosen, out)
		w.successful("more", `"action":"refresh"`)
		w.agree()
		w.moves("", "") // the same are held out
		dry := w.successful("more", `"action":"edit","holdout":0.5,"dryRun":true`)
		if d := dry.Report.Difference; d.Left == 0 || d.Entered > 0 || dry.Report.Counts.HeldOut <= run.Report.Counts.HeldOut {
			t.Errorf("a dry run with more of them says %+v, %+v", dry.Report.Counts, d)
		}
		w.agree()
		w.moves("", "")
		fewer := w.successful("more", `"action":"edit","holdout":0.05`)
		w.agree()
		for _, m := range w.market.news() {
			if m.kind != schemas.TypeMembershipEntered {
				t.Errorf("with fewer held out %s has moved: %+v", m.key, m)
			}
		}
		if counts := fewer.Report.Counts; counts.Entered == 0 || counts.Left != 0 || counts.HeldOut == 0 {
			t.Errorf("the report counts %+v", counts)
		}
		w.successful("on-more", `"action":"expand","sourceSegmentId":"vip","candidates":{"segmentId":"more"},"share":1,"floor":0`)
		w.agree()
		if on, members := w.market.of("on-more"), w.market.of("more"); len(on) != len(members) {
			t.Errorf("%d are in an expansion within one that has %d members", len(on), len(members))
		}

		for command, want := range map[string]string{
			"show more":            "5 % held out",
			"verify":               "0 of",
			"compare more on-more": "held out",
		} {
			if text := strings.Join(strings.Fields(w.kindred(done, strings.Fields(command)...)), " "); !strings.Contains(text, want) {
				t.Errorf("%s does not say %q:\n%s", command, want, text)
			}
		}
		w.market.news()
		out = w.missing(chosen)
		why := func(id string) reading.Why { return printed[reading.Why](w, "why", "more", id) }
		if e := why(out[0]); e.Reason != reading.IsHeldOut || e.Member || len(e.WouldBring) > 0 || e.Reasons == nil || *e.Score < e.Cut {
			t.Errorf("why %s is %+v", out[0], e)
		}
		w.profile(out[0], first(w.market.of("more"), 1)[0]) // lives like the best member, and is none
		w.say(schemas.Profiles, out[1], `{"profiling":false}`)
		w.agree()
		w.moves("", "")
		for number := range crowd { // of those below the cut some would be held out above it
			id := customer(number)
			_, is := chosen[id]
			if is || slices.Contains(source, id) || float64(xxhash.Sum64String("holdout/more/"+id)>>11)/(1<<53) >= 0.05 {
				continue
			}
			if e := why(id); len(e.WouldBring) > 0 || !strings.Contains(e.Message, "held out") {
				t.Errorf("of one who would be held out it says %+v", e)
			}
			break
		}
	})
}

// missing returns, sorted, who was a member of "more" and is none.
func (w *world) missing(chosen map[string]oracle.Place) (out []string) {
	members := w.market.of("more")
	for id := range chosen {
		if _, is := members[id]; !is {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}

// held demands that a run's report and the list of the held-out say of "more" what has become of those chosen.
func (w *world) held(run schemas.Run, chosen map[string]oracle.Place, out []string) {
	w.Helper()
	counts := run.Report.Counts
	if n := int64(len(out)); counts.HeldOut != n || counts.Chosen() != int64(len(chosen)) || counts.Left != n || 10*len(out) < len(chosen) || 3*len(out) > len(chosen) {
		w.Errorf("of %d %d are held out; the report counts %+v", len(chosen), n, counts)
	}
	bands := map[string]int64{}
	listed := printed[[]reading.Member](w, "members", "more", "--holdout", "--limit", "100000")
	var ids []string
	for i, m := range listed {
		place := chosen[m.CustomerID]
		if m.Score != reading.Score(place.Score) || m.Band != schemas.BandNames[place.Band] || i > 0 && listed[i-1].Score < m.Score {
			w.Errorf("%d. of the held-out is %+v, was %+v", i+1, m, place)
		}
		bands[m.Band]++
		ids = append(ids, m.CustomerID)
	}
	slices.Sort(ids)
	if !slices.Equal(ids, out) {
		w.Errorf("%d are listed, want %d", len(ids), len(out))
	}
	for _, band := range run.Report.Distribution {
		if band.HeldOut != bands[band.Band] {
			w.Errorf("%d are held out of %s, reported %d", bands[band.Band], band.Band, band.HeldOut)
		}
	}
}
