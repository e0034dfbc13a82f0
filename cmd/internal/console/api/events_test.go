package api_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kindred/cmd/internal/console/api"
	"kindred/cmd/internal/reading"
)

// deaf is the connection of a listener that reads nothing: what is written waits for the deadline.
type deaf struct {
	*httptest.ResponseRecorder
	deadline time.Time
}

func (d *deaf) SetReadDeadline(time.Time) error        { return nil }
func (d *deaf) SetWriteDeadline(until time.Time) error { d.deadline = until; return nil }
func (d *deaf) Write([]byte) (int, error) {
	if d.deadline.IsZero() {
		select {}
	}
	time.Sleep(time.Until(d.deadline))
	return 0, os.ErrDeadlineExceeded
}

// However many listen, and however slow they are, there is a bound, and whoever reads nothing gives its place to others.
func TestListenersAreBoundedAndMustRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		facts := &reading.Facts{Book: &reading.Book{}}
		h := (&api.API{Facts: facts}).Handler()
		listen := func(ctx context.Context, w http.ResponseWriter) {
			h.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "/api/events", nil))
		}
		var all sync.WaitGroup
		for range 64 {
			all.Go(func() { listen(t.Context(), &deaf{ResponseRecorder: httptest.NewRecorder()}) })
		}
		synctest.Wait()
		late := httptest.NewRecorder()
		if listen(t.Context(), late); late.Code != http.StatusServiceUnavailable || late.Header().Get("Retry-After") == "" {
			t.Errorf("one too many gets %d", late.Code)
		}
		all.Wait() // they are let go
		if facts.Book.Changes.Listening() {
			t.Error("they still count as listeners")
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		next := &deadlines{httptest.NewRecorder()}
		if listen(ctx, next); next.Code != http.StatusOK {
			t.Errorf("then another gets %d", next.Code)
		}
	})
}

// deadlines is a recorder that takes deadlines, as a connection does.
type deadlines struct{ *httptest.ResponseRecorder }

func (deadlines) SetReadDeadline(time.Time) error  { return nil }
func (deadlines) SetWriteDeadline(time.Time) error { return nil }
