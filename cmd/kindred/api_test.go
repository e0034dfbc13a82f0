package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"kindred/cmd/internal/reading"
	"kindred/schemas"
)

// Tokens of the callers.
const (
	annsToken = "ann-may-ask-for-changes-0123"
	bobsToken = "bob-may-only-look-0123456789"
)

// caller asks the API of a world. Whatever it is answered has to be as the API's own document says.
type caller struct {
	*world
	base  string
	token string // empty: none is sent
	doc   *apiDocument
}

// calls lets a world serve HTTP to ann, who is an editor, and bob, who is a viewer.
func (w *world) calls() (ann, bob caller) {
	w.Helper()
	w.tokens = filepath.Join(w.TempDir(), "tokens")
	w.OK(os.WriteFile(w.tokens, []byte("ann "+annsToken+" editor\nbob "+bobsToken+"\n"), 0o600))
	address, _ := w.serveAt("127.0.0.1:0")
	ann = caller{w, "http://" + address, annsToken, nil}
	_, text := ann.send("GET", "/api/openapi.json", "")
	ann.doc = newDocument(w, text)
	w.Cleanup(http.DefaultClient.CloseIdleConnections)
	w.wait("the lists", func() string {
		if status, text := ann.get("/api/runs"); status != 200 {
			return text
		}
		return ""
	})
	return ann, caller{w, ann.base, bobsToken, ann.doc}
}

// send sends a request with some headers, "Name: value" each, and returns the answer with its whole body.
func (c caller) send(method, path, body string, headers ...string) (*http.Response, string) {
	c.Helper()
	r, err := http.NewRequestWithContext(c.Ctx, method, c.base+path, strings.NewReader(body))
	c.OK(err)
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Add(name, value)
	}
	answer, err := http.DefaultClient.Do(r)
	c.OK(err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	c.OK(err)
	if wrong := c.doc.check(r, answer, text); wrong != "" {
		c.Errorf("%s %s is answered with what the document does not say: %s\n%.500s", method, path, wrong, text)
	}
	return answer, string(text)
}

func (c caller) get(path string) (status int, text string) {
	c.Helper()
	answer, text := c.send("GET", path, "")
	return answer.StatusCode, text
}

func (c caller) post(event string) (status int, text string) {
	c.Helper()
	answer, text := c.send("POST", "/api/expand-requests", event, "Content-Type: application/json")
	return answer.StatusCode, text
}

// fact asks for something that there is.
func fact[T any](c caller, path string) (result T) {
	c.Helper()
	status, text := c.get(path)
	if status != 200 {
		c.Fatalf("%s: %d %s", path, status, text)
	}
	c.OK(json.Unmarshal([]byte(text), &result))
	return result
}

// ended waits until a run has ended.
func (c caller) ended(expansion, run string) (last schemas.Run) {
	c.Helper()
	c.wait("run "+run, func() string {
		status, text := c.get("/api/runs/" + expansion + "/" + url.PathEscape(run))
		if status != 200 || json.Unmarshal([]byte(text), &last) != nil || !last.Status.Final() {
			return text
		}
		return ""
	})
	return last
}

func TestTheAPITellsWhatTheCommandLineTells(t *testing.T) {
	everywhere(t, func(w *world) {
		ann, bob := w.calls()
		w.declare()
		w.bring(0, crowd)
		w.segment("vip", `"name":"VIP customers","added":%s`, vips(0, crowd))
		w.say(schemas.Profiles, "odd", `no json`)

		// Ann asks, in her own name whatever name she gives; bob may not.
		const asked = `{"action":"expand","expansionId":"more","sourceSegmentId":"vip","requestedBy":"the boss","requestId":"first / one"}`
		if status, text := bob.post(asked); status != 403 || !strings.Contains(text, "bob is a viewer's") || !strings.Contains(text, "editor") {
			t.Errorf("bob is told %d %s", status, text)
		}
		w.wait("the segment", func() string {
			if segments := fact[struct{ Segments []reading.Segment }](bob, "/api/segments").Segments; len(segments) != 1 || segments[0].Members == 0 {
				return fmt.Sprintf("%+v", segments)
			}
			return ""
		})
		answer, text := ann.send("POST", "/api/expand-requests", asked, "Content-Type: application/json; charset=UTF-8")
		if want := `{"requestId":"first / one","expansionId":"more","action":"expand"}`; answer.StatusCode != 202 || strings.TrimSpace(text) != want {
			t.Fatalf("ann is told %d %s", answer.StatusCode, text)
		}
		run := ann.ended("more", "first / one")
		if run.Status != schemas.Successful || run.RequestedBy != "ann" || run.Report == nil || answer.Header.Get("Location") != "/api/runs/more/first%20%2F%20one" {
			t.Fatalf("her run at %s is %+v (%+v)", answer.Header.Get("Location"), run, run.Error)
		}
		if text := w.kindred(done, "runs", "more"); !strings.Contains(text, "asked by") || !strings.Contains(text, "ann") {
			t.Errorf("runs says\n%s", text)
		}
		w.agree()

		same := func(what string, api, line any) {
			t.Helper()
			if !reflect.DeepEqual(api, line) {
				t.Errorf("of %s the API tells\n%+v\nand the command line\n%+v", what, api, line)
			}
		}
		same("segments", fact[struct{ Segments []reading.Segment }](bob, "/api/segments").Segments, printed[[]reading.Segment](w, "segments"))
		same("fields", fact[reading.Fields](bob, "/api/fields?segment=vip"), printed[reading.Fields](w, "fields", "vip"))
		same("runs", fact[struct{ Runs []reading.Run }](bob, "/api/runs?expansion=more").Runs, printed[[]reading.Run](w, "runs", "more"))
		same("dead letters", fact[reading.Letters](bob, "/api/dead-letters?topic=profiles"), printed[reading.Letters](w, "dead-letters", "list", "--topic", "profiles"))
		api, line := fact[reading.Expansion](bob, "/api/expansions/more?share=0.5&drift=true"), printed[reading.Expansion](w, "show", "more", "--share", "0.5")
		line.Live.AsOf = api.Live.AsOf
		same("an expansion", api, line)
		if api.LastRun.RequestedBy != "ann" {
			t.Errorf("the last run is %+v", api.LastRun)
		}
		list := fact[struct{ Expansions []reading.Summary }](bob, "/api/expansions").Expansions
		if len(list) != 1 || list[0].Live.Members != run.Report.Counts.Members || list[0].Result.Counts != run.Report.Counts || list[0].Name != api.Name {
			t.Errorf("the list has %+v", list)
		}

		// The pages, one behind the other, are the members, each once and in their order.
		var paged []reading.Member
		for after := ""; ; {
			page := fact[reading.Page](bob, "/api/expansions/more/members?limit=7"+after)
			paged = append(paged, page.Members...)
			if page.Total != run.Report.Counts.Members {
				t.Errorf("a page counts %d members, want %d", page.Total, run.Report.Counts.Members)
			}
			if page.Next == "" {
				break
			}
			after = "&after=" + url.QueryEscape(page.Next)
		}
		same("members", paged, printed[[]reading.Member](w, "members", "more", "--limit", "100000"))

		member := paged[len(paged)/2].CustomerID
		why, whyLine := fact[reading.Why](bob, "/api/expansions/more/members/"+url.PathEscape(member)), printed[reading.Why](w, "why", "more", member)
		whyLine.AsOf = why.AsOf
		same("why", why, whyLine)
		// An id may hold whatever a path holds.
		for _, id := range []string{"..", "a/b", "a//b", "ü %25?#", `"<>`} {
			if why := fact[reading.Why](bob, "/api/expansions/more/members/"+strings.ReplaceAll(url.PathEscape(id), ".", "%2E")); why.CustomerID != id || why.Reason != reading.UnknownCustomer {
				t.Errorf("why of %q is %+v", id, why)
			}
		}
		w.wait("health", func() string {
			if h := fact[reading.Health](bob, "/api/health"); !h.Ready || len(h.Shards) != shardsOfAWorld || h.LettersTotal != 1 || h.Letters[0].Code != "schema" {
				return fmt.Sprintf("%+v", h)
			}
			return ""
		})
		seen := w.everyRecordIsAsItsSchemaSays()
		for _, name := range []string{"run", "expansion", "segment", "membership"} {
			if seen[name] == 0 {
				t.Errorf("of what was published no %s was seen", name)
			}
		}
		nobody := caller{w, ann.base, "", ann.doc}
		if answer, text := nobody.send("GET", "/api/expansions", ""); answer.StatusCode != 401 || answer.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("without a token: %d %s", answer.StatusCode, text)
		}
	})
}

// listener hears the events of the API.
type listener struct {
	caller
	lines *bufio.Scanner
	id    string // of the last event
}

// listen begins to listen, behind an event if one is named.
func (c caller) listen(last string) *listener {
	c.Helper()
	r, err := http.NewRequestWithContext(c.Ctx, "GET", c.base+"/api/events", nil)
	c.OK(err)
	r.Header.Set("Authorization", "Bearer "+c.token)
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	answer, err := http.DefaultClient.Do(r)
	c.OK(err)
	c.Cleanup(func() { answer.Body.Close() })
	if kind := answer.Header.Get("Content-Type"); answer.StatusCode != 200 || kind != "text/event-stream" {
		c.Fatalf("listening: %d %s", answer.StatusCode, kind)
	}
	return &listener{caller: c, lines: bufio.NewScanner(answer.Body)}
}

// until hears events until all of these names have come, and returns all names that came. Of members the first look at the caches
// may say so by the name of everything.
func (l *listener) until(names ...string) map[string]bool {
	l.Helper()
	heard := map[string]bool{}
	for l.lines.Scan() {
		field, value, _ := strings.Cut(l.lines.Text(), ": ")
		switch field {
		case "id":
			l.id = value
		case "data":
			heard[value] = true
		}
		missing := func(name string) bool {
			return !heard[name] && !(strings.HasPrefix(name, "members/") && heard[reading.Everything])
		}
		if l.lines.Text() == "" && !slices.ContainsFunc(names, missing) {
			return heard
		}
	}
	l.Fatalf("it heard %v, want %v: %v", slices.Sorted(maps.Keys(heard)), names, l.lines.Err())
	return nil
}

// Whoever listens hears the name of everything that changes and nothing else, also of what changed while it was away.
func TestEventsNameWhatChanges(t *testing.T) {
	everywhere(t, func(w *world) {
		ann, bob := w.calls()
		hears := bob.listen("")
		hears.until(reading.Everything)
		w.declare()
		w.bring(0, crowd)
		w.segment("vip", `"added":%s`, vips(0, crowd))
		hears.until("fields", "segments/vip")
		ann.post(`{"action":"expand","expansionId":"more","sourceSegmentId":"vip","requestId":"r"}`)
		heard := hears.until("expansions/more", "runs/more/r")
		ann.ended("more", "r")
		for name := range heard {
			if kind, _, _ := strings.Cut(name, "/"); !slices.Contains([]string{"expansions", "segments", "runs", "members", "fields", "health", reading.Everything}, kind) {
				t.Errorf("it hears %q", name)
			}
		}
		w.settle()
		w.say(schemas.Profiles, "odd", `no json`)
		hears.until("dead-letters")
		member := fact[reading.Page](bob, "/api/expansions/more/members?limit=1").Members[0].CustomerID
		w.say(schemas.Profiles, member, `{"fields":{},"profiling":false}`)
		hears.until("members/more")

		ann.post(`{"action":"rename","expansionId":"more","name":"Other","requestId":"away"}`)
		ann.ended("more", "away")
		if heard := bob.listen(hears.id).until("runs/more/away"); heard[reading.Everything] {
			t.Errorf("behind its last event it hears %v", heard)
		}
		bob.listen("another-1").until(reading.Everything)
		bob.listen(hears.id + "000").until(reading.Everything)
	})
}
