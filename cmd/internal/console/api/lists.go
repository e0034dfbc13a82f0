package api

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"kindred/cmd/internal/reading"
	"kindred/schemas"
)

// Pages.
const (
	usualPage   = 100
	largestPage = 10_000
	usualRuns   = 20
	largestRuns = 1000
)

// known refuses a query with names that mean nothing here, or that are given twice: what is misspelled would be ignored.
func known(r *http.Request, names []string) error {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return bad("escape what is not a letter or a digit as %XX", "the query cannot be read")
	}
	for name, values := range query {
		switch {
		case !slices.Contains(names, name) && len(names) == 0:
			return bad("leave the query out", "this path takes no query")
		case !slices.Contains(names, name):
			return bad("what there is: "+strings.Join(names, ", "), "the query has a name that means nothing here")
		case len(values) > 1:
			return bad("give it once", "the query has %s more than once", name)
		}
	}
	return nil
}

// number reads a whole number of the query.
func number(r *http.Request, name string, usual, least, most int) (int, error) {
	text := r.FormValue(name)
	if !r.URL.Query().Has(name) {
		return usual, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most || strconv.Itoa(n) != text {
		return 0, bad("leave it out for "+strconv.Itoa(usual), "%s must be a whole number from %d to %d", name, least, most)
	}
	return n, nil
}

// whole refuses to answer from lists that have not been read yet: what is missing in them would seem not to be there.
func (s *server) whole() (reading.State, error) {
	state := s.Facts.Book.State()
	if !state.Whole {
		return state, &problem{Status: http.StatusServiceUnavailable, Title: "the lists are still being read from Kafka", Try: "again in a moment; GET /api/health says how far they are", retry: true}
	}
	return state, nil
}

func (s *server) segments(w http.ResponseWriter, r *http.Request) error {
	lists, err := s.whole()
	if err != nil {
		return err
	}
	all, waiting, err := s.Facts.Segments(r.Context())
	if err != nil {
		return err
	}
	return write(w, http.StatusOK, segmentList{all, waiting, lists})
}

type segmentList struct {
	Segments []reading.Segment `json:"segments"`
	Waiting  int               `json:"waiting"` // shards that could not say who is in a segment
	Lists    reading.State     `json:"lists"`
}

func (s *server) fields(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.whole(); err != nil {
		return err
	}
	segment := r.URL.Query().Get("segment")
	if r.URL.Query().Has("segment") {
		if err := schemas.ValidSegmentID(segment); err != nil {
			return err
		}
	}
	found, err := s.Facts.Fields(r.Context(), segment)
	if err != nil {
		return err
	}
	return write(w, http.StatusOK, found)
}

func (s *server) expansions(w http.ResponseWriter, r *http.Request) error {
	lists, err := s.whole()
	if err != nil {
		return err
	}
	all := s.Facts.Book.Expansions()
	switch r.FormValue("all") {
	case "true":
	case "", "false":
		all = slices.DeleteFunc(all, func(e schemas.Expansion) bool { return e.State == schemas.StateDeleted })
	default:
		return bad("true shows deleted ones, too", "all must be true or false")
	}
	shown, why := s.Facts.WithLive(r.Context(), all)
	answer := expansionList{make([]reading.Summary, len(shown)), s.notLive(r, why), lists}
	for i := range shown {
		answer.Expansions[i] = shown[i].Summary()
	}
	return write(w, http.StatusOK, answer)
}

type expansionList struct {
	Expansions []reading.Summary `json:"expansions"`
	NotLive    string            `json:"notLive,omitempty"` // why nobody knows how many members there are now
	Lists      reading.State     `json:"lists"`
}

// notLive says why counts of now are missing.
func (s *server) notLive(r *http.Request, why error) string {
	if why == nil {
		return ""
	}
	s.warn(r, why)
	return "not all shards say how many members there are now: GET /api/health says how they are"
}

func (s *server) expansion(w http.ResponseWriter, r *http.Request) error {
	e, err := s.named(r)
	if err != nil {
		return err
	}
	shown, why := s.Facts.WithLive(r.Context(), []schemas.Expansion{*e})
	if why != nil {
		s.warn(r, why)
	}
	if shown[0].WhatIf, err = whatIf(r.URL.Query(), e); err != nil {
		return err
	}
	switch r.FormValue("drift") {
	case "", "false":
	case "true":
		if shown[0].Drift, err = s.Facts.Drift(r.Context(), e); err != nil {
			return err
		}
	default:
		return bad("true reads the profiles to find out how far they have moved", "drift must be true or false")
	}
	return write(w, http.StatusOK, shown[0])
}

// named returns the expansion that a path names.
func (s *server) named(r *http.Request) (*schemas.Expansion, error) {
	if _, err := s.whole(); err != nil {
		return nil, err
	}
	id := r.PathValue("id")
	if err := schemas.ValidExpansionID(id); err != nil {
		return nil, &problem{Status: http.StatusNotFound, Title: "that cannot be the id of an expansion", Detail: err.Error(), Try: "GET /api/expansions lists those that there are"}
	}
	return s.Facts.Expansion(id)
}

// whatIf answers what another share, count or floor would give, when one is asked for.
func whatIf(query url.Values, e *schemas.Expansion) (*reading.WhatIf, error) {
	if !query.Has("share") && !query.Has("count") && !query.Has("floor") {
		return nil, nil
	}
	if query.Has("share") && query.Has("count") {
		return nil, &problem{Status: http.StatusUnprocessableEntity, Title: "share and count exclude each other", Code: schemas.CodeBadValue, Try: "give one of them"}
	}
	var share float64
	var count int64
	var floor *float64
	var err error
	if query.Has("share") {
		if share, err = strconv.ParseFloat(query.Get("share"), 64); err != nil || !(share > 0 && share <= 1) {
			return nil, bad("0.2 is the best fifth of those found similar", "share must be above 0 and at most 1")
		}
	}
	if query.Has("count") {
		if count, err = strconv.ParseInt(query.Get("count"), 10, 64); err != nil || count < 1 {
			return nil, bad("count is a number of customers", "count must be a whole number of at least 1")
		}
	}
	if query.Has("floor") {
		lowest, err := strconv.ParseFloat(query.Get("floor"), 64)
		if err != nil || !(lowest >= 0 && lowest <= 1) {
			return nil, bad("a score is from 0 to 1", "floor must be from 0 to 1")
		}
		floor = &lowest
	}
	return reading.AskWhatIf(e, share, count, floor)
}

func (s *server) runs(w http.ResponseWriter, r *http.Request) error {
	lists, err := s.whole()
	if err != nil {
		return err
	}
	limit, err := number(r, "limit", usualRuns, 1, largestRuns)
	if err != nil {
		return err
	}
	expansion := r.URL.Query().Get("expansion")
	if r.URL.Query().Has("expansion") {
		if err := schemas.ValidExpansionID(expansion); err != nil {
			return err
		}
	}
	return write(w, http.StatusOK, runList{s.Facts.Book.Runs(expansion, limit), lists})
}

type runList struct {
	Runs  []reading.Run `json:"runs"` // newest first
	Lists reading.State `json:"lists"`
}

func (s *server) run(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.whole(); err != nil {
		return err
	}
	run, err := s.Facts.Book.WholeRun(r.Context(), r.PathValue("id"), r.PathValue("runId"))
	if err != nil {
		return err
	}
	return write(w, http.StatusOK, run)
}

func (s *server) health(w http.ResponseWriter, r *http.Request) error {
	return write(w, http.StatusOK, s.Facts.Health(r.Context()))
}

func (s *server) deadLetters(w http.ResponseWriter, r *http.Request) error {
	limit, err := number(r, "limit", usualRuns, 0, largestRuns)
	if err != nil {
		return err
	}
	filter := reading.LetterFilter{Code: r.FormValue("code")}
	if query := r.URL.Query(); query.Has("topic") {
		if !slices.Contains(topics(), query.Get("topic")) {
			return bad("give one of "+strings.Join(topics(), ", "), "topic names no topic")
		}
		filter.Topic = s.Facts.Prefix.Topic(query.Get("topic"))
	}
	list, err := s.Facts.Letters(r.Context(), filter, limit)
	if err != nil {
		return err
	}
	return write(w, http.StatusOK, list)
}

// topics are the names of all topics, without the prefix.
func topics() (names []string) {
	for _, topic := range schemas.Topics(1) {
		names = append(names, topic.Name)
	}
	return names
}

func (s *server) members(w http.ResponseWriter, r *http.Request) error {
	limit, err := number(r, "limit", usualPage, 1, largestPage)
	if err != nil {
		return err
	}
	e, err := s.named(r)
	if err != nil {
		return err
	}
	after := r.URL.Query().Get("after")
	if after == "" && r.URL.Query().Has("after") {
		return bad("leave it out for the first page", "after is empty")
	}
	page, err := s.Facts.Members(r.Context(), e.ExpansionID, limit, after)
	if err != nil {
		return err
	}
	return write(w, http.StatusOK, page)
}

func (s *server) why(w http.ResponseWriter, r *http.Request) error {
	e, err := s.named(r)
	if err != nil {
		return err
	}
	customer := r.PathValue("customerId")
	if err := schemas.ValidCustomerID([]byte(customer)); err != nil {
		return err
	}
	why, err := s.Facts.Why(r.Context(), e.ExpansionID, customer)
	if err != nil {
		return err
	}
	return write(w, http.StatusOK, why)
}
