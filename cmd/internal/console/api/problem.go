package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"kindred/cmd/internal/reading"
	"kindred/pipeline/cache"
	"kindred/schemas"
)

// problem is what went wrong, as RFC 9457 has it. It is an error.
type problem struct {
	Status int    `json:"status"`
	Title  string `json:"title"`            // what is wrong
	Detail string `json:"detail,omitempty"` // what exactly
	Code   string `json:"code,omitempty"`   // a stable word
	Try    string `json:"try,omitempty"`    // the way out

	RequestID string `json:"requestId,omitempty"` // of a request that may have been made

	retry bool // it passes by itself
}

func (p *problem) Error() string { return p.Title }

// bad is a problem of the request itself.
func bad(try, title string, args ...any) error {
	return &problem{Status: http.StatusBadRequest, Title: fmt.Sprintf(title, args...), Try: try}
}

// fail answers with a problem. What only the log may know stays there.
func (s *server) fail(w http.ResponseWriter, r *http.Request, err error) {
	p := s.problemOf(r, err)
	if p == nil {
		return // the client has gone
	}
	p.write(w)
}

// Refuse answers what is not let through to the API.
func Refuse(w http.ResponseWriter, status int, title, try string) {
	(&problem{Status: status, Title: title, Try: try}).write(w)
}

func (p *problem) write(w http.ResponseWriter) {
	protect(w)
	w.Header().Set("Content-Type", "application/problem+json")
	if p.retry {
		w.Header().Set("Retry-After", "2")
	}
	w.WriteHeader(p.Status)
	text, _ := json.Marshal(p)
	_, _ = w.Write(append(text, '\n'))
}

// problemOf says what an error is to a client.
func (s *server) problemOf(r *http.Request, err error) *problem {
	var known *problem
	var refusal *reading.Refusal
	var malformed *schemas.Malformed
	var refused *cache.Refusal
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &refusal):
		return refusalOf(refusal)
	case errors.As(err, &malformed):
		return &problem{Status: http.StatusBadRequest, Title: "the event cannot be read", Detail: malformed.Error(), Code: malformed.Code,
			Try: "GET /api/openapi.json has the schema"}
	case errors.Is(r.Context().Err(), context.Canceled):
		return nil
	case errors.Is(err, context.DeadlineExceeded), r.Context().Err() != nil:
		return &problem{Status: http.StatusServiceUnavailable, Title: "Kafka or Redis has not answered in time", Try: "again in a moment; GET /api/health says how they are", retry: true}
	case errors.As(err, &refused):
		s.warn(r, err)
		return &problem{Status: http.StatusServiceUnavailable, Title: "Redis does not let itself be used", Try: refused.Try}
	}
	s.warn(r, err)
	return &problem{Status: http.StatusServiceUnavailable, Title: "Kafka or Redis could not be read", Try: "again in a moment; GET /api/health and the log say more", retry: true}
}

func refusalOf(r *reading.Refusal) *problem {
	p := &problem{Status: http.StatusNotFound, Title: r.Error(), Code: r.Code}
	switch r.Code {
	case reading.NoExpansion, reading.WasDeleted:
		p.Try = "GET /api/expansions lists those that there are"
	case reading.NoSegment:
		p.Try = "GET /api/segments lists those that there are"
	case reading.NoRun:
		p.Try = "GET /api/runs lists those on record"
	case reading.NotYet:
		p.Status, p.Try = http.StatusConflict, "GET /api/runs says how its runs stand"
	case reading.NotReady:
		p.Status, p.Try, p.retry = http.StatusServiceUnavailable, "again in a moment; GET /api/health says how the shards are", true
	case reading.Busy:
		p.Status, p.Try, p.retry = http.StatusServiceUnavailable, "again in a few seconds", true
	case reading.BadPlace:
		p.Status, p.Try = http.StatusBadRequest, "leave it out, or give the next of another page"
	}
	return p
}

// warn logs what a client is not told. The path may hold the id of a customer, so the route is logged in its place.
func (s *server) warn(r *http.Request, err error) {
	if s.Log != nil {
		s.Log.Warn("a question could not be answered", "route", r.Pattern, "error", err)
	}
}
