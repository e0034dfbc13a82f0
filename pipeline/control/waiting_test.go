package control_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync"
	"testing"

	"kindred/pipeline/control"
	"kindred/pipeline/learn"
	"kindred/pipeline/testkit"
	"kindred/schemas"
)

// controls starts a controller over caches, and a world around it with the segment vip.
func controls(t *testing.T, change func(*caches), l control.Learner) (*world, *caches) {
	t.Helper()
	w := newWorld(t, testkit.Kafka(t), "test.")
	gen := w.join()
	w.segment("vip")
	c := w.caches()
	change(c)
	controller := w.controller(w.transactions("controller", gen, never), c, l)
	w.Run(func() error { return controller.Run(w.Ctx, gen) })
	return w, c
}

// on asks for something under a request's id.
func (w *world) on(request string, action schemas.Action, expansion, more string) {
	w.Helper()
	w.publish(schemas.ExpandRequests, 0, [2]string{expansion, `{"requestId":"` + request + `","action":"` + string(action) + `"` + more + `}`})
}

const ofVIP = `,"sourceSegmentId":"vip"`

func TestARunThatIsNeverPublishedHoldsUpItsOwnExpansionOnly(t *testing.T) {
	w, c := controls(t, func(c *caches) { c.stuck = map[string]bool{"x": true} }, &learner{})
	w.on("x", schemas.Expand, "x", ofVIP)
	w.says("x", schemas.Publishing, "waits for shard 2")

	w.on("y", schemas.Expand, "y", ofVIP)
	w.successful(w.ended("y")["y"])
	w.on("y again", schemas.Refresh, "y", "")
	w.on("y goes", schemas.Delete, "y", "")
	w.on("x renamed", schemas.Rename, "x", `,"name":"X"`)
	w.on("x canceled", schemas.Cancel, "x", "")
	w.on("x edited", schemas.Edit, "x", `,"count":5`)
	runs := w.ended("y again", "y goes", "x renamed", "x canceled")
	w.successful(runs["y goes"])
	if r := last(runs["x renamed"]); r.Status != schemas.Successful {
		t.Errorf("the rename ended as %+v", r)
	}
	if r := last(runs["x canceled"]); r.Error == nil || r.Error.Code != schemas.CodeTooLate {
		t.Errorf("the cancel ended as %+v", r)
	}
	if e := w.expansion("y"); e.State != schemas.StateDeleted || e.Run != nil {
		t.Errorf("y is %+v", e)
	}
	if e := w.expansion("x"); e.Run == nil || !e.Run.Committed {
		t.Errorf("x is %+v", e)
	}

	c.change(func() { c.stuck = nil })
	runs = w.ended("x", "x edited")
	w.successful(runs["x"])
	w.successful(runs["x edited"])
}

func TestEachRunThatWaitsForAShardSaysSoAndDeletionsGoOn(t *testing.T) {
	l := &learner{began: make(chan string, 10)}
	w, c := controls(t, func(*caches) {}, l)
	w.on("x", schemas.Expand, "x", ofVIP)
	w.successful(w.ended("x")["x"])
	c.change(func() { c.until = 1 })
	w.publish(schemas.Profiles, 1, [2]string{"c", `{}`}, [2]string{"d", `{}`})

	for _, id := range []string{"c", "a", "b"} {
		w.on(id, schemas.Expand, id, ofVIP)
	}
	for _, id := range []string{"a", "b", "c"} {
		w.says(id, schemas.Waiting, "shard 1 (profiles at 1 of 2)")
	}
	w.on("b canceled", schemas.Cancel, "b", "")
	w.on("x goes", schemas.Delete, "x", "")
	runs := w.ended("x goes", "b canceled", "b")
	w.successful(runs["x goes"])
	if r := last(runs["b"]); r.Status != schemas.Canceled {
		t.Errorf("the canceled run ended as %+v", r)
	}

	c.change(func() { c.until = math.MaxInt64 })
	runs = w.ended("a", "c")
	w.successful(runs["a"])
	w.successful(runs["c"])
	var order []string
	for range 3 {
		order = append(order, <-l.began)
	}
	if !slices.Equal(order, []string{"x", "c", "a"}) {
		t.Errorf("they have learned in the order %v", order)
	}
}

// A run does not learn from members that are being replaced, even when it was asked for before that.
func TestARunWaitsUntilWhatItBuildsOnIsPublished(t *testing.T) {
	l := &hindered{}
	w, c := controls(t, func(*caches) {}, l)
	w.on("a", schemas.Expand, "a", ofVIP)
	w.on("b", schemas.Expand, "b", `,"sourceSegmentId":"a"`)
	w.successful(w.ended("a", "b")["b"])
	l.hinder("b", true)
	w.on("b again", schemas.Refresh, "b", "")
	w.says("b again", schemas.Waiting, "held up")
	c.change(func() { c.stuck = map[string]bool{"a": true} })
	w.on("a again", schemas.Refresh, "a", "")
	w.says("a again", schemas.Publishing, "waits for shard 2")
	l.hinder("b", false)
	w.says("b again", schemas.Waiting, "waits until a is published")
	c.change(func() { c.stuck = nil })
	runs := w.ended("a again", "b again")
	w.successful(runs["b again"])
	if published := *last(runs["a again"]).EndedAt; last(runs["b again"]).EndedAt.Before(published) {
		t.Error("it has learned before that was published")
	}
}

// hindered learns as learner does, but not for an expansion that is hindered.
type hindered struct {
	learner
	mutex sync.Mutex
	of    string
}

func (h *hindered) hinder(expansion string, hindered bool) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.of = ""
	if hindered {
		h.of = expansion
	}
}

func (h *hindered) Learn(ctx context.Context, l learn.Lesson, report func(schemas.Stage, float64)) (*learn.Result, error) {
	h.mutex.Lock()
	of := h.of
	h.mutex.Unlock()
	if l.ExpansionID == of {
		return nil, errors.New("hindered")
	}
	return h.learner.Learn(ctx, l, report)
}

// Two runs are under way when the controller is stopped: one committed, one not.
func TestATakeOverBesideACommittedRun(t *testing.T) {
	w := newWorld(t, testkit.Kafka(t), "test.")
	gen := w.join()
	w.segment("vip")
	c := w.caches()
	c.stuck = map[string]bool{"x": true}
	l := &learner{hold: true, began: make(chan string, 10), ended: make(chan error, 10)}
	ctx, end := context.WithCancel(w.Ctx)
	ended := make(chan error)
	go func() {
		ended <- w.controller(w.transactions("controller", gen, never), c, holding{l}).Run(ctx, gen)
	}()
	w.on("x", schemas.Expand, "x", ofVIP)
	w.says("x", schemas.Publishing, "waits for shard 2")
	w.on("y", schemas.Expand, "y", ofVIP)
	for <-l.began != "y" {
	}
	w.says("y", schemas.Training, "") // so its beginning is committed
	end()
	w.OK(<-ended)

	c.change(func() { c.stuck = nil })
	w.Run(func() error {
		return w.controller(w.transactions("controller", gen, never), c, &learner{}).Run(w.Ctx, gen)
	})
	runs := w.ended("x", "y")
	w.successful(runs["x"])
	w.successful(runs["y"])
	if x, y := w.expansion("x").Epoch, w.expansion("y").Epoch; x != 1 || y != 2 {
		t.Errorf("x has epoch %d, y %d", x, y)
	}
}

// A partition without a leader has no end that could be found.
func TestARunWhoseInputsHaveNoEndYetKeepsNobodyFromCancelingIt(t *testing.T) {
	w := newWorld(t, testkit.Kafka(t), "test.")
	gen := w.join()
	w.segment("vip")
	c := w.controller(w.transactions("controller", gen, never), w.caches(), &learner{})
	c.Reader = leaderless{w.Fetcher, w.Prefix.Topic(schemas.Profiles)}
	w.Run(func() error { return c.Run(w.Ctx, gen) })
	w.on("x", schemas.Expand, "x", ofVIP)
	w.says("x", schemas.Waiting, "")
	w.on("x canceled", schemas.Cancel, "x", "")
	if r := last(w.ended("x canceled", "x")["x"]); r.Status != schemas.Canceled {
		t.Errorf("it ended as %+v", r)
	}
}

func TestAPanicAfterTheCommitIsTriedAgain(t *testing.T) {
	w, _ := controls(t, func(c *caches) { c.panics, c.short = 2, 2 }, &learner{})
	w.on("x", schemas.Expand, "x", ofVIP)
	if r := w.successful(w.ended("x")["x"]); r.Counts.Members != 3*shards {
		t.Errorf("the shards' counts add up to %+v", r.Counts)
	}
	if e := w.expansion("x"); e.State != schemas.StateLive || e.Report == nil {
		t.Errorf("x is %+v", e)
	}
}

func TestAPanicBeforeTheCommitFailsItsRunAlone(t *testing.T) {
	w, _ := controls(t, func(*caches) {}, panicking{&learner{}})
	w.on("x", schemas.Expand, "x", ofVIP)
	w.on("y", schemas.Expand, "y", ofVIP)
	runs := w.ended("x", "y")
	if r := last(runs["x"]); r.Error == nil || r.Error.Code != schemas.CodeInternal {
		t.Errorf("it ended as %+v", r)
	}
	w.successful(runs["y"])
}

func TestARunThatIsHeldUpLetsOthersLearn(t *testing.T) {
	l := &failing{learner: &learner{}}
	w, _ := controls(t, func(*caches) {}, l)
	w.on("x", schemas.Expand, "x", ofVIP)
	w.says("x", schemas.Waiting, "held up: the cache is away")
	w.on("y", schemas.Expand, "y", ofVIP)
	w.successful(w.ended("y")["y"])
	l.over.Store(true)
	w.successful(w.ended("x")["x"])
}
