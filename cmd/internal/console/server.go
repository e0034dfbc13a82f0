// Package console serves HTTP: whether the process is alive, whether its parts are ready and why not, its figures for
// Prometheus, profiles of the process, the API, and pages for people. It changes nothing itself: what somebody asks for becomes an event.
//
// Whoever can connect may be careless or hostile: every wait has an end, connections and headers have a bound, a page of another
// site cannot read anything, and what is not about health asks for a token when there is one.
package console

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"kindred/cmd/internal/console/api"
	"kindred/cmd/internal/console/page"
	"kindred/cmd/internal/reading"
	"kindred/pipeline/selection"
	"kindred/schemas"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Server answers on one listener.
type Server struct {
	Listener net.Listener          // closed by Run
	TLS      *tls.Config           // nil: no encryption
	Hosts    []string              // names that requests may come under beside those of loopback; see hostAllowed
	Tokens   []string              // one of them is asked for by everything but /healthz and /readyz; empty: none is asked for
	Parts    func() []reading.Part // what the parts of the process say of themselves; nil: there is nothing to wait for
	Readings func() []Reading      // the figures of this moment; nil: only those of the process

	Facts  *reading.Facts                                                   // what the API and the pages tell; nil: there are none
	Ask    func(context.Context, *schemas.ExpandRequest) error              // publishes a request
	Replay func(ctx context.Context, letter int64) (said string, err error) // puts a dead letter back; nil: nobody can

	Presets selection.Presets // of one's own, that a form may name
	Log     *slog.Logger      // nil: nothing is logged
}

// Bounds of what a client can hold.
const (
	MostConnections = 256 // more wait, unaccepted, until others have ended

	headerTimeout = 5 * time.Second // also of a connection that says nothing
	bodyTimeout   = 15 * time.Second
	answerTimeout = time.Minute // a profile takes up to 30 s
	idleTimeout   = 30 * time.Second
	longestHeader = 16 << 10 // bytes
	mostScrapes   = 4        // of /metrics at a time
)

// Run serves until ctx ends. Requests under way then have two seconds to end.
func (s *Server) Run(ctx context.Context) error {
	server := &http.Server{
		Handler:           s.handler(ctx.Done()),
		TLSConfig:         s.TLS,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       bodyTimeout,
		WriteTimeout:      answerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    longestHeader,
		ErrorLog:          slog.NewLogLogger(s.log().Handler(), slog.LevelDebug),
	}
	listener := bounded(s.Listener, MostConnections)
	ended := make(chan error, 1)
	go func() {
		if s.TLS != nil {
			ended <- server.ServeTLS(listener, "", "")
			return
		}
		ended <- server.Serve(listener)
	}()
	select {
	case err := <-ended:
		return fmt.Errorf("serve http on %s: %w", s.Listener.Addr(), err)
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if err := server.Shutdown(last); err != nil {
		server.Close()
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve http on %s: %w", s.Listener.Addr(), err)
	}
	return nil
}

func (s *Server) handler(ending <-chan struct{}) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", s.ready)
	mux.Handle("GET /metrics", s.withToken(promhttp.HandlerFor(gatherer(s.Readings), promhttp.HandlerOpts{MaxRequestsInFlight: mostScrapes})))
	if len(s.Tokens) > 0 {
		// Without the command line, which may hold a password.
		mux.Handle("GET /debug/pprof/", s.withToken(http.HandlerFunc(profile)))
		mux.Handle("GET /debug/pprof/profile", s.withToken(http.HandlerFunc(pprof.Profile)))
		mux.Handle("GET /debug/pprof/trace", s.withToken(http.HandlerFunc(pprof.Trace)))
	}
	if s.Facts != nil {
		programs := &api.API{Facts: s.Facts, Ask: s.Ask, Ending: ending, Log: s.Log}
		mux.Handle("/api/", s.withToken(programs.Handler()))
		pages := &page.Site{Facts: s.Facts, Book: s.Facts.Book, Ask: s.Ask, Replay: s.Replay, Presets: s.Presets, Log: s.Log}
		mux.Handle("/", s.withToken(pages.Handler()))
	}
	return s.fromHere(mux)
}

// profile serves the profiles of the runtime by name, and their list.
func profile(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/debug/pprof/cmdline" {
		http.NotFound(w, r)
		return
	}
	pprof.Index(w, r)
}

func (s *Server) log() *slog.Logger {
	if s.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return s.Log
}
