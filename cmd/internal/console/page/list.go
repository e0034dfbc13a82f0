package page

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"kindred/cmd/internal/reading"
	"kindred/cmd/internal/terminal"
	"kindred/schemas"
)

// list is the page of all segments: sources, and below each what it was expanded to.
type list struct {
	Rows    []row
	Query   string
	Total   int  // rows, of all pages
	From    int  // number of the first, from 1
	Next    int  // of the first of the next page; 0: there is none
	Unknown bool // nobody knows how many members there are now
	Waiting int  // shards that cannot count segments yet
}

// row is a source segment or an expansion.
type row struct {
	ID, Name string
	Source   bool // a segment that upstream publishes; else an expansion
	Depth    int  // below how many it hangs
	Members  *int64
	Bands    *stack
	Quality  string
	Standing standing
	Gone     bool // of a source
	Arriving *reading.OpenSnapshot
	Uses     int // of a source: expansions that take it as candidates, or suppress it
}

const rowsPerPage = 300

func (s *Site) list(r *http.Request) (*sheet, error) {
	expansions, unknown := s.Facts.WithLive(r.Context(), s.Book.Expansions())
	s.warn(r, unknown)
	segments, waiting, err := s.Facts.Segments(r.Context())
	if err != nil {
		return nil, err
	}
	l := &list{Rows: rowsOf(segments, expansions), Query: strings.TrimSpace(r.FormValue("q")), Unknown: unknown != nil, Waiting: waiting}
	l.keep(l.Query)
	l.Total, l.From = len(l.Rows), 1
	if from, err := strconv.Atoi(r.FormValue("from")); err == nil && from > 1 && from <= l.Total {
		l.From = from
	}
	l.Rows = l.Rows[min(l.From-1, l.Total):]
	if len(l.Rows) > rowsPerPage {
		l.Rows, l.Next = l.Rows[:rowsPerPage], l.From+rowsPerPage
	}
	return &sheet{page: "list", Title: "Segments", Section: "segments", Body: l}, nil
}

// rowsOf puts every expansion below what it is made from. One whose source is not there comes last.
func rowsOf(segments []reading.Segment, expansions []reading.Expansion) []row {
	below := map[string][]*reading.Expansion{}
	there := map[string]bool{}
	for i := range expansions {
		e := &expansions[i]
		if e.State == schemas.StateDeleted {
			continue
		}
		there[e.ExpansionID] = true
		below[sourceOf(&e.Expansion)] = append(below[sourceOf(&e.Expansion)], e)
	}
	var rows []row
	var hang func(source string, depth int)
	hang = func(source string, depth int) {
		all := below[source]
		delete(below, source) // nothing comes twice, whatever its source says
		slices.SortFunc(all, func(a, b *reading.Expansion) int { return cmp.Compare(a.ExpansionID, b.ExpansionID) })
		for _, e := range all {
			rows = append(rows, expansionRow(e, depth))
			hang(e.ExpansionID, depth+1)
		}
	}
	sorted := slices.SortedFunc(slices.Values(segments), func(a, b reading.Segment) int {
		return cmp.Or(cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), cmp.Compare(a.SegmentID, b.SegmentID))
	})
	for i := range sorted {
		rows = append(rows, segmentRow(&sorted[i]))
		hang(sorted[i].SegmentID, 1)
	}
	var lost []string
	for source := range below {
		lost = append(lost, source)
	}
	slices.SortFunc(lost, func(a, b string) int { // what hangs below another comes with that
		if there[a] != there[b] {
			return map[bool]int{true: 1, false: -1}[there[a]]
		}
		return cmp.Compare(a, b)
	})
	for _, source := range lost {
		hang(source, 0)
	}
	return rows
}

func segmentRow(s *reading.Segment) row {
	shown := row{ID: s.SegmentID, Name: s.Name, Source: true, Gone: s.Gone, Arriving: s.Open, Members: &s.Members}
	for _, u := range s.UsedBy {
		if u.As != "source" {
			shown.Uses++
		}
	}
	return shown
}

func expansionRow(e *reading.Expansion, depth int) row {
	shown := row{ID: e.ExpansionID, Name: e.Name, Depth: depth, Standing: standingOf(&e.Expansion)}
	if e.Live != nil {
		shown.Members, shown.Bands = &e.Live.Members, newStack(e.Live.Bands)
	}
	if e.Report != nil {
		shown.Quality = terminal.Grade(&e.Report.Quality)
	}
	return shown
}

// sourceOf returns what an expansion is made from, or is to be.
func sourceOf(e *schemas.Expansion) string {
	if e.Definition != nil {
		return e.Definition.SourceSegmentID
	}
	if asked := e.Asked(); asked != nil && asked.SourceSegmentID != nil {
		return *asked.SourceSegmentID
	}
	return ""
}

// keep keeps the rows whose name or id holds a text, and what they hang below.
func (l *list) keep(text string) {
	if text == "" {
		return
	}
	text = strings.ToLower(text)
	var kept []row
	wanted := -1 // depth of the row above that something kept hangs below
	for _, r := range slices.Backward(l.Rows) {
		holds := strings.Contains(strings.ToLower(r.Name), text) || strings.Contains(strings.ToLower(r.ID), text)
		if holds || r.Depth == wanted {
			kept = append(kept, r)
			wanted = r.Depth - 1
		} else if r.Depth <= wanted {
			wanted = -1
		}
	}
	slices.Reverse(kept)
	l.Rows = kept
}

// Kin says how a row is drawn.
func (r *row) Kin() string {
	switch {
	case r.Source:
		return "source"
	case r.Depth == 0:
		return "source lost"
	case r.Depth == 1:
		return "kin"
	case r.Depth == 2:
		return "kin two-deep"
	}
	return "kin more-deep"
}
