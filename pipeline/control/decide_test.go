package control

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"kindred/schemas"
)

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

func TestTheSameRequestTwiceIsOneAlsoWhenItWasRefused(t *testing.T) {
	d := newDesk(t)
	again := func(r schemas.ExpandRequest) {
		t.Helper()
		if s := d.ask(r); !empty(s) {
			t.Errorf("the second time %s decided %+v", r.RequestID, s)
		}
	}
	d.ask(on("of nothing", schemas.Refresh))
	again(on("of nothing", schemas.Refresh))
	d.ask(expand("fails"))
	d.turn()
	d.fail()
	again(expand("fails"))
	d.ask(expand("another"))
	d.status("another", schemas.Queued)
	again(expand("fails"))
	again(on("of nothing", schemas.Refresh))
	d.ask(on("another cancel", schemas.Cancel))

	for i := range mostRefused { // so many later, it is forgotten
		d.ask(on(fmt.Sprint("r", i), schemas.Refresh))
	}
	if n := len(d.state.refused.known); n != mostRefused || len(d.state.refused.places) != mostRefused {
		t.Errorf("%d are remembered, want %d", n, mostRefused)
	}
	if s := d.ask(on("of nothing", schemas.Refresh)); empty(s) {
		t.Error("it is remembered for ever")
	}
}

// A request that fails changes nothing: neither what runs nor what waits nor an id.
func TestAnEditThatFailsChangesNothing(t *testing.T) {
	d := newDesk(t)
	d.live()
	d.ask(on("runs", schemas.Refresh))
	d.turn()
	d.ask(on("waits", schemas.Refresh))
	d.ask(edit("fails", func(r *schemas.ExpandRequest) { r.Fields = &[]string{"no such field"} }))
	d.status("runs", schemas.Queued)
	d.status("waits", schemas.Queued)
	d.turn()
	d.status("fails", schemas.Processing)
	d.fail()
	d.turn()
	d.status("runs", schemas.Processing)
	d.commit()
	d.succeed()
	d.turn()
	d.status("waits", schemas.Processing)
	if fields := d.state.expansions["x"].Definition.Fields; fields != nil {
		t.Errorf("the fields are %v", fields)
	}
}

func TestAnEditEndsWhatWasAskedForBeforeItWhenItIsCommitted(t *testing.T) {
	d := newDesk(t)
	d.live()
	d.ask(on("runs", schemas.Refresh))
	d.turn()
	d.ask(on("waits", schemas.Refresh))
	d.ask(edit("older", func(r *schemas.ExpandRequest) { r.Floor = new(0.1) }))
	d.ask(edit("second", func(r *schemas.ExpandRequest) { r.Count = new(int64(7)) }))
	d.ask(on("later", schemas.Refresh))
	d.ask(on("joins", schemas.Refresh))
	d.turn()
	d.status("second", schemas.Processing)
	d.status("joins", schemas.Skipped)
	d.commit()
	for _, id := range []string{"runs", "waits", "older"} {
		d.status(id, schemas.Skipped)
	}
	d.status("later", schemas.Queued)
	if got := d.state.expansions["x"].Definition; got.Count != 7 || got.Floor != 0.55 {
		t.Errorf("the definition is %+v", got)
	}
	d.succeed()
	d.turn()
	d.status("later", schemas.Processing)
}

func TestABoundedNumberOfEditsWaits(t *testing.T) {
	d := newDesk(t)
	d.live()
	for i := range mostWaiting {
		d.ask(edit(fmt.Sprint("edit ", i), nil))
		d.status(fmt.Sprint("edit ", i), schemas.Queued)
	}
	d.ask(edit("too many", nil))
	d.code("too many", schemas.CodeBadValue)
	d.ask(on("refresh", schemas.Refresh))
	d.status("refresh", schemas.Queued)
}

func TestAnIDThatNothingWasCommittedUnderIsFree(t *testing.T) {
	free := func(name string, end func(*desk)) {
		t.Helper()
		d := newDesk(t)
		d.ask(expand("first"))
		end(d)
		if e := d.state.expansions["x"]; e != nil {
			t.Errorf("%s, it is %+v", name, e)
		}
		d.ask(expand("again"))
		d.status("again", schemas.Queued)
	}
	free("failed", func(d *desk) { d.turn(); d.fail() })
	free("canceled", func(d *desk) { d.turn(); d.ask(on("cancel", schemas.Cancel)) })
	free("canceled while it waited", func(d *desk) { d.ask(on("cancel", schemas.Cancel)) })

	d := newDesk(t)
	d.live()
	d.ask(on("gone", schemas.Delete))
	d.turn()
	d.commit()
	d.succeed()
	d.ask(expand("again"))
	d.turn()
	d.fail()
	if e := d.state.expansions["x"]; e == nil || e.State != schemas.StateDeleted || e.Epoch != 3 {
		t.Errorf("what was deleted and expanded in vain is %+v", e)
	}
}

// The same record has the same id whenever it is read; one that takes its offset in a topic that was made anew has another.
func TestARequestWithoutIDIsNamedByItsPlaceAndTime(t *testing.T) {
	d := newDesk(t)
	d.ask(expand(""))
	first := fmt.Sprintf("expand-requests-1-%d", noon.UnixMilli())
	d.status(first, schemas.Queued)
	read := request{ExpandRequest: on("", schemas.Cancel), offset: 1, at: noon}
	if again := d.state.decide(read, noon); !empty(again) {
		t.Errorf("read again it decided %+v", again)
	}
	read.at = noon.Add(time.Hour)
	if other := d.state.decide(read, noon); empty(other) {
		t.Error("another record at its offset is taken for it")
	}
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
		"waiting": {schemas.Expand: "exists, queued", schemas.Edit: "queued, queued", schemas.Refresh: "queued, queued",
			schemas.Cancel: "successful, canceled", schemas.Rename: "successful, queued", schemas.Delete: "queued, skipped"},
		"running": {schemas.Expand: "exists, processing", schemas.Edit: "queued, queued", schemas.Refresh: "queued, processing",
			schemas.Cancel: "successful, canceled", schemas.Rename: "successful, processing", schemas.Delete: "queued, skipped"},
		"committed": {schemas.Expand: "exists, processing", schemas.Edit: "queued, processing", schemas.Refresh: "queued, processing",
			schemas.Cancel: "too_late, processing", schemas.Rename: "successful, processing", schemas.Delete: "queued, processing"},
		"live": {schemas.Expand: "exists", schemas.Edit: "queued", schemas.Refresh: "queued",
			schemas.Cancel: "not_running", schemas.Rename: "successful", schemas.Delete: "queued"},
		"editing": {schemas.Expand: "exists, processing", schemas.Edit: "queued, queued", schemas.Refresh: "queued, processing",
			schemas.Cancel: "successful, canceled", schemas.Rename: "successful, processing", schemas.Delete: "queued, skipped"},
		"failed": {schemas.Expand: "queued", schemas.Edit: "unknown_expansion", schemas.Refresh: "unknown_expansion",
			schemas.Cancel: "unknown_expansion", schemas.Rename: "unknown_expansion", schemas.Delete: "unknown_expansion"},
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
	check(schemas.CodeBadValue, func(r *schemas.ExpandRequest) { r.Share = new(0.0) })
	check(schemas.CodeBadValue, func(r *schemas.ExpandRequest) { r.Share = new(1.01) })
	check(schemas.CodeBadValue, func(r *schemas.ExpandRequest) { r.Share, r.Count = new(0.1), new(int64(5)) })
	check(schemas.CodeBadValue, func(r *schemas.ExpandRequest) { r.Count = new(int64(0)) })
	check(schemas.CodeBadValue, func(r *schemas.ExpandRequest) { r.Floor = new(-0.1) })
	check(schemas.CodeBadValue, func(r *schemas.ExpandRequest) { r.Holdout = new(-0.01) })
	check(schemas.CodeBadValue, func(r *schemas.ExpandRequest) { r.Holdout = new(0.51) })
	check(schemas.CodeBadValue, func(r *schemas.ExpandRequest) { r.Name = new(" ") })
	check(schemas.CodeBadValue, func(r *schemas.ExpandRequest) { r.Name = new(strings.Repeat("n", 201)) })
	check(schemas.CodeBadValue, func(r *schemas.ExpandRequest) { r.Refresh = &schemas.RefreshChange{Every: new("daily")} })
	check(schemas.CodeBadValue, func(r *schemas.ExpandRequest) {
		r.Refresh = &schemas.RefreshChange{Every: new(strings.Repeat("0", 100) + "24h")}
	})
	check(schemas.CodeBadValue, func(r *schemas.ExpandRequest) { r.Tags = new(make([]string, schemas.MostTags+1)) })
	check(schemas.CodeBadValue, func(r *schemas.ExpandRequest) { r.Tags = &[]string{strings.Repeat("æ", schemas.LongestTag+1)} })
	check(schemas.CodeBadValue, func(r *schemas.ExpandRequest) { r.Fields = new(make([]string, schemas.MostFields+1)) })
	check(schemas.CodeBadValue, func(r *schemas.ExpandRequest) { r.Fields = &[]string{strings.Repeat("f", schemas.LongestFieldName+1)} })
	check(schemas.CodeBadValue, func(r *schemas.ExpandRequest) { r.Suppress = new(make([]string, schemas.MostSuppressed+1)) })
	check(schemas.CodeBadValue, func(r *schemas.ExpandRequest) { r.Refresh = &schemas.RefreshChange{SourceChange: new(-1.0)} })
	check(schemas.CodeUnknownPreset, func(r *schemas.ExpandRequest) { r.Preset = new("none") })
	check(schemas.CodeBadValue, func(r *schemas.ExpandRequest) { r.Unknown = schemas.Refuse(schemas.CodeBadValue, "", "it has") })
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
	if p := d.state.expansions["x"].Pending; len(p) != 1 || !p[0].Request.Force {
		t.Errorf("what waits does not stand for the one that joined: %+v", p)
	}
	d.joined("joins", "waits")
}

func TestALaterDeletionJoinsTheFirst(t *testing.T) {
	d := newDesk(t)
	d.live()
	d.ask(on("deletes", schemas.Delete))
	d.ask(on("while it waits", schemas.Delete))
	d.joined("while it waits", "deletes")
	d.turn()
	d.ask(on("while it runs", schemas.Delete))
	d.joined("while it runs", "deletes")
}

func TestADeletionUnderWayIsNamed(t *testing.T) {
	d := newDesk(t)
	d.live()
	d.ask(on("deletes", schemas.Delete))
	d.ask(expand("while it waits"))
	d.says("while it waits", schemas.CodeExists, "expansion x is being deleted")
	d.turn()
	d.commit()
	d.ask(expand("while they leave"))
	d.says("while they leave", schemas.CodeExists, "expansion x is being deleted")
	d.ask(on("too late", schemas.Cancel))
	d.says("too late", schemas.CodeTooLate, "the deletion of x is committed")
}

func TestARunKnowsHowMuchOfASnapshotHasCome(t *testing.T) {
	d := newDesk(t)
	d.state.segments["vip"].Open = &schemas.OpenSnapshot{Snapshot: "s-2", Parts: 3, Have: []int{2}}
	d.ask(expand("new"))
	d.turn()
	lesson, why := d.state.lesson(d.state.expansions["x"], schemas.Ends{})
	if got := lesson.Coming["vip"]; why != nil || got != "1 of 3 parts of snapshot s-2 have come" {
		t.Errorf("it learns that %q, %v", got, why)
	}
}

// joined demands that a run was skipped, and names the one to follow in its place.
func (d *desk) joined(runID, to string) {
	d.t.Helper()
	d.status(runID, schemas.Skipped)
	if got := d.last[runID].JoinedTo; got != to {
		d.t.Errorf("%s joined %q, want %q", runID, got, to)
	}
}
