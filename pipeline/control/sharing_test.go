package control_test

import (
	"context"
	"math"
	"sync"
	"testing"

	"kindred/pipeline/learn"
	"kindred/schemas"
)

// sharing notes with whom each expansion has shared last. One that is held learns when it is let go.
type sharing struct {
	learner
	mutex sync.Mutex
	with  map[string]*learn.Shared
	held  map[string]chan struct{}
}

func (s *sharing) Learn(ctx context.Context, l learn.Lesson, report func(schemas.Stage, float64)) (*learn.Result, error) {
	s.mutex.Lock()
	s.with[l.ExpansionID] = l.Shared
	held := s.held[l.ExpansionID]
	s.mutex.Unlock()
	if held != nil {
		report(schemas.Training, 0.5)
		select {
		case <-held:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return s.learner.Learn(ctx, l, report)
}

// hold lets some expansions learn until they are released.
func (s *sharing) hold(expansions ...string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, id := range expansions {
		s.held[id] = make(chan struct{})
	}
}

func (s *sharing) release(expansion string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	close(s.held[expansion])
	delete(s.held, expansion)
}

// shares returns with whom an expansion has shared last.
func (s *sharing) shares(expansion string) *learn.Shared {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.with[expansion]
}

// Runs that learn one after the other share what they read. It is dropped as soon as none is about to learn, also while all that
// are left wait for a shard.
func TestRunsShareWhileAnotherIsAboutToLearn(t *testing.T) {
	s := &sharing{with: map[string]*learn.Shared{}, held: map[string]chan struct{}{"a": make(chan struct{}), "c": make(chan struct{})}}
	w, c := controls(t, func(*caches) {}, s)
	w.on("a", schemas.Expand, "a", ofVIP)
	w.says("a", schemas.Training, "")
	w.on("b", schemas.Expand, "b", ofVIP)
	w.says("b", "", "") // it is queued
	close(s.held["a"])
	w.ended("a", "b")
	first := s.shares("a")
	if first == nil || s.shares("b") != first {
		t.Errorf("a shares with %p, b with %p", first, s.shares("b"))
	}

	w.on("c", schemas.Expand, "c", ofVIP)
	w.says("c", schemas.Training, "")
	if s.shares("c") == first {
		t.Error("what was shared stays though nobody was about to learn")
	}
	w.publish(schemas.Profiles, 1, [2]string{"c", `{}`}, [2]string{"d", `{}`})
	c.change(func() { c.until = 1 })
	w.on("d", schemas.Expand, "d", ofVIP)
	w.says("d", "", "")
	close(s.held["c"])
	w.says("d", schemas.Waiting, "shard 1 (profiles at 1 of 2)")
	w.ended("c")
	c.change(func() { c.until = math.MaxInt64 })
	w.ended("d")
	if s.shares("d") == s.shares("c") {
		t.Error("what was shared stays while a run waits for a shard")
	}
}
