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
