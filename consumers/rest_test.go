package consumers_test

import (
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"kindred/consumers"
)

// What rests is asked for once, however often something else brings records meanwhile.
func TestWhatRestsIsAskedForApart(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("moves", 1)
	w.topic("rests", 1)
	f := w.fetcher()
	names := map[[16]byte]string{}
	for _, name := range []string{"moves", "rests"} {
		names[w.kafka.TopicInfo(name).TopicID] = name
	}
	asked := make(chan []string, 1000)
	w.kafka.ControlKey(int16(kmsg.Fetch), func(request kmsg.Request) (kmsg.Response, error, bool) {
		w.kafka.KeepControl()
		var all []string
		for _, topic := range request.(*kmsg.FetchRequest).Topics {
			all = append(all, names[topic.TopicID]+topic.Topic) // one of them is empty
		}
		slices.Sort(all)
		asked <- all
		return nil, nil, false
	})
	asks := func(when string, want ...[]string) {
		t.Helper()
		var got [][]string
		for range want {
			got = append(got, <-asked)
		}
		slices.SortFunc(got, slices.Compare)
		if !slices.EqualFunc(got, want, slices.Equal) {
			t.Errorf("%s: requests for %v, want %v", when, got, want)
		}
	}
	moves, rests := int64(0), int64(0)
	gets := func(topic string) {
		t.Helper()
		w.produce(topic, 0, "value")
		got, err := f.Fetch(w.ctx, append(at("moves", 0, moves), at("rests", 0, rests)...), forever)
		w.ok(err)
		for _, p := range got {
			if values, _ := w.read(p); len(values) > 0 != (p.Topic == topic) {
				t.Errorf("%v of %s, want a record of %s", values, p.Topic, topic)
			}
		}
	}
	gets("moves")
	moves++
	asks("nobody knows what rests", []string{"moves", "rests"})
	consumers.Rest(f, at("rests", 0, 0)[0])
	gets("moves")
	moves++
	asks("one rests", []string{"moves"}, []string{"rests"})
	gets("moves")
	moves++
	asks("its request still waits", []string{"moves"})
	gets("rests")
	rests++
	asks("what it brings comes by that", []string{"moves"})
	gets("moves")
	moves++
	asks("it rests no more", []string{"moves", "rests"})
}
