// Package console serves HTTP: whether the process is alive, whether it has caught up, and its figures for Prometheus.
// It changes nothing, and knows of the pipeline only the functions that it is given.
package console

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Server answers on one listener.
type Server struct {
	Listener net.Listener     // closed by Run
	Token    string           // asked for by everything but /healthz and /readyz; empty: none is asked for
	Behind   func() string    // what has not caught up yet, in words; empty: ready
	Readings func() []Reading // the figures of this moment; nil: only those of the process
	Log      *slog.Logger     // nil: nothing is logged
}

// Run serves until ctx ends. Requests under way then have two seconds to end.
func (s *Server) Run(ctx context.Context) error {
	server := &http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       time.Minute,
		ErrorLog:          slog.NewLogLogger(s.log().Handler(), slog.LevelDebug),
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(s.Listener) }()
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

func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", s.ready)
	mux.Handle("GET /metrics", s.guarded(promhttp.HandlerFor(gatherer(s.Readings), promhttp.HandlerOpts{})))
	return mux
}

func (s *Server) ready(w http.ResponseWriter, _ *http.Request) {
	if s.Behind != nil {
		if behind := s.Behind(); behind != "" {
			http.Error(w, "not yet: "+behind, http.StatusServiceUnavailable)
			return
		}
	}
	fmt.Fprintln(w, "ready")
}

// guarded asks for the token. Hashes are compared, so that the time it takes does not show how much of a token was right.
func (s *Server) guarded(next http.Handler) http.Handler {
	if s.Token == "" {
		return next
	}
	want := sha256.Sum256([]byte(s.Token))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		got := sha256.Sum256([]byte(strings.TrimSpace(token)))
		if !strings.EqualFold(scheme, "Bearer") || subtle.ConstantTimeCompare(got[:], want[:]) == 0 {
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, "this needs the token: Authorization: Bearer ...", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) log() *slog.Logger {
	if s.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return s.Log
}
