package api

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"kindred/cmd/internal/reading"
	"kindred/schemas"
)

// API serves everything below /api/.
type API struct {
	Facts *reading.Facts

	// Ask publishes a request of whoever asks, which has an id, and returns once Kafka has acknowledged it.
	Ask func(context.Context, *schemas.ExpandRequest) error

	Ending <-chan struct{} // closed when the process ends: then nobody listens any longer
	Log    *slog.Logger    // nil: nothing is logged
}

// Bounds of what clients can make the process do.
const (
	answerWithin   = 20 * time.Second
	mostListeners  = 64 // of /api/events
	askWithin      = 10 * time.Second
	largestRequest = schemas.LargestRequest
)

// route is one path with one method.
type route struct {
	method, path string
	parameters   []string // names in the query that are known
	answer       func(http.ResponseWriter, *http.Request) error
}

func (a *server) routes() []route {
	return []route{
		{"GET", "/api/segments", nil, a.segments},
		{"GET", "/api/fields", []string{"segment"}, a.fields},
		{"GET", "/api/expansions", []string{"all"}, a.expansions},
		{"GET", "/api/expansions/{id}", []string{"share", "count", "floor", "drift"}, a.expansion},
		{"GET", "/api/expansions/{id}/members", []string{"limit", "after"}, a.members},
		{"GET", "/api/expansions/{id}/members/{customerId}", nil, a.why},
		{"GET", "/api/runs", []string{"expansion", "limit"}, a.runs},
		{"GET", "/api/runs/{id}/{runId}", nil, a.run},
		{"GET", "/api/health", nil, a.health},
		{"GET", "/api/dead-letters", []string{"topic", "code", "limit"}, a.deadLetters},
		{"GET", "/api/events", nil, a.events},
		{"GET", "/api/openapi.json", nil, a.openAPI},
		{"POST", "/api/expand-requests", nil, a.request},
	}
}

// server is an API at work.
type server struct {
	API
	listeners chan struct{}
	instance  string // begins the ids of events: numbers of another process mean nothing here
}

// Handler returns what answers.
func (a *API) Handler() http.Handler {
	s := &server{API: *a, listeners: make(chan struct{}, mostListeners), instance: newInstance()}
	mux := http.NewServeMux()
	allowed := map[string][]string{}
	for _, r := range s.routes() {
		mux.HandleFunc(r.method+" "+r.path, s.guarded(r))
		allowed[r.path] = append(allowed[r.path], r.method)
		if r.method == "GET" {
			allowed[r.path] = append(allowed[r.path], "HEAD")
		}
	}
	for _, path := range slices.Sorted(maps.Keys(allowed)) {
		mux.HandleFunc(path, s.otherMethod(append(allowed[path], "OPTIONS")))
	}
	mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, r, &problem{Status: http.StatusNotFound, Title: "there is nothing at this path", Try: "GET /api/openapi.json lists what there is"})
	})
	return mux
}

// guarded answers within bounds. What it says is kept by nobody.
func (s *server) guarded(r route) http.HandlerFunc {
	return func(w http.ResponseWriter, request *http.Request) {
		protect(w)
		ctx := request.Context()
		if r.path != "/api/events" {
			limited, cancel := context.WithTimeout(ctx, answerWithin)
			defer cancel()
			ctx = limited
		}
		request = request.WithContext(ctx)
		err := known(request, r.parameters)
		if err == nil && r.method == "GET" && request.ContentLength > 0 {
			err = &problem{Status: http.StatusBadRequest, Title: "a " + request.Method + " has no body", Try: "send the request without one"}
		}
		if err == nil {
			err = r.answer(w, request)
		}
		if err != nil {
			s.fail(w, request, err)
		}
	}
}

// protect keeps an answer out of caches and out of the pages of others.
func protect(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cross-Origin-Resource-Policy", "same-origin")
}

// otherMethod answers what a path does not do.
func (s *server) otherMethod(allowed []string) http.HandlerFunc {
	allow := strings.Join(allowed, ", ")
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Allow", allow)
		if r.Method == http.MethodOptions {
			protect(w)
			w.WriteHeader(http.StatusNoContent)
			return
		}
		s.fail(w, r, &problem{Status: http.StatusMethodNotAllowed, Title: "this path does not take that method", Try: "use " + allow})
	}
}

// write answers with a fact.
func write(w http.ResponseWriter, status int, fact any) error {
	text, err := json.Marshal(fact)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // whoever has gone away needs no answer
	return nil
}
