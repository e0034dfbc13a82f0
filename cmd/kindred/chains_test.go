package main

import (
	"slices"
	"strings"
	"testing"

	"kindred/schemas"
)

// TestTheGameOfChains builds expansions on expansions: among others' members, apart from them, and from them. Whatever moves a
// customer in one moves it in the next.
func TestTheGameOfChains(t *testing.T) {
	everywhere(t, func(w *world) {
		w.serve()
		w.declare()
		w.bring(0, crowd)
		source := vips(0, crowd)
		w.segment("vip", `"added":%s`, source)

		// Each is asked for before the one that it builds on has members.
		from := w.end(schemas.Runs)
		more := w.request("more", `"action":"expand","sourceSegmentId":"vip","share":0.5`)
		w.request("among", `"action":"expand","sourceSegmentId":"vip","candidates":{"segmentId":"more"},"share":0.5`)
		w.request("apart", `"action":"expand","sourceSegmentId":"vip","suppress":["more"],"share":0.5,"floor":0`)
		beyond := w.request("beyond", `"action":"expand","sourceSegmentId":"more","suppress":["among"],"share":0.5,"floor":0`)
		run := w.await(from, func(r schemas.Run) bool { return r.RunID == beyond })
		if run.Status != schemas.Successful {
			w.Fatalf("%+v", run.Error)
		}
		w.agree()
		for id := range w.market.of("more") {
			_, apart := w.market.of("apart")[id]
			_, beyond := w.market.of("beyond")[id]
			if apart || beyond {
				w.Errorf("%s is in more, and in apart: %v, in beyond: %v", id, apart, beyond)
			}
		}
		for _, id := range []string{"more", "among", "apart", "beyond"} {
			if len(w.market.of(id)) == 0 {
				w.Errorf("nobody is in %s", id)
			}
		}
		if c := run.Report.Counts; c.Source != int64(len(w.market.of("more"))) || c.SourceWithProfile != c.Source {
			w.Errorf("beyond has learned from %+v", c)
		}
		if !slices.ContainsFunc(run.Report.Warnings, func(w schemas.Warning) bool { return w.Code == "derived_source" }) {
			w.Errorf("of a derived source nobody warns: %+v", run.Report.Warnings)
		}

		best := first(w.market.of("among"), 1)[0]
		w.market.news()
		w.say(schemas.Profiles, best, `{"fields":{}}`)
		w.agree()
		w.left(best, "profile", "more", "among")
		next := first(w.market.of("among"), 1)[0]
		w.segment("vip", `"added":%s`, []string{next})
		w.agree()
		w.left(next, "segment", "more", "among")
		w.say(schemas.Profiles, next, `{"profiling":false,"fields":{}}`)
		w.segment("vip", `"snapshot":"s-1","part":1,"parts":1,"members":%s`, source[:len(source)/2])
		w.agree()

		// A run of the first counts its own members only.
		w.market.news()
		run = w.successful("more", `"action":"edit","share":0.2`)
		w.agree()
		counted, others := int64(0), 0
		for _, m := range w.market.news() {
			switch {
			case strings.HasPrefix(m.key, "more/") && m.cause == schemas.ByRun:
				counted++
			case m.cause == schemas.BySegment:
				others++
			default:
				w.Errorf("%s has %s by %s", m.key, m.kind, m.cause)
			}
		}
		if c := run.Report.Counts; counted == 0 || c.Entered+c.Left+c.Changed != counted || others == 0 {
			w.Errorf("%d records of the run and %d of others, reported %+v", counted, others, c)
		}

		w.refused("more", `"action":"edit","candidates":{"segmentId":"beyond"}`, schemas.CodeCycle)
		w.refused("more", `"action":"delete"`, schemas.CodeInUse)
		w.refused("other", `"action":"expand","sourceSegmentId":"nobody"`, schemas.CodeUnknownSegment)

		from = w.end(schemas.Runs)
		w.say(schemas.DataEvents, "shop", `{"batchId":"b-1"}`)
		w.await(from, func(r schemas.Run) bool { return r.ExpansionID == "beyond" && r.Status == schemas.Successful })
		w.agree()

		from = w.end(schemas.Runs)
		for _, id := range []string{"beyond", "among", "apart"} {
			w.request(id, `"action":"delete"`)
		}
		more = w.request("more", `"action":"delete"`)
		if run := w.await(from, func(r schemas.Run) bool { return r.RunID == more }); run.Status != schemas.Successful {
			w.Errorf("after its users it is not deleted: %+v", run.Error)
		}
		w.agree()
		if len(w.market.members) > 0 {
			w.Errorf("%d members are left", len(w.market.members))
		}
	})
}

// left demands that a customer has left these expansions since the last look, for this cause.
func (w *world) left(customer, cause string, expansions ...string) {
	w.Helper()
	news := w.market.news()
	for _, id := range expansions {
		if !slices.ContainsFunc(news, func(m movement) bool {
			return m.key == id+"/"+customer && m.kind == schemas.TypeMembershipLeft && m.cause == cause
		}) {
			w.Errorf("%s has not left %s by %s: %.10v", customer, id, cause, news)
		}
	}
}
