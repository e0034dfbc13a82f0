package control_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"kindred/pipeline/learn"
	"kindred/pipeline/testkit"
	"kindred/schemas"
)

// together starts a controller of which so many runs learn at a time.
func together(t *testing.T, learners int) (*world, *sharing) {
	t.Helper()
	w := newWorld(t, testkit.Kafka(t), "test.")
	w.learners = learners
	s := &sharing{with: map[string]*learn.Shared{}, held: map[string]chan struct{}{}}
	gen := w.join()
	w.segment("vip")
	c := w.controller(w.transactions("controller", gen, never), w.caches(), s)
	w.Run(func() error { return c.Run(w.Ctx, gen) })
	return w, s
}

// Runs that learn side by side share what they read, and end each by itself: one succeeds and one is canceled while another learns.
func TestRunsLearnSideBySide(t *testing.T) {
	w, s := together(t, 3)
	s.hold("a", "b")
	w.on("a", schemas.Expand, "a", ofVIP)
	w.on("b", schemas.Expand, "b", ofVIP)
	w.says("a", schemas.Training, "")
	w.says("b", schemas.Training, "")
	w.on("c", schemas.Expand, "c", ofVIP)
	w.successful(w.ended("c")["c"])
	if s.shares("a") != s.shares("b") || s.shares("a") != s.shares("c") {
		t.Error("runs that learn side by side do not share what they read")
	}
	w.on("b canceled", schemas.Cancel, "b", "")
	if r := last(w.ended("b canceled", "b")["b"]); r.Status != schemas.Canceled {
		t.Errorf("the canceled run ended as %+v", r)
	}
	w.says("a", schemas.Training, "")
	s.release("a")
	w.successful(w.ended("a")["a"])
}

// Whoever builds on another does not learn beside it, whichever comes first: it would see some of its members as they were before.
func TestThoseThatBuildOnEachOtherDoNotLearnSideBySide(t *testing.T) {
	w, s := together(t, 3)
	w.on("a", schemas.Expand, "a", ofVIP)
	w.on("b", schemas.Expand, "b", `,"sourceSegmentId":"a"`)
	w.successful(w.ended("a", "b")["b"])
	s.hold("b")
	w.on("b again", schemas.Refresh, "b", "")
	w.says("b again", schemas.Training, "")
	w.on("a again", schemas.Refresh, "a", "")
	w.says("a again", schemas.Waiting, "waits until b again (b) has learned: one uses the other")
	w.on("other", schemas.Expand, "other", ofVIP)
	w.successful(w.ended("other")["other"])
	s.release("b")
	runs := w.ended("a again", "b again")
	w.successful(runs["a again"])
	w.successful(runs["b again"])
}

// A data event that refreshes many keeps nobody waiting who asks for something himself.
func TestWhoAsksLearnsBesideTheRunsOfADataEvent(t *testing.T) {
	w, s := together(t, 2)
	for _, id := range []string{"a", "b", "c"} {
		w.on(id, schemas.Expand, id, ofVIP)
	}
	w.ended("a", "b", "c")
	s.hold("a", "b", "own")
	w.publish(schemas.DataEvents, 0, [2]string{"s", `{"batchId":"1"}`})
	w.says("a/s/1", schemas.Training, "")
	w.says("b/s/1", schemas.Training, "")
	w.on("own", schemas.Expand, "own", ofVIP)
	w.says("own", schemas.Training, "")
	s.release("a")
	events := w.ended("a/s/1")
	if slices.ContainsFunc(events["c/s/1"], func(r schemas.Run) bool { return r.Status != schemas.Queued }) {
		t.Errorf("a trigger's run begins while one learns that somebody has asked for: %+v", events["c/s/1"])
	}
	s.release("own")
	w.successful(w.ended("own", "c/s/1")["own"])
	s.release("b")
	w.ended("b/s/1")
}

// Several learn when the controller is stopped: each begins anew under its next epoch, and none is committed twice.
func TestATakeOverBesideRunsThatLearn(t *testing.T) {
	w := newWorld(t, testkit.Kafka(t), "test.")
	w.learners = 2
	gen := w.join()
	w.segment("vip")
	l := &learner{hold: true, began: make(chan string, 2), ended: make(chan error, 2)}
	ctx, end := context.WithCancel(w.Ctx)
	ended := make(chan error)
	go func() { ended <- w.controller(w.transactions("controller", gen, never), w.caches(), l).Run(ctx, gen) }()
	w.on("x", schemas.Expand, "x", ofVIP)
	w.on("y", schemas.Expand, "y", ofVIP)
	<-l.began
	<-l.began
	w.says("x", schemas.Training, "") // so its beginning is committed
	w.says("y", schemas.Training, "")
	end()
	w.OK(<-ended)
	for range 2 {
		if err := <-l.ended; !errors.Is(err, context.Canceled) {
			t.Errorf("learning ended with %v", err)
		}
	}
	w.Run(func() error {
		return w.controller(w.transactions("controller", gen, never), w.caches(), &learner{}).Run(w.Ctx, gen)
	})
	runs := w.ended("x", "y")
	for _, id := range []string{"x", "y"} {
		w.successful(runs[id])
		if e := w.expansion(id); e.Epoch != 2 || e.ModelEpoch != 2 {
			t.Errorf("%s has epoch %d and the model of %d", id, e.Epoch, e.ModelEpoch)
		}
	}
}
