package consumers_test

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kversion"

	"kindred/consumers"
)

// again deletes a topic and creates it anew, which gives it another id.
func (w *world) again(topic string, partitions int) {
	w.Helper()
	w.ok(w.client.DeleteTopics(w.ctx, topic))
	w.topic(topic, partitions)
}

// The topic that was created anew has grown beyond the offset, so that by its name there would be something to read.
func TestATopicThatWasCreatedAnewIsNotReadForTheOldOne(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("mine", 1)
	w.topic("other", 1)
	w.produce("mine", 0, "a", "b")
	f := w.fetcher()
	got, err := f.Fetch(w.ctx, at("mine", 0, 0), time.Second)
	w.ok(err)
	values, next := w.read(got[0])
	w.want("before", values, []string{"a", "b"})

	w.again("mine", 1)
	w.produce("mine", 0, "x", "y", "z")
	w.produce("other", 0, "o")
	both := append(at("other", 0, 0), at("mine", 0, next)...)
	got, err = f.Fetch(w.ctx, both, forever)
	w.ok(err)
	if len(got) != 1 || got[0].Topic != "other" {
		t.Errorf("read %v", got)
	}
	got, err = (&consumers.Fetcher{Cluster: w.client}).Fetch(w.ctx, at("mine", 0, next), time.Second)
	w.ok(err)
	values, _ = w.read(got[0])
	w.want("by its name", values, []string{"z"})
}

func TestTopicsAreReadByNameWhereIDsAreOfNoUse(t *testing.T) {
	for _, versions := range []*kversion.Versions{kversion.V2_7_0(), kversion.V3_0_0(), kversion.V4_0_0()} {
		w := newWorld(t, 1, kfake.MaxVersions(versions))
		w.topic("mine", 1)
		w.produce("mine", 0, "a")
		f := w.fetcher()
		w.topic("late", 1)
		w.produce("late", 0, "b")
		for topic, want := range map[string]string{"mine": "a", "late": "b"} {
			got, err := f.Fetch(w.ctx, at(topic, 0, 0), time.Second)
			w.ok(err)
			values, _ := w.read(got[0])
			w.want(topic, values, []string{want})
		}
	}
}
