package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"kindred/cmd/internal/reading"
	"kindred/schemas"
)

// TestWhyTellsWhatDecides asks why of customers of every kind: what it says is what the topics hold, and doing what it says would
// bring a customer in brings the customer in.
func TestWhyTellsWhatDecides(t *testing.T) {
	everywhere(t, func(w *world) {
		w.serve()
		w.declare()
		w.bring(0, crowd)
		source := vips(0, crowd)
		w.segment("vip", `"added":%s`, source)
		var letter, staff []string
		for number := range crowd {
			switch {
			case number%10 == 1:
			case number%10 == 2:
				staff = append(staff, customer(number))
				fallthrough
			default:
				letter = append(letter, customer(number))
			}
		}
		w.segment("letter", `"added":%s`, letter)
		w.segment("staff", `"added":%s`, append(staff, "ghost"))
		w.say(schemas.Profiles, customer(5), `{"profiling":false}`)
		if text := w.kindred(failed, "why", "more", customer(1)); !strings.Contains(text, "there is no expansion more") {
			t.Errorf("of an expansion that does not exist it says %s", text)
		}
		run := w.successful("more", `"action":"expand","sourceSegmentId":"vip","candidates":{"segmentId":"letter"},"suppress":["staff"]`)
		w.agree()

		members := w.market.of("more")
		why := func(id string) reading.Why { return printed[reading.Why](w, "why", "more", id) }
		for _, id := range first(members, 10) {
			e := why(id)
			last := e.History[len(e.History)-1]
			if !e.Member || e.Reason != "" || *e.Score != reading.Score(members[id].Score) || schemas.BandNames[members[id].Band] != e.Band {
				t.Errorf("why %s is %+v, published is %+v", id, e, members[id])
			}
			if last.Change != "entered" || last.Cause != "run" || last.RunID != run.RunID || *last.Score != *e.Score || e.Cut != run.Report.Cut {
				t.Errorf("the history of %s ends with %+v; the cut is %v, want %v", id, last, e.Cut, run.Report.Cut)
			}
			if len(e.Reasons) == 0 || len(e.WouldBring) > 0 {
				t.Errorf("%s has reasons %+v, and would be brought in by %+v", id, e.Reasons, e.WouldBring)
			}
		}

		reason := func(id, want string) {
			t.Helper()
			if e := why(id); e.Member || e.Reason != want || len(e.WouldBring) > 0 {
				t.Errorf("%s is no member for %q (%s), want %q", id, e.Reason, e.Message, want)
			}
		}
		in := func(id string, list []string) bool { return slices.Contains(list, id) }
		reason("nobody", reading.UnknownCustomer)
		reason("ghost", reading.NoProfile)
		reason(customer(5), reading.NoConsent)
		reason(customer(1), reading.NotCandidate)
		reason(source[slices.IndexFunc(source, func(id string) bool { return in(id, letter) })], reading.InSource)
		reason(staff[slices.IndexFunc(staff, func(id string) bool { return !in(id, source) })], reading.IsSuppressed)

		brought := 0
		for _, id := range letter {
			if _, is := members[id]; is || in(id, source) || in(id, staff) || id == customer(5) || brought == 3 {
				continue
			}
			e := why(id)
			if below := *e.Score < e.Floor; below != (e.Reason == reading.BelowFloor) || !below && e.Reason != reading.BelowCut && e.Reason != reading.LostTie {
				t.Errorf("%s scores %v: %s", id, *e.Score, e.Reason)
			}
			if len(e.WouldBring) == 0 {
				continue
			}
			brought++
			change := e.WouldBring[0]
			w.live(id, change.Field, change.Value)
			w.agree()
			if got, is := w.market.of("more")[id]; !is || reading.Score(got.Score) != change.Score {
				t.Errorf("with %+v %s is a member: %v, with %+v", change, id, is, got)
			}
			e = why(id)
			if last := e.History[len(e.History)-1]; !e.Member || last.Cause != "profile" || last.Change != "entered" {
				t.Errorf("then it is %+v", e)
			}
		}
		if brought == 0 {
			t.Error("nobody could be brought in")
		}

		left := first(members, 1)[0]
		w.erase(schemas.Profiles, left)
		w.agree()
		text := w.kindred(done, "why", "more", left)
		for _, want := range []string{"is no member: ", "History", "left", "the profile was erased"} {
			if !strings.Contains(text, want) {
				t.Errorf("of one who was erased, why does not say %q:\n%s", want, text)
			}
		}
	})
}

// live publishes the profile of a made-up customer with another value of a field.
func (w *world) live(id, field, value string) {
	w.Helper()
	for number := range crowd {
		if customer(number) != id {
			continue
		}
		var profile struct {
			CustomerID string         `json:"customerId"`
			Fields     map[string]any `json:"fields"`
		}
		w.OK(json.Unmarshal(upstream.AppendProfile(nil, number), &profile))
		profile.Fields[field] = value
		text, err := json.Marshal(profile)
		w.OK(err)
		w.say(schemas.Profiles, id, string(text))
	}
}
