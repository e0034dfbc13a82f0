package control_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"kindred/pipeline/control"
	"kindred/pipeline/learn"
	"kindred/pipeline/model"
	"kindred/pipeline/testkit"
	"kindred/schemas"
	"kindred/schemas/wire"
)

// Each of these, once, kept the controller from ever reading another request.
func TestARequestOfTooMuchFailsAlone(t *testing.T) {
	w, _ := controls(t, func(*caches) {}, &learner{})
	lists := map[string]any{
		"many tags":     map[string]any{"tags": numbered(100_000, "<%d")},
		"a long tag":    map[string]any{"tags": []string{strings.Repeat("<", 300_000)}},
		"many fields":   map[string]any{"fields": numbered(257, "f%d")},
		"a long field":  map[string]any{"fields": []string{strings.Repeat("<", 300_000)}},
		"many segments": map[string]any{"suppress": numbered(20_000, "s%d")},
		"a long name":   map[string]any{"name": strings.Repeat("<", 300_000)},
		"a long word":   map[string]any{"preset": strings.Repeat("<", 300_000)},
		"unknown":       map[string]any{"unknown": strings.Repeat("<", 300_000)},
		"empty":         map[string]any{"tags": []string{strings.Repeat(" ", 70_000)}},
	}
	for id, more := range lists {
		text, err := json.Marshal(more)
		w.OK(err)
		w.on(id, schemas.Expand, "x", ofVIP+","+unescaped(text)[1:len(unescaped(text))-1])
	}
	w.on("next", schemas.Expand, "x", ofVIP)
	runs := w.ended("next")
	w.successful(runs["next"])
	for id := range lists {
		r := last(runs[id])
		if r.Status != schemas.Failed || r.Error.Code != schemas.CodeBadValue || r.Error.Hint == "" {
			t.Errorf("%s ended as %+v %+v", id, r, r.Error)
		}
	}
	w.All(schemas.DeadLetters, 1, func(r *wire.Record) { t.Errorf("a dead letter: %.100s", r.Value) })
}

func unescaped(text []byte) string { return strings.ReplaceAll(string(text), `\u003c`, "<") }

func numbered(n int, format string) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprintf(format, i))
	}
	return all
}

// talkative learns a report that no record holds, for x, and one that is no JSON, for y.
type talkative struct{ *learner }

func (l talkative) Learn(ctx context.Context, lesson learn.Lesson, report func(schemas.Stage, float64)) (*learn.Result, error) {
	result, err := l.learner.Learn(ctx, lesson, report)
	switch lesson.ExpansionID {
	case "x":
		result.Report.Warnings = []schemas.Warning{{Message: strings.Repeat("w", 1_100_000)}}
	case "y":
		result.Report.Quality.AUC = math.NaN()
	case "m":
		result.Model.Fields = []model.Field{{Name: strings.Repeat("f", 1_100_000), Weights: map[string]int32{`"a"`: 1}}}
	}
	return result, err
}

func TestARunWhoseRecordIsTooLargeFailsAlone(t *testing.T) {
	w, _ := controls(t, func(*caches) {}, talkative{&learner{}})
	want := map[string]string{"x": schemas.CodeBadValue, "y": schemas.CodeInternal, "m": schemas.CodeBadField}
	for id := range want {
		w.on(id, schemas.Expand, id, ofVIP)
	}
	w.on("next", schemas.Expand, "z", ofVIP)
	runs := w.ended("next", "x", "y", "m")
	w.successful(runs["next"])
	for id, code := range want {
		if r := last(runs[id]); r.Error == nil || r.Error.Code != code || r.Error.Hint == "" {
			t.Errorf("the run of %s ended as %+v", id, r.Error)
		}
	}
}

// reading starts a controller that reads by a reader of its own.
func reading(t *testing.T, reader func(*world) wire.Reader) (*world, *control.Controller) {
	t.Helper()
	w := newWorld(t, testkit.Kafka(t), "test.")
	gen := w.join()
	w.segment("vip")
	c := w.controller(w.transactions("controller", gen, never), w.caches(), &learner{})
	c.Reader = reader(w)
	w.Run(func() error { return c.Run(w.Ctx, gen) })
	return w, c
}
