package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// newLog returns a log of a format (text or json) from a level on, in which what repeats is counted instead of written.
func newLog(w io.Writer, format string, level slog.Level) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	var handler slog.Handler = slog.NewTextHandler(w, options)
	if format == "json" {
		handler = slog.NewJSONHandler(w, options)
	}
	return slog.New(&sparing{Handler: handler, seen: &repeats{of: map[string]*repeat{}}})
}

const (
	repeatWithin = 30 * time.Second
	mostWarnings = 3  // with the same words within that time; shards, say, that all meet the same trouble
	mostInfos    = 50 // likewise of what is no warning: it may be said by each of many shards once
	mostRepeats  = 1000
)

// sparing is a slog.Handler that writes the first few messages with the same words, and then only how many more there were.
// Numbers (a shard, an offset) and errors do not make two messages different; other texts among the attributes (a part, a topic)
// do.
type sparing struct {
	slog.Handler
	words string // of the attributes that the logger has already
	seen  *repeats
}

// repeats are the messages of the last time, by their words.
type repeats struct {
	mu    sync.Mutex
	of    map[string]*repeat
	swept time.Time // when the ends of times were last looked for
}

// repeat is one message and what was said since it was first written.
type repeat struct {
	since   time.Time
	more    int         // that were not written
	written int         // that were
	last    slog.Record // of those that were not
	handler slog.Handler
}

func (s *sparing) Handle(ctx context.Context, r slog.Record) error {
	var words strings.Builder
	fmt.Fprint(&words, r.Level, " ", r.Message, s.words)
	r.Attrs(func(a slog.Attr) bool {
		addWords(&words, a)
		return true
	})
	write := s.seen.another(words.String(), s.Handler, r)
	for _, over := range s.seen.sweep(r.Time) {
		if err := over.tell(ctx, r.Time); err != nil {
			return err
		}
	}
	if !write {
		return nil
	}
	return s.Handler.Handle(ctx, r)
}

func addWords(words *strings.Builder, a slog.Attr) {
	if a.Value.Kind() == slog.KindString {
		fmt.Fprint(words, " ", a.Key, "=", a.Value.String())
	}
}

// another counts a message, and reports whether it is to be written.
func (s *repeats) another(words string, handler slog.Handler, r slog.Record) bool {
	most := mostInfos
	if r.Level >= slog.LevelWarn {
		most = mostWarnings
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := s.of[words]
	if seen == nil {
		if len(s.of) >= mostRepeats { // of more than that nothing is counted
			return true
		}
		seen = &repeat{since: r.Time}
		s.of[words] = seen
	}
	if seen.written < most {
		seen.written++
		return true
	}
	seen.more++
	seen.last, seen.handler = r.Clone(), handler
	return false
}

// sweep forgets the messages whose time is over, and returns those of which some were not written. Of these the time begins anew,
// and in it nothing is written but how many there were: trouble that lasts is one line each time.
func (s *repeats) sweep(now time.Time) (over []repeat) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(s.swept) < time.Second {
		return nil
	}
	s.swept = now
	for words, seen := range s.of {
		switch {
		case now.Sub(seen.since) < repeatWithin:
		case seen.more == 0:
			delete(s.of, words)
		default:
			over = append(over, *seen)
			seen.since, seen.more = now, 0
		}
	}
	return over
}

// tell writes the last of the messages that were not written, and how many those were.
func (r *repeat) tell(ctx context.Context, now time.Time) error {
	last := slog.NewRecord(now, r.last.Level, fmt.Sprintf("%s (one of %d more in %s)", r.last.Message, r.more, short(now.Sub(r.since))), r.last.PC)
	r.last.Attrs(func(a slog.Attr) bool { last.AddAttrs(a); return true })
	return r.handler.Handle(ctx, last)
}

func (s *sparing) WithAttrs(attrs []slog.Attr) slog.Handler {
	var words strings.Builder
	words.WriteString(s.words)
	for _, a := range attrs {
		addWords(&words, a)
	}
	return &sparing{Handler: s.Handler.WithAttrs(attrs), words: words.String(), seen: s.seen}
}

func (s *sparing) WithGroup(name string) slog.Handler {
	return &sparing{Handler: s.Handler.WithGroup(name), words: s.words + " " + name, seen: s.seen}
}
