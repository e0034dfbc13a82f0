package page

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"kindred/cmd/internal/reading"
	"kindred/cmd/internal/terminal"
	"kindred/pipeline/selection"
	"kindred/schemas"
)

// expansion is the page of one expansion: its members, what its last run found, and what it is.
type expansion struct {
	*reading.Expansion
	Unknown  bool // nobody knows how many members there are now
	Standing standing
	Refusal  *warning // why the last run failed; nil: it has not
	Report   *report  // nil: no run has succeeded
	Best     ranking
	Hidden   bool // nobody knows who the members are
	Facts    []fact
	Runs     runs // the last ones
}

// fact is something about an expansion, in words.
type fact struct{ Name, Text string }

const bestShown = 10

func (s *Site) expansion(r *http.Request) (*sheet, error) {
	e, unknown, err := s.withLive(r)
	if err != nil {
		return nil, err
	}
	p := &expansion{Expansion: e, Standing: standingOf(&e.Expansion), Runs: runs{ID: e.ExpansionID, Rows: runRows(s.Book.Runs(e.ExpansionID, 5))}}
	if e.LastRun != nil {
		p.Refusal = refusalOf(e.LastRun.Error, e.ExpansionID, formFor(e.ExpansionID, e.Definition != nil, ""))
	}
	s.warn(r, unknown)
	p.Unknown = unknown != nil && e.Definition != nil
	if e.Report != nil {
		p.Report = newReport(e.ExpansionID, at("/edit", "id", e.ExpansionID), e.Definition, e.Report)
		best, err := s.Facts.Members(r.Context(), e.ExpansionID, bestShown, "")
		s.warn(r, err)
		if p.Hidden = err != nil; err == nil {
			p.Best = rank(e.ExpansionID, 1, best.Members[:min(len(best.Members), bestShown)])
		}
	}
	if e.Definition != nil {
		p.Facts = factsOf(e.Definition)
	}
	return &sheet{page: "expansion", Title: named(&e.Expansion), Section: "segments", Body: p}, nil
}

// shown returns the expansion that a request names, if it is there.
func (s *Site) shown(r *http.Request) (*schemas.Expansion, error) {
	e, err := s.Facts.Expansion(r.FormValue("id"))
	if err == nil && e.State == schemas.StateDeleted {
		err = &problem{http.StatusNotFound, "It was deleted", named(e) + " was deleted: its members have left. Its runs stay on record for 30 days."}
	}
	return e, err
}

// withLive is shown, with what its shards count, or why they do not tell.
func (s *Site) withLive(r *http.Request) (found *reading.Expansion, unknown, err error) {
	e, err := s.shown(r)
	if err != nil {
		return nil, nil, err
	}
	all, unknown := s.Facts.WithLive(r.Context(), []schemas.Expansion{*e})
	return &all[0], unknown, nil
}

func named(e *schemas.Expansion) string { return cmp.Or(e.Name, e.ExpansionID) }

// report is what a run found, ready to be drawn.
type report struct {
	*schemas.Report
	ID         string
	Size       string
	Moved      string
	KeptOut    string
	Definition *schemas.Definition // nil: not known
	Bands      []bandRow           // the best on top
	Reach      *reach
	WhatIfs    []whatIf
	Traits     []trait // fields that tell something, the most influential first
	Silent     string  // which others were used
	Together   []trait // combinations of fields
	LeftOut    []schemas.FieldReport
	Interval   *interval
	Warnings   []warning
}

type bandRow struct {
	schemas.BandCount
	Number        int
	Bar           bar
	Lift, Promise float64 // 0: not known
}

// newReport makes a report ready. edit is the address of the form that can change what was asked for.
func newReport(id, edit string, d *schemas.Definition, found *schemas.Report) *report {
	r := &report{
		Report: found, ID: id, Size: terminal.Size(d, found), KeptOut: terminal.KeptOut(found.Lost), Definition: d,
		Reach: newReach(d, found), Interval: newInterval(&found.Quality),
	}
	if found.Difference != nil {
		r.Moved = terminal.WouldMove(found.Difference)
	} else {
		r.Moved = terminal.Movement(found.Counts)
	}
	most := 0.0
	for _, b := range found.Distribution {
		most = max(most, float64(b.Candidates))
	}
	for i, b := range slices.Backward(found.Distribution) {
		row := bandRow{BandCount: b, Number: i, Bar: newBar(i, float64(b.Members), float64(b.Candidates), most)}
		if i < len(found.Quality.BandLift) {
			row.Lift, row.Promise = found.Quality.BandLift[i], found.Quality.BandPromise[i]
		}
		r.Bands = append(r.Bands, row)
	}
	r.traits()
	if d != nil && found.Counts.Similar > 0 {
		r.WhatIfs = whatIfs(d, found)
	}
	for _, w := range found.Warnings {
		r.Warnings = append(r.Warnings, warningOf(&w, id, edit))
	}
	return r
}

// whatIf is what a share would give. The chosen one is that of the definition.
type whatIf struct {
	Share, Floor float64
	Members      int64
	Similar      int64
	Lowest       float64 // score of the last member
	Chosen       bool
}

// whatIfs says what other shares would give, with customers as they were at the run that was reported.
func whatIfs(d *schemas.Definition, found *schemas.Report) (all []whatIf) {
	shares := []float64{0.05, 0.1, 0.2, 0.3, 0.5, 1}
	if d.Count == 0 && !slices.Contains(shares, d.Share) {
		shares = append(shares, d.Share)
		slices.Sort(shares)
	}
	for _, share := range shares {
		other := *d
		other.Share, other.Count = share, 0
		all = append(all, whatIfOf(&other, d, found, d.Count == 0 && share == d.Share))
	}
	return all
}

// otherFloors says what other floors would give.
func otherFloors(d *schemas.Definition, found *schemas.Report) (all []whatIf) {
	floors := []float64{0.4, 0.5, 0.55, 0.6, 0.7, 0.8}
	if !slices.Contains(floors, d.Floor) {
		floors = append(floors, d.Floor)
		slices.Sort(floors)
	}
	for _, floor := range floors {
		other := *d
		other.Floor = floor
		all = append(all, whatIfOf(&other, d, found, floor == d.Floor))
	}
	return all
}

// whatIfOf says what a definition would give in the place of the one that a report is of.
func whatIfOf(other, d *schemas.Definition, found *schemas.Report, chosen bool) whatIf {
	w := reading.WhatIfOf(other, d, found)
	return whatIf{other.Share, other.Floor, w.Members, w.Similar, w.Lowest, chosen}
}

// QualityOf is the quality, of which the terminal has the words.
func (r *report) QualityOf() *schemas.Quality { return &r.Quality }

// trait is a field, or a combination of some, that tells members from others.
type trait struct {
	Fields       []string
	Influence    float64
	Bar          bar
	For, Against []schemas.ValueReport
}

func newTrait(influence float64, speakFor, against []schemas.ValueReport, fields ...string) trait {
	return trait{Fields: fields, Influence: influence, For: terminal.Speaking(speakFor), Against: terminal.Speaking(against)}
}

// traits sorts the fields by their influence, and puts apart those that were left out.
func (r *report) traits() {
	telling, silent := terminal.ByInfluence(r.Report.Fields)
	for _, f := range telling {
		r.Traits = append(r.Traits, newTrait(f.Influence, f.For, f.Against, f.Name))
	}
	r.Silent = terminal.Silent(silent)
	for _, c := range r.Crosses {
		r.Together = append(r.Together, newTrait(c.Influence, c.For, c.Against, c.Fields...))
	}
	for _, f := range r.Report.Fields {
		if !f.Used {
			r.LeftOut = append(r.LeftOut, f)
		}
	}
	most := 0.0
	for _, all := range [][]trait{r.Traits, r.Together} {
		for _, t := range all {
			most = max(most, t.Influence)
		}
	}
	for _, all := range [][]trait{r.Traits, r.Together} {
		for i := range all {
			all[i].Bar = newBar(2, all[i].Influence, 0, most)
		}
	}
}

const foremost = 6 // traits that show at once

// Foremost are the traits of most influence, Others those of less.
func (r *report) Foremost() []trait { return r.Traits[:min(len(r.Traits), foremost)] }
func (r *report) Others() []trait   { return r.Traits[min(len(r.Traits), foremost):] }

// factsOf describes a definition.
func factsOf(d *schemas.Definition) []fact {
	return []fact{
		{"Learned from", d.SourceSegmentID},
		{"Name", d.Name},
		{"Who can become a member", candidatesOf(d)},
		{"Members of the source", map[bool]string{true: "stay out", false: "can be members, too"}[d.ExcludeSource]},
		{"Never members", cmp.Or(strings.Join(d.Suppress, ", "), "nobody by name")},
		{"Fields", cmp.Or(strings.Join(d.Fields, ", "), "the recommended ones, chosen anew at every run")},
		{"Size", sizeOf(d)},
		{"Similar from", "a score of " + formFrom("", d).Floor},
		{"Held out", heldOutOf(d)},
		{"Bands", "preset " + d.Preset},
		{"Refreshed", refreshed(&d.Refresh)},
		{"Tags", cmp.Or(strings.Join(d.Tags, ", "), "none")},
	}
}

func candidatesOf(d *schemas.Definition) string {
	if d.Candidates.SegmentID == "" {
		return "all customers"
	}
	return "only members of " + d.Candidates.SegmentID
}

func sizeOf(d *schemas.Definition) string {
	switch {
	case d.Count > 0:
		return "the best " + terminal.Number(d.Count) + " of those who are similar"
	case selection.PresetOf(d).ShareOfCandidates:
		return "the best " + percentOf(d.Share) + " % of the candidates, as far as they are similar"
	case d.Share == 1:
		return "all who are similar"
	}
	return "the best " + percentOf(d.Share) + " % of those who are similar"
}

func heldOutOf(d *schemas.Definition) string {
	if d.Holdout == 0 {
		return "nobody"
	}
	return percentOf(d.Holdout) + " % of those chosen, by lot"
}

func refreshed(p *schemas.RefreshPolicy) string {
	var when []string
	if p.OnDataEvent {
		when = append(when, "after every load of data")
	}
	if p.SourceChange > 0 {
		when = append(when, "when "+percentOf(p.SourceChange)+" % of the source changed")
	}
	if p.Every != "" {
		when = append(when, everyWords(p.Every))
	}
	return cmp.Or(strings.Join(when, ", "), "only when somebody asks")
}

// everyWords says how often, in the words of the form where it has some.
func everyWords(every string) string {
	for _, often := range Often {
		if often.Value == every {
			return often.Words
		}
	}
	return "every " + every
}
