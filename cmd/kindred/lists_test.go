package main

import (
	"encoding/json"
	"strings"
	"testing"

	"kindred/cmd/internal/reading"
	"kindred/schemas"
)

// printed runs a command with --json, and reads what it prints.
func printed[T any](w *world, arguments ...string) (result T) {
	w.Helper()
	text := w.kindred(done, append(arguments, "--json")...)
	if err := json.Unmarshal([]byte(text), &result); err != nil {
		w.Fatalf("%q printed no JSON (%v):\n%s", arguments, err, text)
	}
	return result
}

func TestFieldsAreShownAsARunFindsThem(t *testing.T) {
	everywhere(t, func(w *world) {
		w.kindred(failed, "fields", "nothing") // there is no segment
		w.serve()
		w.say(schemas.Fields, "City", `no json`)
		w.declare()
		w.bring(0, crowd)
		w.segment("vip", `"added":%s`, vips(0, crowd))
		run := w.successful("more", `"action":"expand","sourceSegmentId":"vip"`) // by now everything is in the caches
		list := printed[reading.Fields](w, "fields", "vip")
		counts := run.Report.Counts
		if list.Customers != counts.Customers || *list.Segment != (reading.SurveyedFrom{ID: "vip", Members: counts.Source, WithProfile: counts.SourceWithProfile}) {
			t.Errorf("fields found %d customers and %+v, the run %+v", list.Customers, list.Segment, counts)
		}
		if len(list.Fields) != len(run.Report.Fields) {
			t.Fatalf("%d fields, the run found %d", len(list.Fields), len(run.Report.Fields))
		}
		for i, f := range list.Fields {
			if of := run.Report.Fields[i]; f.Name != of.Name || f.Recommended != of.Used || f.Reason != of.Reason || f.Distinct != of.Distinct {
				t.Errorf("field %+v, the run found %+v", f, of)
			}
			for _, v := range f.Values {
				if v.Customers < 10 {
					t.Errorf("%s names a value that %d customers have", f.Name, v.Customers)
				}
			}
		}
		text := w.kindred(done, "fields", "vip")
		for _, want := range []string{"field ", "MaritalStatus ", "no: declared sensitive", "yes", "no: of this type only when named", "in vip"} {
			if !strings.Contains(text, want) {
				t.Errorf("fields does not show %q:\n%s", want, text)
			}
		}
		if of := printed[reading.Fields](w, "fields", "more").Segment; of.Members != counts.Members {
			t.Errorf("of an expansion, fields counts %+v, want %d", of, counts.Members)
		}
		if printed[reading.Fields](w, "fields").Segment != nil {
			t.Error("without a segment there is one")
		}
		if text := w.kindred(failed, "fields", "typo"); !strings.Contains(text, "there is no segment typo") || !strings.Contains(text, "try: kindred segments") {
			t.Errorf("fields of what is not there says\n%s", text)
		}
	})
}

func TestSegmentsAreListedWithWhatComesAndWhoUsesThem(t *testing.T) {
	everywhere(t, func(w *world) {
		if text := w.kindred(done, "segments"); !strings.Contains(text, "there are no segments yet") {
			t.Errorf("without segments it says\n%s", text)
		}
		w.serve()
		w.declare()
		w.bring(0, crowd)
		w.segment("vip", `"name":"VIP customers","snapshot":"s-1","part":1,"parts":1,"members":%s`, vips(0, crowd))
		w.segment("vip", `"snapshot":"s-2","part":2,"parts":3,"members":[]`)
		w.segment("letter", `"added":%s`, []string{customer(1), customer(2), "nobody"})
		w.segment("old", `"added":["a"]`)
		w.erase(schemas.SegmentChanges, "old")
		w.successful("more", `"action":"expand","sourceSegmentId":"vip","suppress":["letter"]`)
		lines := map[string]reading.Segment{}
		for _, l := range printed[[]reading.Segment](w, "segments") {
			lines[l.SegmentID] = l
		}
		vip := lines["vip"]
		if vip.Name != "VIP customers" || vip.Members != int64(len(vips(0, crowd))) || vip.LastSnapshot != "s-1" || vip.Gone ||
			vip.Open == nil || vip.Open.Snapshot != "s-2" || vip.Open.Have != 1 || vip.Open.Parts != 3 ||
			len(vip.UsedBy) != 1 || vip.UsedBy[0] != (reading.Use{ExpansionID: "more", As: "source"}) {
			t.Errorf("vip is %+v", vip)
		}
		if l := lines["letter"]; l.Members != 3 || l.LastSnapshot != "" || l.UsedBy[0] != (reading.Use{ExpansionID: "more", As: "suppress"}) {
			t.Errorf("letter is %+v", l)
		}
		if l := lines["old"]; !l.Gone {
			t.Errorf("old is %+v", l)
		}
		w.segment("fresh", `"snapshot":"f-1","part":2,"parts":3,"members":%s`, vips(0, crowd))
		text := w.kindred(failed, "expand", "fresh", "--wait")
		if !strings.Contains(text, "nobody is in segment fresh yet: 1 of 3 parts of snapshot f-1 have come") {
			t.Errorf("an expansion of what is coming says\n%s", text)
		}
		text = w.kindred(done, "segments")
		for _, want := range []string{"segment", "VIP customers", "s-1, 1 of 3 parts of s-2", "more (suppress)", "gone"} {
			if !strings.Contains(text, want) {
				t.Errorf("segments does not show %q:\n%s", want, text)
			}
		}
	})
}
