package page

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"kindred/schemas"
)

func TestSharesAreAsTheyAreWritten(t *testing.T) {
	for hundredth := int64(1); hundredth <= 10_000; hundredth++ {
		percent := strconv.FormatFloat(float64(hundredth)/100, 'f', -1, 64)
		share, ok := shareOf(percent)
		want, _ := strconv.ParseFloat("0."+strings.Repeat("0", 4-min(4, len(strconv.FormatInt(hundredth, 10))))+strconv.FormatInt(hundredth, 10), 64)
		if hundredth == 10_000 {
			want = 1
		}
		if !ok || share != want || percentOf(share) != percent {
			t.Fatalf("%s %%: share %v, want %v, written %s", percent, share, want, percentOf(share))
		}
	}
}

func TestAFormSaysWhatItsDefinitionSays(t *testing.T) {
	d := &schemas.Definition{SourceSegmentID: "vip", Name: "VIP", Fields: []string{"Age", "City"}, Candidates: schemas.Candidates{SegmentID: "news"},
		Suppress: []string{"staff"}, ExcludeSource: true, Count: 500, Holdout: 0.05, Floor: 0.6, Preset: "2020-05", Tags: []string{"a", "b c"},
		Refresh: schemas.RefreshPolicy{OnDataEvent: true, SourceChange: 0.1, Every: "36h"}}
	check := func() {
		t.Helper()
		f, filled := formOf(formFrom("vip-expansion", d).values())
		if !filled {
			t.Fatal("it is not a form")
		}
		if got := changes(d, f.definition()); len(got) > 0 || len(f.Wrong) > 0 {
			t.Errorf("changed by filling in nothing: %v, wrong %v", got, f.Wrong)
		}
		text, _ := json.Marshal(edit("vip-expansion", d, f.definition()))
		if string(text) != `{"action":"edit","expansionId":"vip-expansion"}` {
			t.Errorf("asks for %s", text)
		}
	}
	check()
	d.Count, d.Share, d.Fields = 0, 0.07, nil
	check()
}
