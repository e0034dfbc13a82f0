package page

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"kindred/schemas"
)

var update = flag.Bool("update", false, "write testdata anew")

func TestTheReachIsDrawnAsItIs(t *testing.T) {
	report := &schemas.Report{
		Counts: schemas.Counts{Candidates: 1000, Similar: 400, Members: 80}, Cut: 0.85,
		Distribution: []schemas.BandCount{{From: 0, To: 0.4}, {From: 0.4, To: 0.6}, {From: 0.6, To: 0.8}, {From: 0.8, To: 1}},
		Reach:        []int64{1000, 900, 700, 400, 100, 0}, // at 0, 0.2, ... 1
	}
	drawn := drawReach(560, 250, &schemas.Definition{Floor: 0.55}, report)
	got, _ := json.MarshalIndent(drawn, "", "  ")
	golden := filepath.Join("testdata", "reach.json")
	if *update {
		_ = os.MkdirAll("testdata", 0o755)
		if err := os.WriteFile(golden, append(got, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != strings.TrimSpace(string(want)) {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if first := strings.Fields(strings.TrimPrefix(drawn.Above, "M"))[0]; first != strconv.FormatFloat(drawn.Cut.At, 'f', -1, 64) {
		t.Errorf("members begin at %s, the cut is at %v", first, drawn.Cut.At)
	}
}

func TestACurveOfNobodyIsNotDrawn(t *testing.T) {
	if newReach(nil, &schemas.Report{Reach: make([]int64, 101)}) != nil || newReach(nil, &schemas.Report{}) != nil {
		t.Error("there is a drawing of nobody")
	}
}

func TestAxesHaveEvenNumbers(t *testing.T) {
	check := func(n, want float64) {
		t.Helper()
		if got := round(n); got != want {
			t.Errorf("%v: steps of %v, want %v", n, got, want)
		}
	}
	check(0.25, 1)
	check(1, 1)
	check(2.2, 5) // not 2.5: there is no half a customer
	check(24, 25)
	check(26, 50)
	check(24_250, 25_000)
	check(250_001, 500_000)
}

func TestWhatIsNotNothingShows(t *testing.T) {
	if b := newBar(3, 1, 1_000_000, 1_000_000); b.Full <= 0 || b.Pale != 100 {
		t.Errorf("one of a million is drawn as %v", b)
	}
	if b := newBar(3, 0, 0, 0); b.Full != 0 || b.Pale != 0 {
		t.Errorf("nobody is drawn as %v", b)
	}
	if s := newStack([4]int64{0, 1, 0, 3}); s.Text != "3 very similar, 1 somewhat similar" || s.Parts[1] != (stripe{75, 25, 1}) {
		t.Errorf("%+v", s)
	}
	if newStack([4]int64{}) != nil {
		t.Error("nobody has a stack")
	}
}

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

func TestSentences(t *testing.T) {
	check := func(text, want string) {
		t.Helper()
		if got := sentence(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	check("is a member: the score reaches the cut", "Is a member: the score reaches the cut.")
	check("vip-expansion was deleted", "vip-expansion was deleted.")
	check("élan", "Élan.")
	check("is it?", "Is it?")
	check("", "")
}
