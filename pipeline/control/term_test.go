package control_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kindred/pipeline/cache"
	"kindred/pipeline/control"
	"kindred/pipeline/learn"
	"kindred/pipeline/model"
	"kindred/pipeline/route"
	"kindred/pipeline/testkit"
	"kindred/schemas"
	"kindred/schemas/wire"
)

// caches are those of shards that have seen everything, and whose passes are over as soon as a model is there.
type caches struct {
	w     *world
	mutex sync.Mutex
	until int64 // how far profiles have been seen; math.MaxInt64: all

	stuck  map[string]bool // expansions that the last shard does not publish
	panics int             // so many looks that find a model of x panic
	short  int             // then so many miss all shards but the first
}

func (w *world) caches() *caches { return &caches{w: w, until: math.MaxInt64} }

// change changes what the caches show from now on.
func (c *caches) change(what func()) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	what()
}

func (c *caches) ReadMetas(ctx context.Context, shards int) ([]*cache.Meta, error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	metas := make([]*cache.Meta, shards)
	for p := range metas {
		m := &cache.Meta{Ready: true, Through: math.MaxInt64, Expansions: map[string]*cache.Progress{}, Incarnation: "a cache",
			Segments: map[string]cache.SegmentMeta{"vip": {Size: 10, Flips: 15}},
			Offsets:  cache.Offsets{Profiles: c.until, Memberships: math.MaxInt64}}
		metas[p] = m
		place := []wire.Position{{Topic: c.w.Prefix.Topic(schemas.Models), Partition: p}}
		ends, err := c.w.Fetcher.Ends(ctx, place)
		if err != nil {
			return nil, err
		}
		if err := wire.ReadTo(ctx, c.w.Fetcher, wire.Position{Topic: place[0].Topic, Partition: p}, ends[0], func(r *wire.Record) error {
			decided, err := model.Decode(r.Value)
			if err == nil && c.panics > 0 && string(r.Key) == "x" {
				c.panics--
				panic("what nobody has thought of")
			}
			if err == nil && !(c.stuck[string(r.Key)] && p == shards-1) {
				m.Expansions[string(r.Key)] = &cache.Progress{Epoch: decided.Epoch, PassDone: 1, PassOf: 1, Entered: 1, Members: [4]int64{1, 2}}
			}
			return err
		}); err != nil {
			return nil, err
		}
	}
	if c.short > 0 && metas[0].Expansions["x"] != nil {
		c.short--
		return metas[:1], nil
	}
	return metas, nil
}

// learner learns at once, the same for everybody; or, when hold is set, not before its ctx ends.
type learner struct {
	hold  bool
	began chan string // expansions whose learning has begun; nil: nobody looks
	ended chan error
}

func (l *learner) Learn(ctx context.Context, lesson learn.Lesson, report func(schemas.Stage, float64)) (*learn.Result, error) {
	report(schemas.Training, 0.5)
	if l.began != nil {
		l.began <- lesson.ExpansionID
	}
	if l.hold {
		<-ctx.Done()
		l.ended <- ctx.Err()
		return nil, ctx.Err()
	}
	m := &model.Model{Scores: model.Logistic(), Cut: model.Nobody(), Bands: model.Bounds{4000, 6000, 8000}}
	return &learn.Result{Model: m, Report: &schemas.Report{Counts: schemas.Counts{Customers: 5}}}, nil
}

// segment is a record of the router's.
func (w *world) segment(id string) {
	w.Helper()
	w.publish(schemas.Segments, 0, [2]string{id, fmt.Sprintf(`{"segmentId":%q,"name":"All of %s"}`, id, id)})
}

// Wherever the controller is stopped, before or after any of its commits: the next one goes on, every run ends once, a
// record that cannot be read is one dead letter, and no epoch is used twice.
func TestACrashAnywhereLosesAndDoublesNothing(t *testing.T) {
	const atOnce = 8
	step := 1
	if testing.Short() {
		step = 7 // not every point
	}
	for from := 0; ; from += step * atOnce {
		var crashed atomic.Int64
		t.Run(fmt.Sprint("from ", from), func(t *testing.T) {
			cluster := testkit.Kafka(t)
			for point := from; point < from+step*atOnce; point += step {
				t.Run(fmt.Sprint("crash ", point), func(t *testing.T) {
					t.Parallel()
					w := newWorld(t, cluster, fmt.Sprintf("crash%d.", point))
					if w.runWithCrash(point) {
						crashed.Add(1)
					}
				})
			}
		})
		if crashed.Load() < atOnce || t.Failed() {
			if points := from + step*int(crashed.Load()); points < 20 {
				t.Errorf("there were only %d points to crash at", points)
			}
			return
		}
	}
}

// due publishes the record of an expansion that was committed long ago, and that a trigger refreshes at once, once.
func (w *world) due(id, refresh, more string) {
	w.Helper()
	w.Publish(schemas.Expansions, 0, time.UnixMilli(1_700_000_000_000), id, fmt.Appendf(nil, `{"expansionId":%q,"name":"Old","state":"live","epoch":1,
		"definition":{"sourceSegmentId":"vip","name":"Old","share":0.2,"refresh":{%s}},%s}`, id, refresh, more), wire.AppendHeaders(nil, schemas.Format()))
}

func (w *world) runWithCrash(point int) (crashed bool) {
	gen := w.join()
	w.learners = 1 + point%3
	w.segment("vip")
	w.due("scheduled", `"every":"200000h"`, `"lastSlot":"2000-01-01T00:00:00Z"`)
	w.due("watched", `"sourceChange":0.5`, `"source":{"sizes":[10,10,10],"flips":[10,10,10],"caches":["a cache","a cache","a cache"]}`)
	requests := []string{
		`{"requestId":"expand","action":"expand","expansionId":"x","sourceSegmentId":"vip"}`,
		`{"requestId":"refresh","action":"refresh","expansionId":"x"}`,
		`{"requestId":"joins","action":"refresh","expansionId":"x"}`,
		`{"requestId":"try","action":"refresh","expansionId":"x","dryRun":true}`,
		`{"requestId":"expand","action":"expand","expansionId":"x","sourceSegmentId":"vip"}`,
		`{"requestId":"exists","action":"expand","expansionId":"x","sourceSegmentId":"vip"}`,
		`{"requestId":1}`,
	}
	inVain := func() {
		w.on("nosuch", schemas.Expand, "typo", `,"sourceSegmentId":"nosuch"`)
		w.on("refused", schemas.Refresh, "unknown", "")
	}
	for _, r := range requests {
		w.ask("%s", r)
	}
	inVain()
	w.publish(schemas.DataEvents, 0, [2]string{"s", `{"batchId":"b"}`}, [2]string{"s", `{"batchId":"b"}`}, [2]string{"s", `{}`})
	w.publish(schemas.ExpandRequests, 0, [2]string{"n", `{"requestId":"try new","action":"expand","sourceSegmentId":"vip","dryRun":true}`})
	var crash crash
	crash.left.Store(int64(point))
	w.Run(func() error {
		for ask := crash.due; ; ask = never {
			err := w.controller(w.transactions("controller", gen, ask), w.caches(), &learner{}).Run(w.Ctx, gen)
			if !errors.Is(err, testkit.ErrCrash) {
				return err
			}
		}
	})
	w.ended("expand", "refresh", "joins", "exists", "nosuch", "refused", "try", "try new")
	inVain()
	w.ask(`{"requestId":"wrong","action":"edit","expansionId":"x","suppress":["nobody"]}`)
	w.ask(`{"requestId":"edit","action":"edit","expansionId":"x","count":5}`)
	w.ended("edit", "wrong", "scheduled/schedule/2022-10-25T08:00:00Z")
	w.events(func(events map[string][]schemas.Run) bool { return len(sourceChanges(events)) > 0 })
	w.ask(`{"requestId":"delete","action":"delete","expansionId":"x"}`)
	w.ended("delete")
	w.verify()
	return crash.left.Load() < 0
}

// sourceChanges returns the last events of runs that a change of the source has started, and that have ended.
func sourceChanges(events map[string][]schemas.Run) (ended []schemas.Run) {
	for id, e := range events {
		if strings.HasPrefix(id, "watched/source-change/") && last(e).Status.Final() {
			ended = append(ended, last(e))
		}
	}
	return ended
}

// crash happens once, when it has been asked for often enough.
type crash struct{ left atomic.Int64 }

func (c *crash) due() bool { return c.left.Add(-1) == -1 }

// verify looks at everything that two terms have left behind.
func (w *world) verify() {
	w.Helper()
	finals, forgotten := map[string][]schemas.Status{}, false
	all := w.ended("delete")
	if ended := sourceChanges(all); len(ended) != 1 || ended[0].Cause != schemas.CauseSourceChange {
		w.Errorf("changes of the source have started %+v", ended)
	}
	for id, events := range all {
		for _, r := range events {
			if r.Status.Final() {
				finals[id] = append(finals[id], r.Status)
			}
		}
		if !last(events).Status.Final() || len(finals[id]) != 1 {
			w.Errorf("run %s has ended as %v, its last event says %s", id, finals[id], last(events).Status)
		}
	}
	for _, id := range []string{"expand", "try", "try new", "delete", "scheduled/schedule/2022-10-25T08:00:00Z"} {
		if !slices.Equal(finals[id], []schemas.Status{schemas.Successful}) {
			w.Errorf("run %s has ended as %v", id, finals[id])
		}
	}
	for _, id := range []string{"exists", "nosuch", "refused"} {
		if !slices.Equal(finals[id], []schemas.Status{schemas.Failed}) {
			w.Errorf("%s has ended as %v", id, finals[id])
		}
	}
	w.All(schemas.Expansions, 1, func(r *wire.Record) {
		if string(r.Key) == "typo" {
			forgotten = r.Value == nil
		}
	})
	if !forgotten {
		w.Error("an expansion of which nothing was committed has a record")
	}
	letters, epochs := 0, map[int64]bool{}
	w.All(schemas.DeadLetters, 1, func(*wire.Record) { letters++ })
	w.All(schemas.Expansions, 1, w.numbered)
	w.All(schemas.Models, shards, w.numbered)
	tried := false
	w.All(schemas.Expansions, 1, func(r *wire.Record) {
		if string(r.Key) == "n" {
			tried = r.Value != nil
		}
	})
	if tried {
		w.Error("a dry run has left an expansion behind")
	}
	w.All(schemas.Models, 1, func(r *wire.Record) {
		if string(r.Key) == "n" {
			w.Error("a dry run has committed a model")
		}
		if string(r.Key) != "x" {
			return
		}
		m, err := model.Decode(r.Value)
		w.OK(err)
		if epochs[m.Epoch] {
			w.Errorf("epoch %d was committed twice", m.Epoch)
		}
		epochs[m.Epoch] = true
		if d := m.Definition; !m.Deleted && (d.SourceSegmentID != "vip" || d.Name != "All of vip Expansion") {
			w.Errorf("a model carries the definition %+v", d)
		}
	})
	if letters != 2 {
		w.Errorf("there are %d dead letters, want 2", letters)
	}
	if e := w.expansion("x"); e.State != schemas.StateDeleted || e.Run != nil || len(e.Pending) > 0 || !epochs[e.Epoch] {
		w.Errorf("in the end it is %+v", e)
	} else if e.LastRun == nil || e.LastRun.RunID != "delete" || e.LastRun.Status != schemas.Successful {
		w.Errorf("in the end its last run is %+v", e.LastRun)
	}
}

// numbered demands that a record carries the number of its format.
func (w *world) numbered(r *wire.Record) {
	w.Helper()
	if format, _ := r.Headers.Get(schemas.HeaderFormat); string(format) != "1" {
		w.Errorf("the record of %s at offset %d has format %q", r.Key, r.Offset, format)
	}
}

func TestACancelEndsTheLearningAndTheNextRunHasItsTurn(t *testing.T) {
	w := newWorld(t, testkit.Kafka(t), "test.")
	gen := w.join()
	w.segment("vip")
	l := &learner{hold: true, began: make(chan string), ended: make(chan error, 2)}
	c := w.controller(w.transactions("controller", gen, never), w.caches(), l)
	w.Run(func() error { return c.Run(w.Ctx, gen) })
	w.ask(`{"requestId":"a","action":"expand","expansionId":"x","sourceSegmentId":"vip"}`)
	if id := <-l.began; id != "x" {
		t.Fatalf("%s is learned, want x", id)
	}
	w.publish(schemas.ExpandRequests, 0, [2]string{"y", `{"requestId":"b","action":"expand","sourceSegmentId":"vip"}`})
	w.ask(`{"requestId":"c","action":"cancel","expansionId":"x"}`)
	if err := <-l.ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the learning ended with %v", err)
	}
	if id := <-l.began; id != "y" {
		t.Errorf("then %s is learned, want y", id)
	}
	runs := w.ended("a", "c")
	if r := last(runs["a"]); r.Status != schemas.Canceled || r.Epoch != 1 || r.StartedAt == nil {
		t.Errorf("the canceled run is %+v", r)
	}
	if r := last(runs["c"]); r.Status != schemas.Successful {
		t.Errorf("the cancel is %+v", r)
	}
	if !c.Taken("y") || c.Taken("z") {
		t.Error("it does not know which ids are taken")
	}
}

// slow commits nothing before it may.
type slow struct {
	control.Transactions
	may chan struct{}
}

func (s slow) Transact(ctx context.Context, topic string, next int64, fill func(route.Writer) error) error {
	select {
	case <-s.may:
	case <-ctx.Done():
		return ctx.Err()
	}
	return s.Transactions.Transact(ctx, topic, next, fill)
}

func TestARunLearnsWhileItsBeginningIsCommitted(t *testing.T) {
	w := newWorld(t, testkit.Kafka(t), "test.")
	gen := w.join()
	w.segment("vip")
	l := &learner{began: make(chan string)}
	transactions := slow{w.transactions("controller", gen, never), make(chan struct{})}
	c := w.controller(transactions, w.caches(), l)
	w.Run(func() error { return c.Run(w.Ctx, gen) })
	w.ask(`{"requestId":"a","action":"expand","expansionId":"x","sourceSegmentId":"vip"}`)
	if id := <-l.began; id != "x" {
		t.Fatalf("%s is learned, want x", id)
	}
	if c.Taken("x") {
		t.Error("its id is taken before anything of it is committed")
	}
	w.All(schemas.Runs, 1, func(*wire.Record) { t.Error("there are events of it already") })
	close(transactions.may)
	w.successful(w.ended("a")["a"])
}

// fenced is what a newer term leaves an older one.
type fenced struct{ control.Transactions }

func (fenced) Fence(context.Context) error { return testkit.ErrCrash }

func TestAnErrorAtTheBeginningIsReturned(t *testing.T) {
	w := newWorld(t, testkit.Kafka(t), "test.")
	c := w.controller(fenced{}, w.caches(), &learner{})
	if err := c.Run(w.Ctx, w.join()); !errors.Is(err, testkit.ErrCrash) {
		t.Errorf("it ended with %v", err)
	}
}

func TestARunWaitsForTheShardsAndSaysWhich(t *testing.T) {
	w := newWorld(t, testkit.Kafka(t), "test.")
	gen := w.join()
	w.segment("vip")
	w.publish(schemas.Profiles, 1, [2]string{"c", `{}`}, [2]string{"d", `{}`})
	behind := w.caches()
	behind.until = 1
	c := w.controller(w.transactions("controller", gen, never), behind, &learner{})
	w.Run(func() error { return c.Run(w.Ctx, gen) })
	w.ask(`{"requestId":"a","action":"expand","expansionId":"x","sourceSegmentId":"vip"}`)
	w.says("a", schemas.Waiting, "shard 1 (profiles at 1 of 2)")
	behind.change(func() { behind.until = math.MaxInt64 })
	r := w.successful(w.ended("a")["a"])
	if r.Counts.Entered != shards || r.Counts.Members != 3*shards || r.Counts.Customers != 5 {
		t.Errorf("the shards' counts add up to %+v", r.Counts)
	}
}
