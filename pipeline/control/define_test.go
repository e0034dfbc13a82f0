package control

import (
	"slices"
	"strings"
	"testing"

	"kindred/pipeline/learn"
	"kindred/pipeline/model"
	"kindred/pipeline/selection"
	"kindred/schemas"
)

func TestAnEditKeepsWhatItDoesNotName(t *testing.T) {
	d := newDesk(t)
	d.live()
	d.ask(edit("a", func(r *schemas.ExpandRequest) {
		r.Count, r.Fields, r.Suppress, r.Holdout = new(int64(40)), &[]string{"City", "City"}, &[]string{"employees"}, new(0.05)
	}))
	d.turn()
	d.commit()
	d.succeed()
	d.ask(edit("b", func(r *schemas.ExpandRequest) { r.Preset = new("2020-05") }))
	d.turn()
	d.commit()
	got := *d.state.expansions["x"].Definition
	if got.Count != 40 || got.Share != 0 || !slices.Equal(got.Fields, []string{"City"}) || got.SourceSegmentID != "vip" ||
		!slices.Equal(got.Suppress, []string{"employees"}) || !got.ExcludeSource || got.Holdout != 0.05 || got.Name != "vip Expansion" {
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
	d.ask(edit("d", func(r *schemas.ExpandRequest) { r.Preset, r.Holdout = new("seed"), new(0.0) }))
	d.turn()
	d.commit()
	got = *d.state.expansions["x"].Definition
	if got.Holdout != 0 || got.Fields != nil || got.Share != 0.5 || got.Count != 0 || got.Floor != 0.7 {
		t.Errorf("the definition is %+v", got)
	}
}

// A preset of one's own counts as the file has it when a run learns. One that is gone refuses the run, and says the way out.
func TestAPresetOfOnesOwnIsTakenFromTheFile(t *testing.T) {
	d := newDesk(t)
	d.live()
	with := func(r schemas.ExpandRequest) (schemas.Definition, *schemas.RunError) {
		t.Helper()
		d.ask(r)
		d.turn()
		l, why := d.state.lesson(d.active(), schemas.Ends{})
		if why == nil {
			d.do(d.state.commitModel(d.active(), l.Definition, &learn.Result{Model: new(model.Model), Report: schemas.NewReport()}, []byte("{}"), noon))
			d.succeed()
		} else {
			d.do(fail(d.active(), why, noon))
		}
		return *d.state.expansions["x"].Definition, why
	}
	fine := func(r *schemas.ExpandRequest) { r.Preset = new("fine") }
	d.ask(edit("too early", fine))
	d.code("too early", schemas.CodeUnknownPreset)
	if hint := d.last["too early"].Error.Hint; hint != "there are seed and 2020-05" {
		t.Errorf("the way out is %q", hint)
	}
	d.state.presets = selection.Presets{{Name: "fine", Bounds: model.Bounds{3000, 5500, 9000}, Floor: 0.45, ShareOfCandidates: true}}
	got, why := with(edit("a", fine))
	if why != nil || got.Preset != "fine" || got.Floor != 0.45 || !slices.Equal(got.Bounds, []float64{0.3, 0.55, 0.9}) || !got.ShareOfCandidates {
		t.Errorf("the definition is %+v (%v)", got, why)
	}
	d.state.presets[0].Bounds[0] = 2000
	if got, why := with(on("b", schemas.Refresh)); why != nil || got.Bounds[0] != 0.2 || got.Floor != 0.45 {
		t.Errorf("after the file has changed it is %+v (%v)", got, why)
	}
	d.state.presets = nil
	if got, why := with(on("c", schemas.Refresh)); why == nil || why.Code != schemas.CodeUnknownPreset || got.Bounds[0] != 0.2 ||
		why.Message != "the preset fine of the definition is not there any more" || !strings.Contains(why.Hint, "kindred edit x --preset NAME; there are seed and 2020-05") {
		t.Errorf("when it is gone it gives %+v, %+v", got, why)
	}
	got, why = with(edit("d", func(r *schemas.ExpandRequest) { r.Preset = new("2020-05") }))
	if why != nil || got.Bounds != nil || got.ShareOfCandidates || got.Floor != 0.45 { // nobody knows whether that was the usual one
		t.Errorf("with one of every build it is %+v (%v)", got, why)
	}
}

func TestAnEditBeforeTheFirstCommitKeepsWhatTheExpandSays(t *testing.T) {
	for name, begin := range map[string]func(*desk){
		"while it waits": func(d *desk) { d.busy(); d.ask(asked()) },
		"while it runs":  func(d *desk) { d.ask(asked()); d.turn() },
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			begin(d)
			d.ask(edit("a", func(r *schemas.ExpandRequest) { r.Floor, r.Count = new(0.3), new(int64(9)) }))
			d.ask(edit("b", func(r *schemas.ExpandRequest) { r.Refresh = &schemas.RefreshChange{SourceChange: new(0.1)} }))
			for d.state.expansions["x"].Definition == nil {
				d.turn()
				d.commit()
				d.succeed()
			}
			d.status("first", schemas.Skipped)
			d.status("a", schemas.Skipped)
			got := *d.state.expansions["x"].Definition
			if got.SourceSegmentID != "vip" || !slices.Equal(got.Suppress, []string{"employees"}) || got.Floor != 0.3 || got.Count != 9 ||
				got.Share != 0 || got.Holdout != 0.2 || got.Name != "asked for" || got.Refresh != (schemas.RefreshPolicy{SourceChange: 0.1, Every: "24h"}) {
				t.Errorf("the definition is %+v", got)
			}
		})
	}
}

// asked is an expand that says much.
func asked() schemas.ExpandRequest {
	r := expand("first")
	r.Name, r.Suppress, r.Share, r.Holdout = new("asked for"), &[]string{"employees"}, new(0.5), new(0.2)
	r.Refresh = &schemas.RefreshChange{OnDataEvent: new(false), Every: new("24h")}
	return r
}

func TestAnEditOfThePolicyChangesWhatItNamesOnly(t *testing.T) {
	d := newDesk(t)
	d.live()
	change := func(id string, c schemas.RefreshChange, want schemas.RefreshPolicy) {
		t.Helper()
		d.ask(edit(id, func(r *schemas.ExpandRequest) { r.Refresh = &c }))
		d.turn()
		d.commit()
		d.succeed()
		if got := d.state.expansions["x"].Definition.Refresh; got != want {
			t.Errorf("after %s the policy is %+v, want %+v", id, got, want)
		}
	}
	change("every", schemas.RefreshChange{Every: new("24h")}, schemas.RefreshPolicy{OnDataEvent: true, Every: "24h"})
	change("not", schemas.RefreshChange{OnDataEvent: new(false)}, schemas.RefreshPolicy{Every: "24h"})
	change("share", schemas.RefreshChange{SourceChange: new(0.2)}, schemas.RefreshPolicy{SourceChange: 0.2, Every: "24h"})
	change("never", schemas.RefreshChange{Every: new("")}, schemas.RefreshPolicy{SourceChange: 0.2})
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

func TestOnlyAnEditOfTheCutKeepsTheModel(t *testing.T) {
	d := newDesk(t)
	d.state.segments["other"] = &schemas.Segment{SegmentID: "other"}
	d.live()
	keeps := func(name string, r schemas.ExpandRequest, want bool) {
		t.Helper()
		d.ask(r)
		d.turn()
		e := d.active()
		l, why := d.state.lesson(e, schemas.Ends{})
		if why != nil || l.Last == nil || l.Last.Suffices != want {
			t.Errorf("%s: the last model is %+v (%v)", name, l.Last, why)
		}
		if want && (l.Last.Epoch != e.Epoch-1 || l.Last.Report != e.Report) {
			t.Errorf("%s: the last model is that of epoch %d", name, l.Last.Epoch)
		}
		d.commit()
		d.succeed()
	}
	edits := func(name string, want bool, change func(*schemas.ExpandRequest)) {
		keeps(name, edit(name, change), want)
	}
	edits("nothing", true, nil)
	edits("share", true, func(r *schemas.ExpandRequest) { r.Share, r.Preset, r.Name = new(0.5), new("2020-05"), new("n") })
	edits("count", true, func(r *schemas.ExpandRequest) { r.Count, r.Floor, r.Tags = new(int64(5)), new(0.1), &[]string{"t"} })
	edits("holdout", true, func(r *schemas.ExpandRequest) { r.Holdout = new(0.1) })
	edits("policy", true, func(r *schemas.ExpandRequest) { r.Refresh = &schemas.RefreshChange{Every: new("1h")} })
	edits("fields", false, func(r *schemas.ExpandRequest) { r.Fields = &[]string{"City"} })
	edits("the same fields", true, func(r *schemas.ExpandRequest) { r.Fields = &[]string{"City"} })
	edits("source", false, func(r *schemas.ExpandRequest) { r.SourceSegmentID = new("other") })
	edits("suppress", false, func(r *schemas.ExpandRequest) { r.Suppress = &[]string{"vip"} })
	edits("candidates", false, func(r *schemas.ExpandRequest) { r.Candidates = &schemas.Candidates{SegmentID: "vip"} })
	edits("with the source", false, func(r *schemas.ExpandRequest) { r.ExcludeSource = new(false) })
	keeps("a refresh", on("refresh", schemas.Refresh), false)
}

func TestARunKnowsWhatTheLastReportSaidOfTheFields(t *testing.T) {
	d := newDesk(t)
	check := func(what string, want ...string) {
		t.Helper()
		d.turn()
		l, why := d.state.lesson(d.active(), schemas.Ends{})
		var got []string
		if l.Before != nil {
			for _, f := range l.Before.Fields {
				got = append(got, f.Name)
			}
		}
		if why != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q (%v)", what, got, why)
		}
		d.commit()
		d.succeed()
	}
	d.ask(expand("first"))
	check("the first run")
	d.state.expansions["x"].Report.Fields = []schemas.FieldReport{{Name: "City"}}
	d.ask(on("again", schemas.Refresh))
	check("a refresh", "City")
}
