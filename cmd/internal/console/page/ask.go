package page

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"kindred/cmd/internal/reading"
	"kindred/cmd/internal/terminal"
	"kindred/schemas"
)

// ask is the form of a new expansion, or of one to be edited.
type ask struct {
	*form
	Edit    *schemas.Expansion // nil: it is new
	Sources []choice           // what can be learned from
	Others  []choice           // what can be candidates or be suppressed
	Fields  *reading.Fields    // nil: nobody knows them
	Presets []string           // names
	Often   []often
	WhatIfs []whatIf // of an edit: other shares
	Floors  []whatIf // of an edit
	Report  *report  // of an edit, for the curve
	Changes []change // an edit to be looked at; nil: it is to be filled in
	Outcome string   // what the changes come to, as far as that is known
}

// choice is a segment or an expansion that a form may name.
type choice struct{ ID, Name string }

// Often are the intervals that the form offers.
var Often = []often{{"", "never"}, {"1h", "every hour"}, {"6h", "every six hours"}, {"24h", "every day"}, {"168h", "every week"}}

type often struct{ Value, Words string }

// change is one difference between what an expansion is and what it is to be.
type change struct{ Name, Was, Is string }

func (s *Site) expandForm(r *http.Request) (*sheet, error) {
	f, filled := formOf(r.URL.Query())
	if !filled {
		f = s.suggested(r.FormValue("source"))
	}
	return s.askSheet(r, f, nil)
}

// suggested is what is suggested for a source.
func (s *Site) suggested(source string) *form {
	all := s.Book.Expansions()
	name := ""
	for _, c := range s.choices(context.Background(), all) {
		if c.ID == source {
			name = c.Name
		}
	}
	return newForm(source, name, func(id string) bool {
		return slices.ContainsFunc(all, func(e schemas.Expansion) bool { return e.ExpansionID == id && e.State != schemas.StateDeleted })
	})
}

// choices are all segments and expansions that are there.
func (s *Site) choices(ctx context.Context, expansions []schemas.Expansion) (all []choice) {
	segments, _, _ := s.Facts.Segments(ctx) // without Redis a form can be filled in by hand
	for _, segment := range segments {
		if !segment.Gone {
			all = append(all, choice{segment.SegmentID, segment.Name})
		}
	}
	for i := range expansions {
		if e := &expansions[i]; e.State == schemas.StateLive || e.State == schemas.StateSegmentGone {
			all = append(all, choice{e.ExpansionID, e.Name})
		}
	}
	return all
}

// askSheet shows the form, with what is wrong in it.
func (s *Site) askSheet(r *http.Request, f *form, e *schemas.Expansion) (*sheet, error) {
	a := &ask{form: f, Edit: e, Presets: s.Presets.Names(), Often: Often}
	if !slices.Contains(a.Presets, f.Preset) { // this process does not know it; the one that controls may
		a.Presets = append(a.Presets, f.Preset)
	}
	if !slices.ContainsFunc(Often, func(o often) bool { return o.Value == f.Every }) {
		a.Often = append(slices.Clone(Often), often{f.Every, "every " + f.Every})
	}
	a.Sources = s.choices(r.Context(), s.Book.Expansions())
	a.Others = slices.DeleteFunc(slices.Clone(a.Sources), func(c choice) bool { return c.ID == f.ID })
	sheet := &sheet{page: "ask", Title: "Expand a segment", Section: "segments", Body: a}
	if e != nil {
		sheet.Title = "Edit " + named(e)
		if e.Report != nil && e.Definition != nil {
			a.Report = newReport(e.ExpansionID, at("/edit", "id", e.ExpansionID), e.Definition, e.Report)
			a.WhatIfs, a.Floors = a.Report.WhatIfs, otherFloors(e.Definition, e.Report)
		}
	}
	if f.Source != "" {
		fields, err := s.Facts.Fields(r.Context(), f.Source)
		if err != nil {
			s.warn(r, err)
		} else {
			a.Fields = fields
			slices.SortStableFunc(fields.Fields, func(a, b reading.Field) int {
				return cmp.Or(first(a.Recommended, b.Recommended), cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)))
			})
		}
	}
	if len(f.Wrong) > 0 {
		sheet.status = http.StatusUnprocessableEntity
	}
	return sheet, nil
}

// first puts what is true before what is not.
func first(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// Ticked reports whether a field is ticked in the form.
func (a *ask) Ticked(f *reading.Field) bool {
	if a.Recommended {
		return f.Recommended
	}
	return slices.Contains(a.form.Fields, f.Name)
}

// Possible reports whether a field may be ticked: some can never be learned from.
func (a *ask) Possible(f *reading.Field) bool {
	return f.Recommended || f.Reason == "type" || f.Reason == "cardinality"
}

// Suppressed reports whether a segment is suppressed in the form.
func (a *ask) Suppressed(id string) bool { return slices.Contains(a.Suppress, id) }

// asTicked makes a list that is just the recommended fields the choice of those, whichever they are later. Where those are chosen and
// others are ticked, it is not known which is meant.
func (s *Site) asTicked(r *http.Request, f *form) {
	if f.Source == "" || f.Recommended && len(f.Ticks) == 0 {
		return
	}
	fields, err := s.Facts.Fields(r.Context(), f.Source)
	if err != nil {
		return
	}
	var recommended []string
	for i := range fields.Fields {
		if fields.Fields[i].Recommended {
			recommended = append(recommended, fields.Fields[i].Name)
		}
	}
	slices.Sort(recommended)
	same := func(ticked []string) bool { return slices.Equal(recommended, slices.Sorted(slices.Values(ticked))) }
	switch {
	case !f.Recommended && same(f.Fields):
		f.Recommended, f.Fields = true, nil
	case f.Recommended && !same(f.Ticks):
		f.Recommended, f.Fields, f.Mixed = false, f.Ticks, true
	}
}

func (s *Site) expand(r *http.Request) (*sheet, error) {
	if err := r.ParseForm(); err != nil {
		return nil, &problem{http.StatusBadRequest, "That was too much", "The form is larger than a request may be."}
	}
	f, filled := formOf(r.PostForm)
	if !filled {
		return nil, &problem{http.StatusBadRequest, "The form is not complete", "Go back, reload the page, and fill it in again."}
	}
	s.asTicked(r, f)
	d := f.definition()
	if len(f.Wrong) > 0 {
		return s.askSheet(r, f, nil)
	}
	request := expand(f.ID, d)
	request.DryRun = r.PostForm.Get("do") == "try"
	return s.asked(r, request, f)
}

// asked publishes a request and goes to its run. A try takes along what was asked for, so that it can be run as it is.
func (s *Site) asked(r *http.Request, request *schemas.ExpandRequest, f *form) (*sheet, error) {
	request.RequestID = "web-" + strings.ToLower(rand.Text()[:12])
	if err := s.Ask(r.Context(), request); err != nil {
		return nil, err
	}
	to := at("/run", "id", request.ExpansionID, "run", request.RequestID)
	if f != nil && request.DryRun {
		said := f.values()
		said.Del("id")
		if along := to + "&" + said.Encode(); len(along) < longestAddress {
			to = along
		}
	}
	return &sheet{to: to}, nil
}

const longestAddress = 6000 // bytes

func (s *Site) editForm(r *http.Request) (*sheet, error) {
	e, err := s.editable(r)
	if err != nil {
		return nil, err
	}
	f, filled := formOf(r.URL.Query())
	if !filled {
		f = formFrom(e.ExpansionID, e.Definition)
	}
	f.ID = e.ExpansionID
	return s.askSheet(r, f, e)
}

// editable returns the expansion that a request names, if it has been committed.
func (s *Site) editable(r *http.Request) (*schemas.Expansion, error) {
	e, err := s.Facts.Expansion(r.FormValue("id"))
	switch {
	case err != nil:
		return nil, err
	case e.State == schemas.StateDeleted:
		return nil, &problem{http.StatusNotFound, "It was deleted", named(e) + " was deleted: there is nothing to change any more."}
	case e.Definition == nil:
		return nil, &problem{http.StatusConflict, "Nothing to change yet", "No run of " + named(e) + " has succeeded. Wait for it, or cancel it and expand again."}
	}
	return e, nil
}

// edit shows what would change, tries it, or asks for it.
func (s *Site) edit(r *http.Request) (*sheet, error) {
	e, err := s.editable(r)
	if err != nil {
		return nil, err
	}
	f, filled := formOf(r.PostForm)
	if !filled {
		return nil, &problem{http.StatusBadRequest, "The form is not complete", "Go back, reload the page, and fill it in again."}
	}
	f.ID = e.ExpansionID
	s.asTicked(r, f)
	d := f.definition()
	if d.Name == "" {
		d.Name = e.Definition.Name
	}
	if s.Presets.Settle(d); d.Preset == e.Definition.Preset {
		d.Bounds, d.ShareOfCandidates = e.Definition.Bounds, e.Definition.ShareOfCandidates
	}
	if len(f.Wrong) > 0 {
		return s.askSheet(r, f, e)
	}
	switch r.PostForm.Get("do") {
	case "try", "run":
		request := edit(e.ExpansionID, e.Definition, d)
		request.DryRun = r.PostForm.Get("do") == "try"
		return s.asked(r, request, f)
	}
	a := &ask{form: f, Edit: e, Changes: changes(e.Definition, d)}
	a.Outcome = outcome(e, d)
	return &sheet{page: "review", Title: "Change " + named(e), Section: "segments", Body: a}, nil
}

// Said are the values of the form, so that the next one has them.
func (a *ask) Said() map[string][]string { return a.values() }

// Back is the address of the form with its values.
func (a *ask) Back() string { return "/edit?" + a.values().Encode() }

// changes are the differences between two definitions. It is never nil.
func changes(was, is *schemas.Definition) []change {
	all := []change{}
	before, after := factsOf(was), factsOf(is)
	for i := range before {
		if before[i].Text != after[i].Text {
			all = append(all, change{before[i].Name, before[i].Text, after[i].Text})
		}
	}
	return all
}

// outcome says how many members another size or floor would have, when nothing else changes.
func outcome(e *schemas.Expansion, is *schemas.Definition) string {
	d := e.Definition
	same := *is
	same.Share, same.Count, same.Floor, same.Name, same.Tags, same.Refresh = d.Share, d.Count, d.Floor, d.Name, d.Tags, d.Refresh
	if e.Report == nil || len(changes(d, &same)) > 0 || is.Share == d.Share && is.Count == d.Count && is.Floor == d.Floor {
		return ""
	}
	found := reading.WhatIfOf(is, d, e.Report)
	if found.Members == 0 {
		return "As of the last run that would leave no members."
	}
	return fmt.Sprintf("As of the last run that would be %s, the last of them with a score of about %.2f; now it is %s.",
		terminal.Count(found.Members, "member"), found.Lowest, terminal.Number(e.Report.Counts.Members))
}
