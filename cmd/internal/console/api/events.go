package api

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"kindred/cmd/internal/reading"
)

const (
	heartbeat   = 15 * time.Second       // without one, nobody would see that a connection is dead
	writeWithin = 10 * time.Second       // a listener that takes longer to read is dropped
	settle      = 100 * time.Millisecond // changes come in swarms: what comes meanwhile is told once
)

func newInstance() string { return rand.Text()[:8] }

// events tells the names of what changes, as server-sent events: nothing else, so that whoever may not see something learns nothing
// of it. It begins with what has changed since Last-Event-ID or, without one or when that is not known any more, with "everything".
func (s *server) events(w http.ResponseWriter, r *http.Request) error {
	select {
	case s.listeners <- struct{}{}:
		defer func() { <-s.listeners }()
	default:
		return &problem{Status: http.StatusServiceUnavailable, Title: "too many listen already", Try: "again later, or ask every few seconds", retry: true}
	}
	changes := &s.Facts.Book.Changes
	defer changes.Listen()()
	next := s.since(r.Header.Get("Last-Event-ID"))
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // proxies may not hold events back
	control := http.NewResponseController(w)
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	send := func(text string) error {
		if err := control.SetWriteDeadline(time.Now().Add(writeWithin)); err != nil {
			return err
		}
		if _, err := w.Write([]byte(text)); err != nil {
			return err
		}
		return control.Flush()
	}
	_ = control.SetReadDeadline(time.Time{}) // the whole request has come; a deadline would end the connection
	if send("retry: 2000\n\n") != nil {
		return nil
	}
	for {
		names, after, wake := changes.Since(next)
		next = after
		if len(names) > 0 {
			if send(s.told(names, next)) != nil {
				return nil // it has gone, or reads too slowly
			}
			continue
		}
		select {
		case <-wake:
			if !pause(r, settle) {
				return nil
			}
		case <-beat.C:
			if send(": \n\n") != nil {
				return nil
			}
		case <-r.Context().Done():
			return nil
		case <-s.Ending:
			return nil
		}
	}
}

// since returns the number to begin with. Whoever is new here cannot know what has changed before: everything may have.
func (s *server) since(last string) int64 {
	instance, number, _ := strings.Cut(last, "-")
	if n, err := strconv.ParseInt(number, 10, 64); err == nil && instance == s.instance {
		return n
	}
	return reading.BeforeAll
}

// told writes the names of changes as events. The last one has the number to go on with.
func (s *server) told(names []string, next int64) string {
	var text strings.Builder
	for i, name := range names {
		if i == len(names)-1 {
			fmt.Fprintf(&text, "id: %s-%d\n", s.instance, next)
		}
		fmt.Fprintf(&text, "data: %s\n\n", strings.Map(oneLine, name))
	}
	return text.String()
}

// oneLine takes out of a name what would end a line of the stream.
func oneLine(r rune) rune {
	if r == '\n' || r == '\r' {
		return ' '
	}
	return r
}

func pause(r *http.Request, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}
