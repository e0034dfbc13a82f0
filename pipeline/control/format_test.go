package control_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"kindred/pipeline/control"
	"kindred/pipeline/learn"
	"kindred/pipeline/model"
	"kindred/pipeline/testkit"
	"kindred/schemas"
	"kindred/schemas/wire"
)

// publishLater publishes a record of a format that this build does not know.
func (w *world) publishLater(topic, key, value string) {
	w.Helper()
	var b wire.Builder
	b.Add(1_700_000_000_000, []byte(key), []byte(value), wire.AppendHeaders(nil, wire.Header{Key: schemas.HeaderFormat, Value: []byte("2")}))
	_, err := w.Producer.Publish(w.Ctx, w.Prefix.Topic(topic), 0, &b)
	w.OK(err)
}

// stops runs a controller until it stops, as it must at a record of an unknown format, and demands that it names the record.
func (w *world) stops(c *control.Controller, group control.Group, topic, offset string) {
	w.Helper()
	err := c.Run(w.Ctx, group)
	if !errors.Is(err, schemas.ErrFormat) || !strings.Contains(err.Error(), w.Prefix.Topic(topic)) || !strings.Contains(err.Error(), offset) {
		w.Errorf("it ended with %v", err)
	}
}

func TestNothingIsDecidedFromARecordOfAnUnknownFormat(t *testing.T) {
	cluster := testkit.Kafka(t)
	for topic, value := range map[string]string{
		schemas.Expansions: `{"expansionId":"x","name":"x","state":"live","epoch":7,"definition":null}`,
		schemas.Segments:   `{"segmentId":"x","name":"x"}`,
	} {
		t.Run(topic, func(t *testing.T) {
			w := newWorld(t, cluster, "of-"+topic+".")
			gen := w.join()
			w.segment("vip")
			w.publish(schemas.Expansions, 0, [2]string{"y", `{"expansionId":"y","name":"y","state":"new","epoch":1}`})
			w.publishLater(topic, "x", value)
			w.ask(`{"requestId":"a","action":"expand","expansionId":"x","sourceSegmentId":"vip"}`)
			c := w.controller(w.transactions("controller", gen, never), w.caches(), &learner{})
			w.stops(c, gen, topic, "offset 1")
			for _, topic := range []string{schemas.Runs, schemas.Models, schemas.DeadLetters} {
				w.All(topic, 1, func(r *wire.Record) { t.Errorf("%s has a record of %s", topic, r.Key) })
			}
		})
	}
}

// A segment's record may come from a router that is newer than the controller.
func TestASegmentOfAnUnknownFormatEndsTheTerm(t *testing.T) {
	w := newWorld(t, testkit.Kafka(t), "test.")
	gen := w.join()
	w.segment("vip")
	l := &learner{hold: true, began: make(chan string), ended: make(chan error, 1)}
	c := w.controller(w.transactions("controller", gen, never), w.caches(), l)
	stopped := make(chan struct{})
	w.Run(func() error {
		defer close(stopped)
		w.stops(c, gen, schemas.Segments, "at 1:")
		return nil
	})
	w.ask(`{"requestId":"a","action":"expand","expansionId":"x","sourceSegmentId":"vip"}`)
	<-l.began
	w.publishLater(schemas.Segments, "vip", `{"segmentId":"vip","name":"VIP"}`)
	<-stopped
	<-l.ended // the work of the run has ended with the term
}

// crossing finds crosses for x.
type crossing struct{ *learner }

func (l crossing) Learn(ctx context.Context, lesson learn.Lesson, report func(schemas.Stage, float64)) (*learn.Result, error) {
	result, err := l.learner.Learn(ctx, lesson, report)
	if m := result.Model; lesson.ExpansionID == "x" {
		m.Fields = []model.Field{{Name: "City"}, {Name: "Plan"}}
		m.Crosses = []model.Cross{{Fields: []string{"City", "Plan"}, Values: [][]string{{""}, {""}}, Weights: []int32{1}}}
	}
	return result, err
}

// A build that does not know crosses, or the hold-out, would leave them out: it must stop at such a model, and at no other.
func TestAModelThatOthersWouldMistakeIsOfAFormatOfItsOwn(t *testing.T) {
	w, _ := controls(t, func(*caches) {}, crossing{&learner{}})
	w.on("a", schemas.Expand, "x", ofVIP)
	w.on("b", schemas.Expand, "y", ofVIP)
	w.on("c", schemas.Expand, "z", ofVIP+`,"holdout":0.05`)
	runs := w.ended("a", "b", "c")
	for _, id := range []string{"a", "b", "c"} {
		w.successful(runs[id])
	}
	formats := map[string]string{}
	w.All(schemas.Models, 1, func(r *wire.Record) {
		format, _ := r.Headers.Get(schemas.HeaderFormat)
		formats[string(r.Key)] = string(format)
	})
	if formats["x"] != "2" || formats["y"] != "1" || formats["z"] != "3" {
		t.Errorf("the formats are %v", formats)
	}
}
