package page

import (
	"net/http"
	"strconv"

	"kindred/cmd/internal/reading"
	"kindred/cmd/internal/terminal"
	"kindred/schemas"
)

// members is a page of the members of an expansion, or of those who are held out, the most similar first.
type members struct {
	*reading.Page
	Name    string
	Who     string // heldOut, or empty: the members
	HeldOut bool   // it shows those who are held out
	Holds   bool   // there are such
	First   int64  // rank of the first
	After   string
	Next    string // address of the next page; empty: there is none
	Ranked  ranking
}

// ranking is members of an expansion in the order of their ranks.
type ranking struct {
	ID   string
	Rows []ranked
}

type ranked struct {
	reading.Member
	Rank int64
}

func rank(id string, first int64, all []reading.Member) ranking {
	r := ranking{ID: id}
	for i, m := range all {
		r.Rows = append(r.Rows, ranked{m, first + int64(i)})
	}
	return r
}

const (
	membersPerPage = 100
	heldOut        = "held-out" // of the parameter who
)

func (s *Site) members(r *http.Request) (*sheet, error) {
	e, err := s.shown(r)
	if err != nil {
		return nil, err
	}
	m := &members{Name: named(e), First: 1, After: r.FormValue("after"), HeldOut: r.FormValue("who") == heldOut}
	m.Holds = e.Definition != nil && e.Definition.Holdout > 0
	read := s.Facts.Members
	if m.HeldOut {
		m.Who, read = heldOut, s.Facts.HeldOut
	}
	if m.Page, err = read(r.Context(), e.ExpansionID, membersPerPage, m.After); err != nil {
		return nil, err
	}
	if first, err := strconv.ParseInt(r.FormValue("first"), 10, 64); err == nil && m.After != "" && first > 0 {
		m.First = first
	}
	m.Ranked = rank(e.ExpansionID, m.First, m.Members)
	if m.Page.Next != "" {
		next := m.First + int64(len(m.Members))
		m.Next = at("/members", "id", e.ExpansionID, "who", m.Who, "after", m.Page.Next, "first", strconv.FormatInt(next, 10))
	}
	return &sheet{page: "members", Title: "Members of " + m.Name, Section: "segments", Body: m}, nil
}

// why is the page of one customer in one expansion.
type why struct {
	*reading.Why
	Sentence       string
	Raises, Lowers []reading.Reason
	History        []past // newest first
}

// past is a change of a membership in words.
type past struct {
	reading.Past
	Because string
}

func (s *Site) why(r *http.Request) (*sheet, error) {
	customer := r.FormValue("customer")
	if err := schemas.ValidCustomerID([]byte(customer)); err != nil {
		return nil, &problem{http.StatusBadRequest, "That can be nobody's id", sentence(err.Error())}
	}
	found, err := s.Facts.Why(r.Context(), r.FormValue("id"), customer)
	if err != nil {
		return nil, err
	}
	w := &why{Why: found, Sentence: sentence(found.Message)}
	for _, reason := range found.Reasons {
		switch {
		case terminal.Raises(reason.Lift) && len(w.Raises) < mostReasons:
			w.Raises = append(w.Raises, reason)
		case terminal.Lowers(reason.Lift) && len(w.Lowers) < mostReasons:
			w.Lowers = append(w.Lowers, reason)
		}
	}
	for i := len(found.History) - 1; i >= 0; i-- {
		because, known := changeCauses[found.History[i].Cause]
		if !known {
			because = found.History[i].Cause
		}
		w.History = append(w.History, past{found.History[i], because})
	}
	return &sheet{page: "why", Title: customer + " in " + found.Name, Section: "segments", Body: w}, nil
}

const mostReasons = 8

// changeCauses say why a membership changed.
var changeCauses = map[string]string{
	schemas.ByRun: "a run", schemas.ByProfile: "the profile changed", schemas.BySegment: "a segment changed",
	schemas.ByConsent: "consent was withdrawn", schemas.ByErasure: "the profile was erased", schemas.ByDelete: "the expansion was deleted",
	schemas.ByRepair: "a repair",
}
