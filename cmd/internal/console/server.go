// Package console serves HTTP: whether the process is alive, whether its parts are ready and why not, its figures for
// Prometheus, profiles of the process, the API, and pages for people. It changes nothing itself: what somebody asks for becomes an
// event.
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

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"kindred/cmd/internal/config"
	"kindred/cmd/internal/console/access"
	"kindred/cmd/internal/console/api"
	"kindred/cmd/internal/console/page"
	"kindred/cmd/internal/reading"
	"kindred/pipeline/selection"
	"kindred/schemas"
)

// Server answers on one listener.
type Server struct {
	Listener net.Listener          // closed by Run
	TLS      *tls.Config           // nil: no encryption
	Hosts    []string              // names that requests may come under beside those of loopback; see hostAllowed
	Tokens   []config.Token        // one of them is asked for by everything but /healthz and /readyz; empty: none is asked for
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
	gate := &access.Gate{Tokens: s.Tokens, Denied: refuse}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", s.ready)
	mux.Handle("GET /metrics", gate.Programs(promhttp.HandlerFor(gatherer(s.Readings), promhttp.HandlerOpts{MaxRequestsInFlight: mostScrapes})))
	if len(s.Tokens) > 0 {
		// Without the command line, which may hold a password.
		mux.Handle("GET /debug/pprof/", gate.Programs(http.HandlerFunc(profile)))
		mux.Handle("GET /debug/pprof/profile", gate.Programs(http.HandlerFunc(pprof.Profile)))
		mux.Handle("GET /debug/pprof/trace", gate.Programs(http.HandlerFunc(pprof.Trace)))
	}
	if s.Facts != nil {
		programs := &api.API{Facts: s.Facts, Ask: s.ask, Ending: ending, Log: s.Log}
		mux.Handle("/api/", gate.Programs(programs.Handler()))
		site := &page.Site{Facts: s.Facts, Book: s.Facts.Book, Ask: s.ask, Replay: s.Replay, Presets: s.Presets, Visitor: visitor, Log: s.Log}
		pages := site.Handler()
		gate.Form = site.Login
		mux.Handle("/", gate.People(pages))
		mux.Handle("GET /static/", pages) // the form to log in has a style, too
		mux.HandleFunc("GET /login", gate.LoginPage)
		mux.HandleFunc("POST /login", gate.Login)
		mux.HandleFunc("POST /logout", gate.Logout)
	}
	return s.fromHere(mux)
}

// visitor says who asks for a page. That forms come from this server's pages, fromHere and the cookie see to.
func visitor(r *http.Request) page.Visitor {
	of := access.Of(r.Context())
	return page.Visitor{Name: of.Name, Editor: of.Editor}
}

// ask publishes a request in the name of who makes it. Only editors may.
func (s *Server) ask(ctx context.Context, request *schemas.ExpandRequest) error {
	visitor := access.Of(ctx)
	if !visitor.Editor {
		return access.ErrViewer
	}
	request.RequestedBy = visitor.Name
	request.Cause = "" // kindred's own triggers set it
	return s.Ask(ctx, request)
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
