package learn_test

import (
	"errors"
	"fmt"
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

func TestWhatCannotBeLearnedIsRefused(t *testing.T) {
	customers := testkit.Town(300)
	for i := range customers {
		customers[i].Segments = nil
		if i < 40 {
			customers[i].Segments = []string{"vip"}
			customers[i].Refuses = i >= 3
		}
	}
	store := cached(t, customers, 2)
	_, err := learned(t, store, 2, lesson(nil))
	var refused *schemas.RunError
	if !errors.As(err, &refused) || refused.Code != schemas.CodeSourceTooSmall ||
		refused.Message != "segment vip refused: 3 of 40 source members have a profile, need 25" || refused.Hint == "" {
		t.Errorf("a source of 3 gives %+v", err)
	}
	_, err = learned(t, cached(t, testkit.Town(2000), 2), 2, lesson(func(d *schemas.Definition) { d.Fields = []string{"Shoes"} }))
	if !errors.As(err, &refused) || refused.Code != schemas.CodeBadField {
		t.Errorf("a field that does not exist gives %+v", err)
	}
	all := testkit.Town(200)
	for i := range all {
		all[i].Segments = []string{"vip"}
	}
	_, err = learned(t, cached(t, all, 2), 2, lesson(nil))
	if !errors.As(err, &refused) {
		t.Errorf("a source of everybody gives %+v", err)
	}
}

// A field for which there is no place is refused with that reason, whether the shards name it or have too many to name.
func TestAFieldWithoutAPlaceIsRefusedForThat(t *testing.T) {
	for _, columns := range []int{300, 900} {
		var junk strings.Builder
		for f := range columns {
			fmt.Fprintf(&junk, `"f%d":"x",`, f)
		}
		customers := testkit.Town(200)
		store := stored(t, len(customers), 2, func(i int) (id, profile string, segments []string) {
			c := &customers[i]
			c.City = "Oslo"
			return c.ID, strings.Replace(c.JSON(), `"fields":{`, `"fields":{`+junk.String()+`"Last":"y",`, 1), []string{"vip"}[:i%2]
		})
		_, err := learned(t, store, 2, lesson(func(d *schemas.Definition) { d.Fields = []string{"Last"} }))
		var refused *schemas.RunError
		if !errors.As(err, &refused) || refused.Message != "there is no place for field Last: 256 other fields came first" {
			t.Errorf("of %d fields: %v", columns, err)
		}
	}
}
