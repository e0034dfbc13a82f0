package control

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"kindred/schemas"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// desk is a state and the decisions taken on it, with the fate of every run.
type desk struct {
	t      testing.TB
	state  *state
	offset int64
	last   map[string]schemas.Run // by run: its last event
	finals map[string]int         // by run: final events
}

func newDesk(t testing.TB) *desk {
	d := &desk{t: t, state: newState(), last: map[string]schemas.Run{}, finals: map[string]int{}}
	d.state.segments["vip"] = &schemas.Segment{SegmentID: "vip", Name: "VIP customers"}
	return d
}

// do takes a step as if it had been committed.
func (d *desk) do(s step) step {
	d.t.Helper()
	d.state.apply(s)
	for _, r := range s.runs {
		d.last[r.RunID] = r
		if r.Status.Final() {
			d.finals[r.RunID]++
		}
	}
	return s
}

// empty reports whether a step changes nothing.
func empty(s step) bool {
	return s.expansion == nil && len(s.runs) == 0 && len(s.requests) == 0 && len(s.letters) == 0
}

func (d *desk) ask(r schemas.ExpandRequest) step {
	d.offset++
	return d.do(d.state.decide(request{r, d.offset, noon, schemas.Ends{SegmentChanges: d.offset}}, noon))
}

// turn lets the next run begin.
func (d *desk) turn() {
	for d.state.active() == nil && d.state.next() != nil {
		d.do(start(d.state.next(), noon))
	}
}

// commit commits what runs, as learning would.
func (d *desk) commit() {
	d.t.Helper()
	e := d.state.active()
	if e == nil {
		d.t.Fatal("nothing runs that could be committed")
	}
	if e.Run.Request.Action == schemas.Delete {
		d.do(commitDeletion(e, []byte("{}"), noon))
		return
	}
	definition := define(e.Definition, &e.Run.Request, func(id string) string { return id })
	setName(&definition, &e.Run.Request)
	d.do(commitModel(e, definition, schemas.NewReport(), []byte("{}"), noon))
}

func (d *desk) succeed() {
	d.t.Helper()
	d.do(succeed(d.state.active(), counted{members: 3, entered: 2, left: 1}, noon))
}

// live brings an expansion "x" about, of the source vip.
func (d *desk) live() {
	d.t.Helper()
	d.ask(expand("first"))
	d.turn()
	d.commit()
	d.succeed()
}

func (d *desk) status(run string, want schemas.Status) {
	d.t.Helper()
	if got := d.last[run].Status; got != want {
		d.t.Errorf("run %s is %q, want %q (%v)", run, got, want, d.last[run].Error)
	}
}

func (d *desk) code(run, want string) {
	d.t.Helper()
	d.status(run, schemas.Failed)
	if got := d.last[run].Error; got == nil || got.Code != want {
		d.t.Errorf("run %s failed with %+v, want code %s", run, got, want)
	} else if got.Message == "" {
		d.t.Errorf("run %s failed without a message", run)
	}
}

func expand(id string) schemas.ExpandRequest {
	return schemas.ExpandRequest{RequestID: id, Action: schemas.Expand, ExpansionID: "x", SourceSegmentID: new("vip")}
}

func on(id string, action schemas.Action) schemas.ExpandRequest {
	return schemas.ExpandRequest{RequestID: id, Action: action, ExpansionID: "x"}
}

func TestARequestWaitsRunsAndEnds(t *testing.T) {
	d := newDesk(t)
	d.ask(expand("a"))
	d.status("a", schemas.Queued)
	d.turn()
	d.status("a", schemas.Processing)
	e := d.state.expansions["x"]
	if e.Epoch != 1 || e.Run.Epoch != 1 || e.Run.Ends.SegmentChanges != 1 || e.Definition != nil || e.State != schemas.StateNew {
		t.Errorf("before its commit the record is %+v", e)
	}
	d.commit()
	e = d.state.expansions["x"]
	if e.State != schemas.StateLive || e.Definition == nil || !e.Run.Committed || e.Report != nil {
		t.Errorf("after its commit the record is %+v", e)
	}
	d.succeed()
	e = d.state.expansions["x"]
	d.status("a", schemas.Successful)
	if e.Run != nil || e.Report == nil || e.Report.Counts.Members != 3 || d.last["a"].Report.Counts.Left != 1 {
		t.Errorf("at its end the record is %+v", e)
	}
	if !slices.Equal(e.Requests, []string{"a"}) || len(e.Pending) != 0 {
		t.Errorf("remembered %v, waiting %v", e.Requests, e.Pending)
	}
}

func TestTheSameRequestTwiceIsOne(t *testing.T) {
	d := newDesk(t)
	d.ask(expand("a"))
	if again := d.ask(expand("a")); !empty(again) {
		t.Errorf("the second time it decided %+v", again)
	}
	d.turn()
	d.commit()
	d.succeed()
	if again := d.ask(expand("a")); !empty(again) {
		t.Errorf("after its end it decided %+v", again)
	}
	for i := range remembered {
		d.ask(on(fmt.Sprint("r", i), schemas.Cancel))
	}
	d.ask(expand("a"))
	d.code("a", schemas.CodeExists) // forgotten by now: a new request
}

func TestARequestWithoutIDIsNamedByItsPlace(t *testing.T) {
	d := newDesk(t)
	d.ask(expand(""))
	d.status("expand-requests-1", schemas.Queued)
}

// What each action comes to in each situation of the expansion x.
func TestActionsBySituation(t *testing.T) {
	situations := map[string]func(*desk){
		"unknown":   func(*desk) {},
		"waiting":   func(d *desk) { d.busy(); d.ask(expand("first")) },
		"running":   func(d *desk) { d.ask(expand("first")); d.turn() },
		"committed": func(d *desk) { d.ask(expand("first")); d.turn(); d.commit() },
		"live":      func(d *desk) { d.live() },
		"editing":   func(d *desk) { d.live(); d.ask(edit("second", nil)); d.turn() },
		"failed":    func(d *desk) { d.ask(expand("first")); d.turn(); d.fail() },
		"deleting":  func(d *desk) { d.live(); d.ask(on("second", schemas.Delete)); d.turn() },
		"leaving":   func(d *desk) { d.live(); d.ask(on("second", schemas.Delete)); d.turn(); d.commit() },
		"deleted":   func(d *desk) { d.live(); d.ask(on("second", schemas.Delete)); d.turn(); d.commit(); d.succeed() },
	}
	// What becomes of the request; after a comma, of the run that was there before it.
	want := map[string]map[schemas.Action]string{
		"unknown": {schemas.Expand: "queued", schemas.Edit: "unknown_expansion", schemas.Refresh: "unknown_expansion",
			schemas.Cancel: "unknown_expansion", schemas.Rename: "unknown_expansion", schemas.Delete: "unknown_expansion"},
		"waiting": {schemas.Expand: "exists, queued", schemas.Edit: "queued, skipped", schemas.Refresh: "queued, queued",
			schemas.Cancel: "successful, canceled", schemas.Rename: "successful, queued", schemas.Delete: "queued, skipped"},
		"running": {schemas.Expand: "exists, processing", schemas.Edit: "queued, skipped", schemas.Refresh: "queued, processing",
			schemas.Cancel: "successful, canceled", schemas.Rename: "successful, processing", schemas.Delete: "queued, skipped"},
		"committed": {schemas.Expand: "exists, processing", schemas.Edit: "queued, processing", schemas.Refresh: "queued, processing",
			schemas.Cancel: "too_late, processing", schemas.Rename: "successful, processing", schemas.Delete: "queued, processing"},
		"live": {schemas.Expand: "exists", schemas.Edit: "queued", schemas.Refresh: "queued",
			schemas.Cancel: "not_running", schemas.Rename: "successful", schemas.Delete: "queued"},
		"editing": {schemas.Expand: "exists, processing", schemas.Edit: "queued, skipped", schemas.Refresh: "queued, processing",
			schemas.Cancel: "successful, canceled", schemas.Rename: "successful, processing", schemas.Delete: "queued, skipped"},
		"failed": {schemas.Expand: "queued", schemas.Edit: "queued", schemas.Refresh: "unknown_expansion",
			schemas.Cancel: "not_running", schemas.Rename: "unknown_expansion", schemas.Delete: "queued"},
		"deleting": {schemas.Expand: "exists, processing", schemas.Edit: "unknown_expansion, processing",
			schemas.Refresh: "unknown_expansion, processing", schemas.Cancel: "successful, canceled",
			schemas.Rename: "unknown_expansion, processing", schemas.Delete: "skipped, processing"},
		"leaving": {schemas.Expand: "exists, processing", schemas.Edit: "unknown_expansion, processing",
			schemas.Refresh: "unknown_expansion, processing", schemas.Cancel: "too_late, processing",
			schemas.Rename: "unknown_expansion, processing", schemas.Delete: "unknown_expansion, processing"},
		"deleted": {schemas.Expand: "queued", schemas.Edit: "unknown_expansion", schemas.Refresh: "unknown_expansion",
			schemas.Cancel: "not_running", schemas.Rename: "unknown_expansion", schemas.Delete: "unknown_expansion"},
	}
	for name, bring := range situations {
		for action, comesTo := range want[name] {
			t.Run(name+"/"+string(action), func(t *testing.T) {
				d := newDesk(t)
				bring(d)
				before := ""
				for _, id := range []string{"first", "second"} {
					if r, there := d.last[id]; there && !r.Status.Final() {
						before = id
					}
				}
				r := on("request", action)
				switch action {
				case schemas.Expand, schemas.Edit:
					r.SourceSegmentID = new("vip")
				case schemas.Rename:
					r.Name = new("another name")
				}
				d.ask(r)
				got := string(d.last["request"].Status)
				if err := d.last["request"].Error; err != nil {
					got = err.Code
				}
				if before != "" {
					got += ", " + string(d.last[before].Status)
				}
				if got != comesTo {
					t.Errorf("it comes to %s, want %s", got, comesTo)
				}
			})
		}
	}
}

func edit(id string, change func(*schemas.ExpandRequest)) schemas.ExpandRequest {
	r := on(id, schemas.Edit)
	if change != nil {
		change(&r)
	}
	return r
}

// busy lets another expansion run, so that x has to wait.
func (d *desk) busy() {
	other := expand("other")
	other.ExpansionID = "y"
	d.ask(other)
	d.turn()
}

func (d *desk) fail() {
	d.do(fail(d.state.active(), schemas.Refuse(schemas.CodeSourceTooSmall, "", "too small"), noon))
}

func TestRequestsThatCannotBe(t *testing.T) {
	d := newDesk(t)
	d.live()
	check := func(code string, change func(*schemas.ExpandRequest)) {
		t.Helper()
		id := fmt.Sprint("r", d.offset)
		r := expand(id)
		r.ExpansionID = "z"
		change(&r)
		d.ask(r)
		d.code(id, code)
	}
	check(schemas.CodeBadValue, func(r *schemas.ExpandRequest) { r.DryRun = true })
	check(schemas.CodeBadValue, func(r *schemas.ExpandRequest) { r.Share = new(0.0) })
	check(schemas.CodeBadValue, func(r *schemas.ExpandRequest) { r.Share = new(1.01) })
	check(schemas.CodeBadValue, func(r *schemas.ExpandRequest) { r.Share, r.Count = new(0.1), new(int64(5)) })
	check(schemas.CodeBadValue, func(r *schemas.ExpandRequest) { r.Count = new(int64(0)) })
	check(schemas.CodeBadValue, func(r *schemas.ExpandRequest) { r.Floor = new(-0.1) })
	check(schemas.CodeBadValue, func(r *schemas.ExpandRequest) { r.Name = new(" ") })
	check(schemas.CodeBadValue, func(r *schemas.ExpandRequest) { r.Name = new(strings.Repeat("n", 201)) })
	check(schemas.CodeBadValue, func(r *schemas.ExpandRequest) { r.Refresh = &schemas.RefreshPolicy{Every: "daily"} })
	check(schemas.CodeBadValue, func(r *schemas.ExpandRequest) { r.Refresh = &schemas.RefreshPolicy{SourceChange: -1} })
	check(schemas.CodeUnknownPreset, func(r *schemas.ExpandRequest) { r.Preset = new("none") })
	check(schemas.CodeUnknownSegment, func(r *schemas.ExpandRequest) { r.SourceSegmentID = new("x") })
	check(schemas.CodeUnknownSegment, func(r *schemas.ExpandRequest) { r.Suppress = &[]string{"x"} })
	check(schemas.CodeUnknownSegment, func(r *schemas.ExpandRequest) { r.Candidates = &schemas.Candidates{SegmentID: "x"} })
	check(schemas.CodeCycle, func(r *schemas.ExpandRequest) { r.Suppress = &[]string{"z"} })
	check(schemas.CodeExists, func(r *schemas.ExpandRequest) { r.ExpansionID = "vip" })
	if d.state.expansions["z"] != nil {
		t.Error("what was refused has left an expansion behind")
	}
}

func TestALaterRefreshJoinsTheOneThatWaits(t *testing.T) {
	d := newDesk(t)
	d.live()
	d.ask(on("running", schemas.Refresh))
	d.turn()
	d.ask(on("waits", schemas.Refresh))
	forced := on("joins", schemas.Refresh)
	forced.Force = true
	d.ask(forced)
	d.status("running", schemas.Processing)
	d.status("waits", schemas.Queued)
	d.status("joins", schemas.Skipped)
	if p := d.state.expansions["x"].Pending; len(p) != 1 || p[0].Ends.SegmentChanges != d.offset || !p[0].Request.Force {
		t.Errorf("what waits does not stand for the one that joined: %+v", p)
	}
}

func TestAnEditKeepsWhatItDoesNotName(t *testing.T) {
	d := newDesk(t)
	d.live()
	d.ask(edit("a", func(r *schemas.ExpandRequest) {
		r.Count, r.Fields, r.Suppress = new(int64(40)), &[]string{"City", "City"}, &[]string{"employees"}
	}))
	d.turn()
	d.commit()
	d.succeed()
	d.ask(edit("b", func(r *schemas.ExpandRequest) { r.Preset = new("2020-05") }))
	d.turn()
	d.commit()
	got := *d.state.expansions["x"].Definition
	if got.Count != 40 || got.Share != 0 || !slices.Equal(got.Fields, []string{"City"}) || got.SourceSegmentID != "vip" ||
		!slices.Equal(got.Suppress, []string{"employees"}) || !got.ExcludeSource || got.Name != "vip Expansion" {
		t.Errorf("the definition is %+v", got)
	}
	if got.Floor != 0.4 {
		t.Errorf("the floor is %v: it was the old preset's and goes along", got.Floor)
	}
	d.succeed()
	d.ask(edit("c", func(r *schemas.ExpandRequest) { r.Fields, r.Share, r.Floor = &[]string{}, new(0.5), new(0.7) }))
	d.turn()
	d.commit()
	d.succeed()
	d.ask(edit("d", func(r *schemas.ExpandRequest) { r.Preset = new("seed") }))
	d.turn()
	d.commit()
	got = *d.state.expansions["x"].Definition
	if got.Fields != nil || got.Share != 0.5 || got.Count != 0 || got.Floor != 0.7 {
		t.Errorf("the definition is %+v", got)
	}
}

func TestANameCountsFromItsRenameOn(t *testing.T) {
	rename := func(name string) schemas.ExpandRequest {
		r := on("rename "+name, schemas.Rename)
		r.Name, r.Tags = &name, &[]string{"t"}
		return r
	}
	d := newDesk(t)
	named := expand("first")
	named.Name = new("asked for")
	d.ask(named)
	d.turn()
	d.ask(rename("while it runs"))
	d.commit()
	if e := d.state.expansions["x"]; e.Name != "while it runs" || e.Definition.Name != e.Name || e.Definition.Tags[0] != "t" {
		t.Errorf("its commit has named it %q, tags %v", e.Definition.Name, e.Definition.Tags)
	}
	d.ask(edit("later", func(r *schemas.ExpandRequest) { r.Name = new("edited") }))
	d.ask(rename("while it waits"))
	d.succeed()
	d.turn()
	d.commit()
	if e := d.state.expansions["x"]; e.Definition.Name != "while it waits" {
		t.Errorf("the edit has named it %q", e.Definition.Name)
	}
}

func TestRunsGoByTheOrderOfTheirRequests(t *testing.T) {
	d := newDesk(t)
	for _, id := range []string{"c", "a", "b"} {
		r := expand("run " + id)
		r.ExpansionID = id
		d.ask(r)
	}
	for _, id := range []string{"c", "a", "b"} {
		d.turn()
		if e := d.state.active(); e.ExpansionID != id {
			t.Errorf("%s runs, want %s", e.ExpansionID, id)
		}
		d.commit()
		d.succeed()
	}
}

func TestATakeOverBeforeTheCommitTakesTheNextEpoch(t *testing.T) {
	d := newDesk(t)
	d.ask(expand("a"))
	d.turn()
	d.do(restart(d.state.active(), noon))
	if e := d.state.active(); e.Epoch != 2 || e.Run.Epoch != 2 || e.Run.RunID != "a" || e.Run.Committed {
		t.Errorf("taken over it is %+v", e.Run)
	}
}

func TestADeletedExpansionKeepsItsEpoch(t *testing.T) {
	d := newDesk(t)
	d.live()
	d.ask(on("gone", schemas.Delete))
	d.turn()
	d.commit()
	d.succeed()
	d.status("gone", schemas.Successful)
	if e := d.state.expansions["x"]; e.State != schemas.StateDeleted || e.Epoch != 2 || e.Definition != nil || e.Report != nil {
		t.Errorf("deleted it is %+v", e)
	}
	d.ask(expand("again"))
	d.turn()
	if e := d.state.active(); e.Epoch != 3 || e.State != schemas.StateNew {
		t.Errorf("expanded again it is %+v", e)
	}
}

func TestAnExpansionOfASegmentThatIsGoneSaysSo(t *testing.T) {
	d := newDesk(t)
	d.live()
	follow := func(gone bool, want schemas.State) {
		t.Helper()
		d.state.segments["vip"] = &schemas.Segment{SegmentID: "vip", Gone: gone}
		for _, s := range d.state.segmentStates() {
			d.do(s)
		}
		if got := d.state.expansions["x"].State; got != want {
			t.Errorf("its state is %s, want %s", got, want)
		}
		if again := d.state.segmentStates(); again != nil {
			t.Errorf("looking again decides %+v", again)
		}
	}
	follow(true, schemas.StateSegmentGone)
	follow(false, schemas.StateLive)
	definition := schemas.Definition{SourceSegmentID: "vip", Suppress: []string{"nobody"}}
	if why := refusedBySegments(&definition, d.state.segments); why == nil || why.Code != schemas.CodeUnknownSegment {
		t.Errorf("an unknown segment is refused with %+v", why)
	}
	d.state.segments["nobody"] = &schemas.Segment{Gone: true}
	if why := refusedBySegments(&definition, d.state.segments); why == nil || why.Code != schemas.CodeSegmentGone {
		t.Errorf("a segment that is gone is refused with %+v", why)
	}
}

func TestADataEventAsksForARefreshOfWhatWantsOne(t *testing.T) {
	d := newDesk(t)
	d.live()
	unwilling := expand("unwilling")
	unwilling.ExpansionID, unwilling.Refresh = "a", &schemas.RefreshPolicy{}
	d.ask(unwilling)
	first := expand("first run of b")
	first.ExpansionID = "b"
	d.ask(first)
	gone := expand("leaving")
	gone.ExpansionID = "c"
	d.ask(gone)
	gone = on("deletes", schemas.Delete)
	gone.ExpansionID = "c"
	d.ask(gone)

	event := schemas.DataEvent{Source: "warehouse", BatchID: "2026-11-23"}
	asked := d.state.onDataEvent(event).requests
	var ids []string
	for _, r := range asked {
		ids = append(ids, r.RequestID)
	}
	if want := []string{"b/warehouse/2026-11-23", "x/warehouse/2026-11-23"}; !slices.Equal(ids, want) {
		t.Fatalf("it asks for %v, want %v", ids, want)
	}
	for _, r := range asked {
		d.ask(r)
		d.ask(r) // the event came twice
	}
	if r := d.last["x/warehouse/2026-11-23"]; r.Status != schemas.Queued || r.Cause != schemas.CauseDataEvent {
		t.Errorf("its run is %+v", r)
	}
	long := triggered("x", strings.Repeat("s", 300), "b\n1")
	if schemas.ValidCustomerID([]byte(long)) != nil || long == triggered("x", strings.Repeat("s", 300), "b\n2") {
		t.Errorf("what cannot be an id is named %q", long)
	}
}
