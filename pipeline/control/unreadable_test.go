package control_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"kindred/pipeline/control"
	"kindred/pipeline/learn"
	"kindred/pipeline/testkit"
	"kindred/schemas"
	"kindred/schemas/wire"
)

// letters returns the dead letters there are, as topic without its prefix and code.
func (w *world) letters() (all []string) {
	w.Helper()
	w.All(schemas.DeadLetters, 1, func(r *wire.Record) {
		d, err := schemas.ReadDeadLetter(r)
		w.OK(err)
		all = append(all, strings.TrimPrefix(d.Topic, string(w.Prefix))+" "+d.Code)
	})
	slices.Sort(all)
	return all
}

func TestABatchThatCannotBeReadIsADeadLetter(t *testing.T) {
	for topic, offset := range map[string]int64{schemas.ExpandRequests: 1, schemas.DataEvents: 0, schemas.Fields: 0} {
		t.Run(topic, func(t *testing.T) {
			w, _ := reading(t, func(w *world) wire.Reader {
				return spoiling{w.Fetcher, w.Prefix.Topic(topic), offset}
			})
			w.on("a", schemas.Expand, "x", ofVIP)
			w.successful(w.ended("a")["a"])
			w.on("b", schemas.Refresh, "x", "")
			w.publish(schemas.DataEvents, 0, [2]string{"s", `{"batchId":"1"}`})
			w.publish(schemas.DataEvents, 0, [2]string{"s", `{"batchId":"2"}`})
			w.publish(schemas.Fields, 0, [2]string{"f", `{"type":"T"}`})
			w.publish(schemas.Fields, 0, [2]string{"g", `{"type":"T"}`})
			w.ended("x/s/2")
			w.on("last", schemas.Refresh, "x", "")
			w.ended("last") // has seen all declarations
			if got, want := w.letters(), []string{topic + " " + schemas.CorruptBatch}; !slices.Equal(got, want) {
				t.Errorf("the dead letters are %q, want %q", got, want)
			}
		})
	}
}

// asking is a learner that keeps what it was asked to learn.
type asking struct {
	*learner
	mutex   sync.Mutex
	lessons map[string]learn.Lesson // by expansion
}

func (a *asking) Learn(ctx context.Context, l learn.Lesson, report func(schemas.Stage, float64)) (*learn.Result, error) {
	a.mutex.Lock()
	a.lessons[l.ExpansionID] = l
	a.mutex.Unlock()
	return a.learner.Learn(ctx, l, report)
}

func TestADeclarationThatCannotBeReadIsOneDeadLetterForEver(t *testing.T) {
	w := newWorld(t, testkit.Kafka(t), "test.")
	gen := w.join()
	w.segment("vip")
	l := &asking{learner: &learner{}, lessons: map[string]learn.Lesson{}}
	term := func(run func()) {
		t.Helper()
		ctx, end := context.WithCancel(w.Ctx)
		ended := make(chan error)
		c := w.controller(w.transactions("controller", gen, never), w.caches(), l)
		go func() { ended <- c.Run(ctx, gen) }()
		run()
		end()
		w.OK(<-ended)
	}
	declared := func(expansion string) (all []string) {
		for _, f := range l.lessons[expansion].Declared {
			all = append(all, f.Name+" "+f.Type)
		}
		return all
	}
	w.publish(schemas.Fields, 0, [2]string{"Age", `{"type":"IntType"}`}, [2]string{"City", `{not JSON`}, [2]string{"Gender", `{"type":"A"}`})
	term(func() {
		w.on("x", schemas.Expand, "x", ofVIP)
		w.on("y", schemas.Expand, "y", ofVIP)
		w.ended("x", "y")
		w.publish(schemas.Fields, 0, [2]string{"Gender", `{"type":"B"}`}, [2]string{strings.Repeat("n", 256), `{}`})
		w.on("z", schemas.Expand, "z", ofVIP)
		w.ended("z")
	})
	term(func() {
		w.on("v", schemas.Expand, "v", ofVIP)
		w.ended("v")
	})
	for expansion, want := range map[string][]string{
		"x": {"Age IntType", "Gender A"}, "y": {"Age IntType", "Gender A"},
		"z": {"Age IntType", "Gender B"}, "v": {"Age IntType", "Gender B"},
	} {
		if got := declared(expansion); !slices.Equal(got, want) {
			t.Errorf("for %s there are declared %q, want %q", expansion, got, want)
		}
	}
	if got, want := w.letters(), []string{"fields not_json", "fields schema"}; !slices.Equal(got, want) {
		t.Errorf("the dead letters are %q, want %q", got, want)
	}
}

// null is as absent everywhere, as kindred itself writes it; what is misspelled would change nothing, in silence.
func TestPropertiesThatAreUnknownOrNull(t *testing.T) {
	w, _ := controls(t, func(*caches) {}, &learner{})
	for id, more := range map[string]string{
		"shares": `,"shares":0.1`, "evry": `,"refresh":{"evry":"24h"}`, "segment": `,"candidates":{"segment":"vip"}`,
	} {
		w.on(id, schemas.Expand, "x", ofVIP+more)
	}
	w.on("null", schemas.Expand, "y", ofVIP+`,"fields":null,"share":null,"candidates":null,"refresh":{"every":null},"tags":null,"force":null`)
	w.publish(schemas.Fields, 0, [2]string{"Age", `{"type":"IntType","sensitiv":true}`}, [2]string{"Age", `{"name":null,"type":"IntType","label":null}`},
		[2]string{"Age", `null`})
	w.publish(schemas.DataEvents, 0, [2]string{"s", `{"source":null,"batchId":"1","kind":null,"rows":7}`}, [2]string{"s", `null`})
	w.publish(schemas.ExpandRequests, 0, [2]string{"z", `{"acton":"expand"}`}, [2]string{"z", `null`})
	w.on("last", schemas.Refresh, "y", "")
	runs := w.ended("shares", "evry", "segment", "null", "y/s/1", "last")
	for id, want := range map[string]string{"shares": "share", "evry": "refresh.every", "segment": "candidates.segmentId"} {
		r := last(runs[id])
		if r.Status != schemas.Failed || r.Error.Code != schemas.CodeBadValue || r.Error.Hint != "did you mean "+want+"?" {
			t.Errorf("%s ended as %+v %+v", id, r, r.Error)
		}
	}
	w.successful(runs["null"])
	want := []string{"data-events not_json", "expand-requests not_json", "expand-requests schema", "fields schema"}
	if got := w.letters(); !slices.Equal(got, want) {
		t.Errorf("the dead letters are %q, want %q", got, want)
	}
}

// ahead is a place in a group that has read more of a topic than there is.
type ahead struct {
	control.Group
	topic string
}

func (a ahead) Committed(ctx context.Context, topic string, partitions ...int) (map[int]int64, error) {
	if topic == a.topic {
		return map[int]int64{0: 100}, nil
	}
	return a.Group.Committed(ctx, topic, partitions...)
}

func TestDeclarationsOfATopicThatWasCreatedAnewAreReadAnew(t *testing.T) {
	w := newWorld(t, testkit.Kafka(t), "test.")
	gen := w.join()
	w.segment("vip")
	w.publish(schemas.Fields, 0, [2]string{"Age", `{"type":"IntType"}`}, [2]string{"City", `{not JSON`})
	l := &asking{learner: &learner{}, lessons: map[string]learn.Lesson{}}
	c := w.controller(w.transactions("controller", gen, never), w.caches(), l)
	w.Run(func() error { return c.Run(w.Ctx, ahead{gen, w.Prefix.Topic(schemas.Fields)}) })
	w.on("x", schemas.Expand, "x", ofVIP)
	w.successful(w.ended("x")["x"])
	if got := l.lessons["x"].Declared; len(got) != 1 || got[0].Name != "Age" {
		t.Errorf("there are declared %+v", got)
	}
	if got, want := w.letters(), []string{"fields not_json"}; !slices.Equal(got, want) {
		t.Errorf("the dead letters are %q, want %q", got, want)
	}
}

func TestAnExpansionWhoseRecordCannotBeReadIsLeftAloneAndSaysSo(t *testing.T) {
	w, _ := started(t, func(w *world) {
		w.publish(schemas.Expansions, 0,
			[2]string{"x", `{"expansionId":"x","name":"x","state":"live","epoch":1}`},
			[2]string{"x", `{"expansionId":"x","name":"x","state":"live","epoch":7,`})
	})
	w.on("a", schemas.Expand, "x", ofVIP)
	w.on("b", schemas.Delete, "x", "")
	w.on("c", schemas.Expand, "y", `,"sourceSegmentId":"x"`)
	w.on("d", schemas.Expand, "y", ofVIP)
	runs := w.ended("a", "b", "c", "d")
	for _, id := range []string{"a", "b", "c"} {
		if r := last(runs[id]); r.Error == nil || r.Error.Code != schemas.CodeInternal ||
			!strings.Contains(r.Error.Message, "offset 1") || r.Error.Hint == "" {
			t.Errorf("%s ended as %+v", id, r.Error)
		}
	}
	w.successful(runs["d"])
	w.All(schemas.Models, 1, func(r *wire.Record) {
		if string(r.Key) == "x" {
			t.Error("there is a model of x")
		}
	})
}

func TestASegmentWhoseRecordCannotBeReadIsRefusedByName(t *testing.T) {
	w, _ := started(t, func(w *world) {
		w.publish(schemas.Segments, 0, [2]string{"other", `{"segmentId":"other"}`}, [2]string{"other", `{"segmentId":5}`})
	})
	w.on("a", schemas.Expand, "x", `,"sourceSegmentId":"other"`)
	w.on("b", schemas.Expand, "other", ofVIP)
	w.on("c", schemas.Expand, "y", ofVIP)
	runs := w.ended("a", "b", "c")
	if r := last(runs["a"]); r.Error == nil || r.Error.Code != schemas.CodeInternal || !strings.Contains(r.Error.Message, "segment other") {
		t.Errorf("an expansion of it ended as %+v", r.Error)
	}
	if r := last(runs["b"]); r.Error == nil || r.Error.Code != schemas.CodeExists {
		t.Errorf("an expansion of its id ended as %+v", r.Error)
	}
	w.successful(runs["c"])
	w.publish(schemas.Segments, 0, [2]string{"other", `{"segmentId":"other","name":"Other"}`})
	w.on("d", schemas.Expand, "x", `,"sourceSegmentId":"other"`)
	w.successful(w.ended("d")["d"])
}

// started is a world with a controller that began after something had happened.
func started(t *testing.T, before func(*world)) (*world, *control.Controller) {
	return reading(t, func(w *world) wire.Reader {
		before(w)
		return w.Fetcher
	})
}

// Nobody knows which expansions, or segments, are lost with a batch of their records.
func TestNothingIsDecidedFromRecordsThatAreLost(t *testing.T) {
	for _, topic := range []string{schemas.Expansions, schemas.Segments} {
		t.Run(topic, func(t *testing.T) {
			w := newWorld(t, testkit.Kafka(t), "test.")
			gen := w.join()
			w.segment("vip")
			w.publish(schemas.Expansions, 0, [2]string{"y", `{"expansionId":"y","name":"y","state":"new","epoch":1}`})
			w.on("a", schemas.Expand, "x", ofVIP)
			c := w.controller(w.transactions("controller", gen, never), w.caches(), &learner{})
			c.Reader = spoiling{w.Fetcher, w.Prefix.Topic(topic), 0}
			err := c.Run(w.Ctx, gen)
			if !errors.Is(err, wire.ErrCorrupt) || !strings.Contains(err.Error(), w.Prefix.Topic(topic)) || !strings.Contains(err.Error(), "offset 0") {
				t.Errorf("it ended with %v", err)
			}
			w.All(schemas.Runs, 1, func(r *wire.Record) { t.Errorf("runs has a record of %s", r.Key) })
		})
	}
}
