package terminal_test

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/mattn/go-runewidth"

	"kindred/cmd/internal/terminal"
	"kindred/schemas"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestAReportReadsWell(t *testing.T) {
	var text strings.Builder
	terminal.Screen{W: &text}.Report("VIP customers Expansion", "vip-expansion", definition(), report())
	golden(t, "report.txt", text.String())
}

func TestAnExpansionWithoutMembersSaysSo(t *testing.T) {
	var text strings.Builder
	empty := report()
	empty.Counts = schemas.Counts{Customers: 1000, Source: 60, SourceWithProfile: 60, Candidates: 940}
	empty.Cut, empty.Warnings = 1, nil
	for i := range empty.Distribution {
		empty.Distribution[i].Members = 0
	}
	terminal.Screen{W: &text, Width: 200}.Report("Nobody", "nobody", definition(), empty)
	golden(t, "nobody.txt", text.String())
}

func TestTheSizeSaysOfWhomItIs(t *testing.T) {
	check := func(want string, similar, members int64, change func(*schemas.Definition)) {
		t.Helper()
		d, r := definition(), report()
		change(d)
		r.Counts.Similar, r.Counts.Members = similar, members
		var text strings.Builder
		terminal.Screen{W: &text}.Report("VIP", "vip", d, r)
		if said := strings.Join(strings.Fields(text.String()), " "); !strings.Contains(said, want+", learned from 3,000 source members.") {
			t.Errorf("it does not say %q: %.300s", want, said)
		}
	}
	old := func(d *schemas.Definition) { d.Preset = "2020-05" }
	check("4,286 members: the best 20 % of 21,432 similar customers among 97,000 candidates", 21432, 4286, func(*schemas.Definition) {})
	check("21,432 members: all of 21,432 similar customers among 97,000 candidates", 21432, 21432, func(d *schemas.Definition) { d.Share = 1 })
	check("5 members: the best 5 of 21,432 similar customers among 97,000 candidates", 21432, 5, func(d *schemas.Definition) { d.Share, d.Count = 0, 5 })
	check("19,400 members: the best 20 % of 97,000 candidates, of whom 21,432 are similar", 21432, 19400, old)
	check("1,432 members: all of 1,432 similar customers, who are no more than 20 % of 97,000 candidates", 1432, 1432, old)
}

func TestWhatTellsNothingIsOnlyNamed(t *testing.T) {
	r := report()
	for _, name := range []string{"A", "B", "C", "D", "E"} {
		r.Fields = append(r.Fields, schemas.FieldReport{Name: "Shoe" + name, Used: true, Influence: 0.0001, For: []schemas.ValueReport{{Value: "44", Lift: 1.2}}})
	}
	r.Fields[0].Used, r.Fields[0].Influence = true, 0.9
	r.Fields[0].For, r.Fields[0].Against = []schemas.ValueReport{{Value: "much", Lift: 3}, {Value: "hardly", Lift: 1.02}}, nil
	var text strings.Builder
	terminal.Screen{W: &text, Width: 200}.Report("VIP", "vip", definition(), r)
	if !strings.Contains(text.String(), "Learned from, and of no influence: ShoeA, ShoeB, ShoeC, 2 more.") {
		t.Error("they are not named")
	}
	for _, silent := range []string{" 0 %", "44 ×", "hardly"} {
		if strings.Contains(text.String(), silent) {
			t.Errorf("%q is told", silent)
		}
	}
}

func TestTheHeldOutAreTold(t *testing.T) {
	var text strings.Builder
	d, held := definition(), report()
	d.Holdout = 0.1
	held.Counts.Members, held.Counts.HeldOut, held.Counts.Entered = 3860, 426, 3860
	held.Distribution[2].Members, held.Distribution[2].HeldOut = 1250, 136
	held.Distribution[3].Members, held.Distribution[3].HeldOut = 2610, 290
	terminal.Screen{W: &text}.Report("VIP customers Expansion", "vip-expansion", d, held)
	report, _, _ := strings.Cut(text.String(), "\n  Reach")
	golden(t, "heldout.txt", report)
}

func TestQualityThatWasNotMeasuredSaysSo(t *testing.T) {
	var text strings.Builder
	unmeasured := report()
	unmeasured.Quality = schemas.Quality{Grade: "unknown: too few customers to measure"}
	terminal.Screen{W: &text}.Report("VIP", "vip", definition(), unmeasured)
	if !strings.Contains(text.String(), "Quality   not measured\n") || strings.Contains(text.String(), "AUC") {
		t.Errorf("it says\n%s", text.String())
	}
}

func TestADryRunSaysWhomItWouldMove(t *testing.T) {
	var text strings.Builder
	dry := report()
	dry.Counts.Entered = 0
	dry.Difference = &schemas.Difference{Entered: 1286, Left: 40, Changed: 3, Bands: []schemas.BandDifference{
		{Band: "not similar"}, {Band: "somewhat similar"}, {Band: "similar", Entered: 1086, Left: 40, Changed: 2},
		{Band: "very similar", Entered: 200, Changed: 1},
	}}
	terminal.Screen{W: &text}.Report("VIP customers Expansion", "vip-expansion", definition(), dry)
	golden(t, "dryrun.txt", text.String())
}

func TestColoursChangeNoLetter(t *testing.T) {
	var plain, painted strings.Builder
	terminal.Screen{W: &plain}.Report("VIP", "vip", definition(), report())
	terminal.Screen{W: &painted, Color: true}.Report("VIP", "vip", definition(), report())
	if got := unpainted(painted.String()); got != plain.String() {
		t.Errorf("without its colours the painted report differs:\n%s", got)
	}
	if !strings.Contains(painted.String(), "\x1b[") {
		t.Error("a screen with colours shows none")
	}
}

func TestNoLineIsWiderThanTheScreen(t *testing.T) {
	for _, width := range []int{0, 60, 72, 96, 300} {
		var text strings.Builder
		screen := terminal.Screen{W: &text, Width: width}
		screen.Report("VIP customers Expansion", "vip-expansion", definition(), report())
		limit := min(max(width, 60), 96)
		if width == 0 {
			limit = 80
		}
		for line := range strings.Lines(text.String()) {
			if n := runewidth.StringWidth(strings.TrimSuffix(line, "\n")); n > max(limit, 70) {
				t.Errorf("width %d: %d columns: %s", width, n, line)
			}
		}
	}
}

// hostile is a name as somebody could publish it: it would clear the screen, set a title, turn the direction, ring, and break lines.
const hostile = "a\x1b[2J\x1b]0;b\a\u009b31mc\u202ed\re\nf\x7f\x80g"

func TestNoNameMovesTheCursor(t *testing.T) {
	for _, color := range []bool{false, true} {
		var text strings.Builder
		screen := terminal.Screen{W: &text, Width: 80, Color: color}
		screen.Line("%s %v %q %d", hostile, errors.New(hostile), hostile, 7)
		screen.Line("%v", []string{hostile})
		screen.Message("kindred: " + hostile)
		screen.Ask(hostile)
		screen.Title(hostile, hostile)
		screen.Say(hostile)
		screen.Heading(hostile, hostile)
		screen.Beside(hostile, hostile)
		screen.Finding(1, hostile, hostile, hostile, hostile)
		screen.Table([]string{"#n", "name"}, [][]string{{hostile, hostile}})
		screen.Members(1, []schemas.Membership{{CustomerID: hostile, Band: hostile}})
		r := report()
		r.Fields[0].Name, r.Quality.Grade, r.Distribution[0].Band = hostile, hostile, hostile
		r.Warnings[0].Message, r.Warnings[0].Hint = hostile, hostile
		screen.Report(hostile, hostile, definition(), r)
		for _, r := range unpainted(text.String()) {
			if r != '\n' && !unicode.IsGraphic(r) {
				t.Fatalf("%U reaches the terminal:\n%q", r, text.String())
			}
		}
		if !strings.Contains(text.String(), "a·[2J·]0;b··31mc·d·e·f·") {
			t.Errorf("the name is not shown:\n%s", text.String())
		}
	}
	var plain strings.Builder
	screen := terminal.Screen{W: &plain}
	stages := screen.Stages(hostile)
	stages.Stage(hostile, 0)
	stages.End(hostile)
	if strings.ContainsFunc(plain.String(), func(r rune) bool { return r != '\n' && !unicode.IsGraphic(r) }) {
		t.Errorf("progress says %q", plain.String())
	}
}

func TestJSONShowsNoControlCharacterAndLosesNone(t *testing.T) {
	var text strings.Builder
	name := "高収入\u009b31m\u202e\x7f\U000e0001 <b>"
	if err := (terminal.Screen{W: &text}).JSON(map[string]string{"name": name}); err != nil {
		t.Fatal(err)
	}
	var back map[string]string
	if err := json.Unmarshal([]byte(text.String()), &back); err != nil || back["name"] != name {
		t.Errorf("came back as %q, %v", back["name"], err)
	}
	if strings.ContainsFunc(text.String(), func(r rune) bool { return r != '\n' && !unicode.IsGraphic(r) }) || !strings.Contains(text.String(), "高収入") {
		t.Errorf("written as %q", text.String())
	}
}

func TestNothingWrapsOnATerminal(t *testing.T) {
	long := strings.Repeat("segment-", 24) + "end"
	wide := "高収入" + strings.Repeat("顧客", 60)
	var text strings.Builder
	for _, id := range []string{long, wide} {
		screen := terminal.Screen{W: &text, Width: 80}
		screen.Report(id, id, definition(), report())
		screen.Heading("VIP", id)
		screen.Say("the segment " + id + " is gone")
		screen.Message("kindred: segment " + id + " is gone")
		screen.Beside("value   ", id+id)
		screen.Finding(2, "problem", "segments", id+" is gone", "load "+id)
		screen.Table([]string{"segment", "name", "#size", "used by"}, [][]string{{id, id, "1,234,567", id}, {"vip", "", "1", ""}})
		screen.Members(1, []schemas.Membership{{CustomerID: id, Score: 0.9, Band: "very similar"}})
	}
	for line := range strings.Lines(text.String()) {
		if n := runewidth.StringWidth(strings.TrimSuffix(line, "\n")); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	if !strings.Contains(text.String(), "…") || !strings.Contains(text.String(), "end") {
		t.Errorf("a long id does not keep its end:\n%s", text.String())
	}
	text.Reset()
	terminal.Screen{W: &text}.Table([]string{"segment"}, [][]string{{long}})
	if !strings.Contains(text.String(), long) {
		t.Errorf("where nobody looks, an id is shortened:\n%s", text.String())
	}
}

func TestColumnsStandBelowEachOther(t *testing.T) {
	var text strings.Builder
	terminal.Screen{W: &text}.Table([]string{"name", "#n"}, [][]string{{"高収入", "1"}, {"ab", "22"}, {"e\u0301", "3"}})
	if want := "  name     n\n  高収入   1\n  ab      22\n  e\u0301        3\n"; text.String() != want {
		t.Errorf("got\n%s\nwant\n%s", text.String(), want)
	}
}

func TestMembersAndTables(t *testing.T) {
	var text strings.Builder
	screen := terminal.Screen{W: &text}
	screen.Members(1, []schemas.Membership{
		{CustomerID: "c-17", Score: 0.9731, Band: "very similar"},
		{CustomerID: "c-4", Score: 0.6, Band: "similar"},
	})
	screen.Table([]string{"expansion", "#members", "state"}, [][]string{{"vip-expansion", "12,345", "live"}, {"b", "7", "deleted"}})
	golden(t, "members.txt", text.String())
}

func TestNumbersForPeople(t *testing.T) {
	check := func(got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	check(terminal.Number(0), "0")
	check(terminal.Number(999), "999")
	check(terminal.Number(1000), "1,000")
	check(terminal.Number(-1234567), "-1,234,567")
	check(terminal.Count(1, "member"), "1 member")
	check(terminal.Count(0, "member"), "0 members")
	check(terminal.Percent(0.2), "20 %")
	check(terminal.Percent(0.054), "5.4 %")
	check(terminal.Percent(0.05), "5 %")
	check(terminal.Percent(0), "0 %")
	check(terminal.Percent(1), "100 %")
}

func TestPlainProgressIsAFewLines(t *testing.T) {
	var text strings.Builder
	screen := terminal.Screen{W: &text}
	counting := screen.Count("profiles", 1000)
	for done := range int64(1000) {
		counting.At(done + 1)
	}
	counting.End("1,000 profiles published")
	staged := screen.Stages("run")
	staged.Stage("reading", 0.1)
	staged.Stage("reading", 0.2)
	staged.Stage("training", 0.4)
	staged.End("")
	golden(t, "progress.txt", text.String())
}

// golden compares a text with a file in testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
}

func unpainted(text string) string {
	var plain strings.Builder
	for {
		before, after, found := strings.Cut(text, "\x1b[")
		plain.WriteString(before)
		if !found {
			return plain.String()
		}
		_, text, _ = strings.Cut(after, "m")
	}
}

func definition() *schemas.Definition {
	return &schemas.Definition{SourceSegmentID: "vip", Name: "VIP customers Expansion", Share: 0.2, Floor: 0.55, Preset: "seed"}
}

func report() *schemas.Report {
	r := &schemas.Report{
		Counts: schemas.Counts{Customers: 100000, Source: 3010, SourceWithProfile: 3000, Candidates: 97000,
			Similar: 21432, Members: 4286, Entered: 4286},
		Cut: 0.7512,
		Distribution: []schemas.BandCount{
			{Band: "not similar", From: 0, To: 0.4, Candidates: 58000},
			{Band: "somewhat similar", From: 0.4, To: 0.6, Candidates: 23000},
			{Band: "similar", From: 0.6, To: 0.8, Candidates: 13100, Members: 1386},
			{Band: "very similar", From: 0.8, To: 1, Candidates: 2900, Members: 2900},
		},
		Quality: schemas.Quality{AUC: 0.8412, AUCLow: 0.832, AUCHigh: 0.8504, RecallAt20: 0.63, LiftAt20: 3.15,
			BandLift: [4]float64{0.2, 0.9, 2.3, 12.1}, BandPromise: [4]float64{0.21, 0.93, 2.2, 9.8}, Holdout: 3000, Grade: "very good"},
		Fields: []schemas.FieldReport{
			{Name: "TravelStyle", Type: "string", Distinct: 6, Coverage: 0.9, Used: true, Influence: 0.31},
			{Name: "Membership", Type: "string", Distinct: 4, Coverage: 1, Used: true, Influence: 0.42,
				For:     []schemas.ValueReport{{Value: "gold", Lift: 2.347, Customers: 21_000}, {Value: "silver", Lift: 1.2, Customers: 34_000}},
				Against: []schemas.ValueReport{{Value: "none", Lift: 0.432, Customers: 45_000}}},
			{Name: "City", Type: "string", Distinct: 12, Coverage: 1, Used: true, Influence: 0.004},
			{Name: "Age", Type: "LongType", Distinct: 60, Coverage: 1, Reason: "type"},
			{Name: "Nickname", Type: "string", Distinct: 255, Coverage: 1, Reason: "cardinality"},
			{Name: "Orders", Type: "LongType", Distinct: 40, Coverage: 1, Reason: "type"},
			{Name: "MaritalStatus", Type: "string", Distinct: 4, Coverage: 1, Reason: "sensitive"},
		},
		Crosses: []schemas.CrossReport{{
			Fields: []string{"City", "Membership"}, Influence: 0.21,
			For: []schemas.ValueReport{{Value: "Oslo together with gold", Lift: 6.71, Customers: 1_200}},
		}},
		Warnings: []schemas.Warning{{Code: "rule", Message: "the source looks as if it were made by a rule over Membership", Hint: "leave that field out: --field ..."}},
	}
	for i := range 101 {
		x := 1 - float64(i)/100
		r.Reach = append(r.Reach, int64(97000*x*x*(0.4+0.6*x)))
	}
	return r
}
