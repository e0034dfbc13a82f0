package page_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.uber.org/goleak"

	"kindred/cmd/internal/console/page"
	"kindred/cmd/internal/reading"
	"kindred/cmd/internal/terminal"
	"kindred/pipeline/selection"
	"kindred/schemas"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var worlds = map[string]func() *world{"empty": empty, "typical": typical, "hostile": hostile}

func TestEveryLinkLeadsToAPage(t *testing.T) {
	paths := map[string]bool{}
	for name, make := range worlds {
		crawl(t, make().site().Handler(), func(v *visit) {
			path, _, _ := strings.Cut(v.at, "?")
			paths[path] = true
			if v.status != http.StatusOK && !v.mayBeMissing() {
				t.Errorf("%s: %s: %d", name, v.at, v.status)
			}
		})
	}
	for _, page := range []string{"/expand", "/expansion", "/members", "/why", "/drift", "/edit", "/rename", "/delete", "/run", "/runs", "/fields", "/health"} {
		if !paths["GET "+page] {
			t.Errorf("nothing leads to %s", page)
		}
	}
}

// mayBeMissing reports whether a page may say that there is nothing: a form that asks for a customer is empty at first.
func (v *visit) mayBeMissing() bool {
	return strings.HasPrefix(v.at, "GET /why?") && !strings.Contains(v.at, "customer=c") || strings.HasPrefix(v.at, "GET /edit?id=cyclists")
}

func TestNamesAreShownAsText(t *testing.T) {
	crawl(t, hostile().site().Handler(), func(v *visit) {
		scripts := 0
		for _, e := range v.elements {
			for name := range e.attributes {
				if strings.HasPrefix(name, "on") {
					t.Errorf("%s: <%s> has %s", v.at, e.name, name)
				}
			}
			if e.name == "script" {
				scripts++
			}
			if e.name == "img" {
				t.Errorf("%s: there is an image", v.at)
			}
		}
		if scripts != 1 {
			t.Errorf("%s: %d scripts", v.at, scripts)
		}
		for _, link := range v.links {
			if u, err := url.Parse(link); err != nil || u.Scheme != "" || u.Host != "" {
				t.Errorf("%s leads to %q", v.at, link)
			}
		}
	})
}

func TestPagesNeedNothingButThisServer(t *testing.T) {
	crawl(t, typical().site().Handler(), func(v *visit) {
		if policy := v.header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'; ") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: policy %q", v.at, policy)
		}
		if v.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s may be stored", v.at)
		}
		for _, e := range v.elements {
			if _, inline := e.attributes["style"]; inline || e.name == "style" || e.name == "script" && e.attributes["src"] == "" {
				t.Errorf("%s: <%s> has what the policy forbids", v.at, e.name)
			}
		}
	})
}

func TestPagesCanBeUsedWithoutSeeingThem(t *testing.T) {
	for name, make := range worlds {
		crawl(t, make().site().Handler(), func(v *visit) {
			ids, labels := map[string]int{}, map[string]bool{}
			headings := 0
			for _, e := range v.elements {
				if id := e.attributes["id"]; id != "" {
					ids[id]++
				}
				if e.name == "label" {
					labels[e.attributes["for"]] = true
				}
				if e.name == "h1" {
					headings++
				}
			}
			for id, n := range ids {
				if n > 1 {
					t.Errorf("%s: %s: %d elements have the id %s", name, v.at, n, id)
				}
			}
			if headings != 1 {
				t.Errorf("%s: %s has %d main headings", name, v.at, headings)
			}
			for _, e := range v.elements {
				field := e.name == "select" || e.name == "input" && e.attributes["type"] != "hidden"
				if field && !labels[e.attributes["id"]] && e.attributes["aria-label"] == "" {
					t.Errorf("%s: %s: the field %s has no label", name, v.at, e.attributes["name"])
				}
				if e.name == "svg" && e.attributes["aria-hidden"] == "" && e.attributes["aria-label"]+e.attributes["aria-labelledby"] == "" {
					t.Errorf("%s: %s: a drawing has no name", name, v.at)
				}
				if e.name == "th" && e.attributes["scope"] == "" {
					t.Errorf("%s: %s: a heading of a table has no scope", name, v.at)
				}
			}
		})
	}
}

func TestEveryFormAsksForWhatTheSchemaAllows(t *testing.T) {
	schema := requestSchema(t)
	actions := map[schemas.Action]bool{}
	for name, make := range worlds {
		w := make()
		h := w.site().Handler()
		send := func(f *form, values url.Values) *visit {
			before := len(w.asked)
			v := post(t, h, f.action, values)
			if f.action == "/replay" {
				return v
			}
			if len(w.asked) == before {
				if v.status != http.StatusOK {
					t.Errorf("%s: %s with %v: %d, and nothing was asked for", name, v.at, values, v.status)
				}
				return v
			}
			request := w.asked[len(w.asked)-1]
			if v.status != http.StatusSeeOther || !strings.HasPrefix(v.header.Get("Location"), "/run?id="+request.ExpansionID) {
				t.Errorf("%s: %s: %d to %s", name, v.at, v.status, v.header.Get("Location"))
			}
			text, _ := json.Marshal(request)
			var plain any
			_ = json.Unmarshal(text, &plain)
			if err := schema.Validate(plain); err != nil {
				t.Errorf("%s: %s: %s: %v", name, v.at, text, err)
			}
			var read schemas.ExpandRequest
			if err := read.Decode([]byte(request.ExpansionID), text); err != nil || read.Unknown != nil {
				t.Errorf("%s: %s: %s: %v %v", name, v.at, text, err, read.Unknown)
			}
			actions[request.Action] = true
			return v
		}
		crawl(t, h, func(v *visit) {
			for i := range v.forms {
				f := &v.forms[i]
				if f.method != "post" {
					continue
				}
				if len(f.buttons) == 0 {
					send(f, f.values)
				}
				for _, button := range f.buttons {
					f.values.Set(button[0], button[1])
					send(f, f.values)
				}
			}
		})
	}
	for _, action := range []schemas.Action{schemas.Expand, schemas.Refresh, schemas.Cancel, schemas.Rename, schemas.Delete} {
		if !actions[action] {
			t.Errorf("no form asks to %s", action)
		}
	}
}

func requestSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	files, err := schemas.Documents.ReadDir("json")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := schemas.Documents.ReadFile(path.Join("json", file.Name()))
		if err != nil {
			t.Fatal(err)
		}
		var document any
		if err := json.Unmarshal(text, &document); err != nil {
			t.Fatal(err)
		}
		if err := c.AddResource("file:///"+file.Name(), document); err != nil {
			t.Fatal(err)
		}
	}
	return c.MustCompile("file:///expand-request.schema.json")
}

func TestAnEditShowsWhatChangesAndSendsOnlyThat(t *testing.T) {
	w := typical()
	h := w.site().Handler()
	values := get(t, h, "/edit?id=vip-expansion").formOf(t, "/edit").values
	values.Set("share", "12.5")
	values.Set("do", "review")
	review := post(t, h, "/edit", values)
	if len(w.asked) != 0 {
		t.Fatal("a look at the difference has asked for something")
	}
	for _, want := range []string{"the best 20 % of those who are similar", "the best 12.5 % of those who are similar", "As of the last run that would be 2,652 members"} {
		if !strings.Contains(review.text, want) {
			t.Errorf("the difference does not say %q", want)
		}
	}
	f := review.formOf(t, "/edit")
	f.values.Set("do", "run")
	post(t, h, "/edit", f.values)
	if len(w.asked) != 1 {
		t.Fatalf("%d requests", len(w.asked))
	}
	f.values.Set("do", "try")
	tried := post(t, h, "/edit", f.values)
	w.runs = append(w.runs, reading.Run{Run: schemas.Run{RunID: w.asked[1].RequestID, ExpansionID: "vip-expansion", DryRun: true, Status: schemas.Successful}})
	f = get(t, h, tried.header.Get("Location")).formOf(t, "/edit")
	f.values.Set("do", "run")
	post(t, h, "/edit", f.values)
	if len(w.asked) != 3 || !w.asked[1].DryRun || w.asked[2].DryRun || *w.asked[2].Share != 0.125 {
		t.Errorf("tried, then ran: %+v", w.asked)
	}
	w.asked[0].RequestID = ""
	got, _ := json.Marshal(w.asked[0])
	if want := `{"action":"edit","expansionId":"vip-expansion","share":0.125}`; string(got) != want {
		t.Errorf("asked for %s, want %s", got, want)
	}
}

// A process that does not control may not know the preset of an expansion: an edit leaves it as it is, and its other sizes are told
// by it.
func TestAnEditKeepsAPresetThatThisProcessDoesNotKnow(t *testing.T) {
	w := typical()
	d := w.expansions[0].Definition
	d.Preset, d.Bounds, d.ShareOfCandidates = "fine", []float64{0.3, 0.5, 0.9}, true
	h := w.site().Handler()
	values := get(t, h, "/edit?id="+w.expansions[0].ExpansionID).formOf(t, "/edit").values
	if values.Get("preset") != "fine" {
		t.Errorf("the form has the preset %q", values.Get("preset"))
	}
	values.Set("share", "1.5")
	values.Set("do", "review")
	review := post(t, h, "/edit", values)
	members, _, _ := selection.PresetOf(&schemas.Definition{Preset: "fine", Bounds: d.Bounds, ShareOfCandidates: true}).
		Rule(&schemas.Definition{Floor: d.Floor, Share: 0.015}).WhatIf(w.expansions[0].Report, selection.Floor(d.Floor))
	members -= int64(math.Round(d.Holdout * float64(members)))
	if want := "As of the last run that would be " + terminal.Count(members, "member"); !strings.Contains(review.text, want) {
		t.Errorf("it does not say %q", want)
	}
	f := review.formOf(t, "/edit")
	f.values.Set("do", "run")
	post(t, h, "/edit", f.values)
	if got := w.asked[0]; got.Preset != nil || got.Share == nil || *got.Share != 0.015 {
		t.Errorf("it asks for %+v", got)
	}
	site := w.site()
	site.Presets = selection.Presets{{Name: "coarse"}}
	if text := get(t, site.Handler(), "/expand?source=vip").text; !strings.Contains(text, "coarse") {
		t.Error("a new expansion cannot have the preset that there is")
	}
}

// formOf returns the form that is sent to an address.
func (v *visit) formOf(t *testing.T, action string) *form {
	t.Helper()
	i := slices.IndexFunc(v.forms, func(f form) bool { return f.action == action && f.method == "post" })
	if i < 0 {
		t.Fatalf("%s has no form for %s", v.at, action)
	}
	return &v.forms[i]
}

func TestATryCanBeRunAsItIs(t *testing.T) {
	w := typical()
	h := w.site().Handler()
	values := get(t, h, "/expand?source=newsletter").formOf(t, "/expand").values
	values.Set("share", "29")
	values["suppress"] = []string{"vip", "churn"}
	values.Set("do", "try")
	tried := post(t, h, "/expand", values)
	w.runs = append(w.runs, reading.Run{Run: schemas.Run{RunID: w.asked[0].RequestID, ExpansionID: "newsletter-expansion", DryRun: true, Status: schemas.Successful, Cause: schemas.CauseExpand}})
	f := get(t, h, tried.header.Get("Location")).formOf(t, "/expand")
	f.values.Set("do", "run")
	post(t, h, "/expand", f.values)
	first, second := w.asked[0], w.asked[1]
	if !first.DryRun || second.DryRun {
		t.Errorf("dry runs: %v and %v", first.DryRun, second.DryRun)
	}
	first.RequestID, first.DryRun, second.RequestID = "", false, ""
	a, _ := json.Marshal(first)
	b, _ := json.Marshal(second)
	if string(a) != string(b) || !strings.Contains(string(a), `"share":0.29`) || !strings.Contains(string(a), `"suppress":["vip","churn"]`) {
		t.Errorf("tried %s, then ran %s", a, b)
	}
}

func TestTheRecommendedFieldsStayAChoice(t *testing.T) {
	w := typical()
	h := w.site().Handler()
	check := func(want string, fields ...string) {
		t.Helper()
		values := get(t, h, "/expand?source=newsletter").formOf(t, "/expand").values
		values.Set("choice", "named")
		values["field"] = fields
		values.Set("do", "run")
		post(t, h, "/expand", values)
		got, _ := json.Marshal(w.asked[len(w.asked)-1].Fields)
		if string(got) != want {
			t.Errorf("%v: asked for fields %s, want %s", fields, got, want)
		}
	}
	check("null", "TravelStyle", "City", "Membership", "ShoeSize")
	check(`["City","Age"]`, "City", "Age")
}

func TestWhatCannotBeAskedForIsSaidInTheForm(t *testing.T) {
	w := typical()
	h := w.site().Handler()
	check := func(name, value, want string) {
		t.Helper()
		values := get(t, h, "/expand?source=vip").formOf(t, "/expand").values
		values.Set(name, value)
		values.Set("do", "run")
		v := post(t, h, "/expand", values)
		if !slices.Contains(v.links, "#"+name) || !slices.ContainsFunc(v.elements, func(e *element) bool { return e.attributes["id"] == name }) {
			t.Errorf("%s=%q: nothing leads to where it is wrong", name, value)
		}
		if v.status != http.StatusUnprocessableEntity || !strings.Contains(v.text, want) || !strings.Contains(v.text, "VIP customers Expansion 2") {
			t.Errorf("%s=%q: %d, want %q and what was filled in", name, value, v.status, want)
		}
	}
	check("share", "0", "Use more than 0 and at most 100.")
	check("share", "many", "Use more than 0 and at most 100.")
	check("floor", "1.5", "Use a score from 0 to 1.")
	check("id", "no/id", "Use 1 to 200 letters")
	check("sourceChange", "-1", "Use 0 to 100")
	check("holdout", "51", "Use 0 to 50")
	check("tags", strings.Repeat("x", 101), "A tag has at most 100 characters.")
	if len(w.asked) > 0 {
		t.Errorf("asked for %v", w.asked)
	}
}

func TestWhatNobodyCouldReadIsAProblemOfTheRequest(t *testing.T) {
	site := typical().site()
	site.Ask = func(context.Context, *schemas.ExpandRequest) error {
		return &schemas.Malformed{Code: schemas.WrongSchema, Message: "name has 9,000 characters"}
	}
	h := site.Handler()
	v := post(t, h, "/rename", url.Values{"id": {"vip-expansion"}, "name": {"x"}})
	if v.status != http.StatusUnprocessableEntity || !strings.Contains(v.text, "Name has 9,000 characters.") {
		t.Errorf("%d: %s", v.status, v.text)
	}
}

func TestAViewerChangesNothing(t *testing.T) {
	w := typical()
	site := w.site()
	site.Visitor = func(*http.Request) page.Visitor { return page.Visitor{Name: "ann"} }
	h := site.Handler()
	crawl(t, h, func(v *visit) {
		for _, f := range v.forms {
			if f.method == "post" && f.action != "/logout" {
				t.Errorf("%s offers %s", v.at, f.action)
			}
		}
	})
	for _, action := range []string{"/expand", "/edit", "/refresh", "/delete", "/cancel", "/rename", "/replay"} {
		if v := post(t, h, action, url.Values{"id": {"vip-expansion"}, "size": {"share"}, "name": {"x"}}); v.status != http.StatusForbidden {
			t.Errorf("%s: %d", action, v.status)
		}
	}
	if len(w.asked) > 0 {
		t.Errorf("asked for %v", w.asked)
	}
}

func TestAPageThatCannotBeMadeSaysWhy(t *testing.T) {
	w := typical()
	site := w.site()
	check := func(at string, status int, want string) {
		t.Helper()
		if v := get(t, site.Handler(), at); v.status != status || !strings.Contains(v.text, want) {
			t.Errorf("%s: %d, want %d and %q", at, v.status, status, want)
		}
	}
	check("/expansion?id=nobody", http.StatusNotFound, "There is no such expansion")
	check("/nowhere", http.StatusNotFound, "There is no such page")
	check("/why?id=vip-expansion&customer=", http.StatusBadRequest, "nobody&#39;s id")
	w.behind = 1234
	check("/", http.StatusOK, "What is on record is still being read, 1,234 records to go")
	w.expansions[0].State = schemas.StateDeleted
	check("/expansion?id=vip-expansion", http.StatusNotFound, "was deleted")
	site.Facts = broken{w}
	check("/", http.StatusServiceUnavailable, "Kafka or Redis did not say")
	check("/fields", http.StatusServiceUnavailable, "Customers are still being read")
}

// broken is a world whose Redis is away.
type broken struct{ *world }

func (broken) Segments(context.Context) ([]reading.Segment, int, error) {
	return nil, 0, errors.New("redis is away")
}

func (broken) Fields(context.Context, string) (*reading.Fields, error) {
	return nil, &reading.Refusal{Code: reading.NotReady, Err: errors.New("shard 3 is not ready")}
}

func TestTheListHoldsExpansionsBelowTheirSources(t *testing.T) {
	h := typical().site().Handler()
	order := func(at string, names ...string) {
		t.Helper()
		text, from := get(t, h, at).text, 0
		for _, name := range names {
			i := strings.Index(text[from:], ">"+name+"<")
			if i < 0 {
				t.Fatalf("%s: %s is not where it should be", at, name)
			}
			from += i
		}
	}
	order("/", "Cyclists", "Cyclists Expansion", "VIP customers", "VIP customers Expansion", "VIP customers, second wave")
	order("/?q=second", "VIP customers", "VIP customers Expansion", "VIP customers, second wave")
	if text := get(t, h, "/?q=second").text; strings.Contains(text, "Cyclists") {
		t.Error("what was not looked for is there, too")
	}
}

func TestARingOfExpansionsIsListedOnce(t *testing.T) {
	w := typical()
	w.segments = nil
	w.expansions = w.expansions[:2]
	w.expansions[0].Definition.SourceSegmentID = "vip-second" // which is made from it
	text := get(t, w.site().Handler(), "/").text
	for _, id := range []string{"vip-expansion", "vip-second"} {
		if n := strings.Count(text, `href="/expansion?id=`+id+`"`); n != 1 {
			t.Errorf("%s is there %d times", id, n)
		}
	}
}

func TestMembersComeInPages(t *testing.T) {
	w := typical()
	h := w.site().Handler()
	seen := 0
	for at := "/members?id=vip-expansion"; at != ""; {
		v := get(t, h, at)
		at = ""
		for i, link := range v.links {
			if strings.HasPrefix(link, "/why?") {
				seen++
			} else if strings.HasPrefix(link, "/members?") && strings.Contains(link, "after=") {
				at = v.links[i]
			}
		}
	}
	if seen != len(w.members) {
		t.Errorf("%d of %d members were on a page", seen, len(w.members))
	}
}

func TestStaticFilesAreKeptForEver(t *testing.T) {
	h := empty().site().Handler()
	for _, e := range get(t, h, "/").elements {
		at := e.attributes["href"] + e.attributes["src"]
		if !strings.HasPrefix(at, "/static/") {
			continue
		}
		v := get(t, h, at)
		if v.status != http.StatusOK || !strings.Contains(v.header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d, %s", at, v.status, v.header.Get("Cache-Control"))
		}
		if v := get(t, h, "/static/old/"+path.Base(at)); v.status != http.StatusNotFound {
			t.Errorf("an old %s: %d", at, v.status)
		}
	}
}

func TestWhatIsNotKnownIsNotSaidToBeWell(t *testing.T) {
	w := typical()
	w.health.Letters, w.health.LettersUnread = nil, true
	if v := get(t, w.site().Handler(), "/health"); !strings.Contains(v.text, "Kafka does not say whether there are any") || strings.Contains(v.text, "There are none") {
		t.Errorf("it says\n%s", v.text)
	}
}
