package learn_test

import (
	"errors"
	"strings"
	"testing"

	"kindred/pipeline/testkit"
	"kindred/schemas"
)

// town has so many customers, of whom the first are in vip, fewer of them with consent. The others are in everyone.
func town(vips, consent int) []testkit.Customer {
	customers := testkit.Town(300)
	for i := range customers {
		customers[i].Segments, customers[i].Refuses = []string{"everyone"}, false
		if i < vips {
			customers[i].Segments, customers[i].Refuses = []string{"vip"}, i >= consent
		}
	}
	return customers
}

func TestARefusedSourceIsToldWhatItLacks(t *testing.T) {
	check := func(vips, consent int, code, message, hint string, coming map[string]string, change func(*schemas.Definition)) {
		t.Helper()
		l := lesson(change)
		l.Coming = coming
		_, err := learned(t, cached(t, town(vips, consent), 2), 2, l)
		var refused *schemas.RunError
		if !errors.As(err, &refused) || refused.Code != code || refused.Message != message || !strings.Contains(refused.Hint, hint) {
			t.Errorf("refused as %+v,\nwant %s: %s; %s", err, code, message, hint)
		}
	}
	small := schemas.CodeSourceTooSmall
	check(40, 3, small, "segment vip refused: 3 of 40 source members have a profile, need 25", "profiles have arrived", nil, nil)
	check(24, 24, small, "segment vip refused: it has 24 members, 24 with a profile, need 25", "larger source", nil, nil)
	check(0, 0, small, "segment vip refused: nobody is in it, need 25", "load its members", nil, nil)

	open := map[string]string{"vip": "1 of 3 parts of snapshot s have come", "staff": "2 of 3 parts of snapshot t have come"}
	check(0, 0, schemas.CodeUnknownSegment, "nobody is in segment vip yet: 1 of 3 parts of snapshot s have come", "publish the other parts", open, nil)
	check(3, 3, small, "segment vip refused: it has 3 members, 3 with a profile, need 25; 1 of 3 parts of snapshot s have come", "", open, nil)
	check(40, 40, schemas.CodeUnknownSegment, "nobody is in segment staff yet: 2 of 3 parts of snapshot t have come", "publish the other parts", open,
		func(d *schemas.Definition) { d.Suppress = []string{"staff"} })
}

func TestWhoeverLeavesNobodyIsToldHow(t *testing.T) {
	check := func(message string, change func(*schemas.Definition)) {
		t.Helper()
		result, err := learned(t, cached(t, town(40, 40), 2), 2, lesson(change))
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range result.Report.Warnings {
			if w.Code == "nobody_similar" || w.Code == "no_candidates" && w.Message != message {
				t.Errorf("warned of %+v, want %s", w, message)
			}
			if w.Code == "no_candidates" {
				return
			}
		}
		t.Errorf("no warning says: %s", message)
	}
	check("nobody is left as a candidate: each of 300 customers is in the source vip, or is suppressed by everyone",
		func(d *schemas.Definition) { d.Suppress = []string{"everyone"} })
	check("nobody is left as a candidate: each of 300 customers is not in nobodies",
		func(d *schemas.Definition) { d.Candidates.SegmentID, d.ExcludeSource = "nobodies", false })
}
