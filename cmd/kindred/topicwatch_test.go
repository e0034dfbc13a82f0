package main

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/segmentio/kafka-go"

	"kindred/cmd/internal/config"
	"kindred/schemas"
)

// onHTTP runs serve in this process until the end of the test, and returns its address.
func (w *world) onHTTP() string {
	w.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	started := make(chan string, 1)
	var serving sync.WaitGroup
	serving.Go(func() {
		err := serve(ctx, service{
			settings: w.settings, embedded: !w.real, log: w.log,
			server:  config.Server{Roles: []string{"shards", "control"}, HTTP: "127.0.0.1:0", Partitions: shardsOfAWorld, MinSource: 25, WarnSource: 100},
			started: func(http string) { started <- http },
		})
		if err != nil {
			w.Errorf("serve ended: %v", err)
		}
	})
	w.Cleanup(func() { cancel(); serving.Wait() })
	select {
	case address := <-started:
		return address
	case <-w.Ctx.Done():
		w.Fatal("serve does not start")
		return ""
	}
}

// says waits until /readyz answers with a text.
func (w *world) says(address, want string) {
	w.Helper()
	w.wait("/readyz to say "+want, func() string {
		answer, err := http.Get("http://" + address + "/readyz")
		if err != nil {
			return err.Error()
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		w.OK(err)
		if (answer.StatusCode == http.StatusOK) != (want == "ready") || !strings.Contains(string(text), want) {
			return string(text)
		}
		return ""
	})
}

// deserted waits until a group has no members.
func (w *world) deserted(group string) {
	w.Helper()
	w.wait("nobody to work in "+group, func() string {
		if len(w.members(group).Members) > 0 {
			return "somebody does"
		}
		return ""
	})
}

func (w *world) full(topic string) string { return w.settings.Prefix + topic }

func (w *world) enlarge(topic string, partitions int32) {
	w.Helper()
	name := w.full(topic)
	answer, err := w.kafka.cluster.Client.CreatePartitions(w.Ctx, &kafka.CreatePartitionsRequest{
		Topics: []kafka.TopicPartitionsConfig{{Name: name, Count: partitions}}})
	w.OK(err)
	w.OK(answer.Errors[name])
}

// recreate deletes a topic and creates it anew.
func (w *world) recreate(topic string, partitions int) {
	w.Helper()
	name := w.full(topic)
	w.OK(w.kafka.cluster.DeleteTopics(w.Ctx, name))
	w.wait("the topic to be deleted", func() string {
		config := kafka.TopicConfig{Topic: name, NumPartitions: partitions, ReplicationFactor: 1,
			ConfigEntries: []kafka.ConfigEntry{{ConfigName: "cleanup.policy", ConfigValue: "compact"}}}
		answer, err := w.kafka.cluster.Client.CreateTopics(w.Ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{config}})
		w.OK(err)
		if err := answer.Errors[name]; err != nil {
			return err.Error()
		}
		return ""
	})
}

// TestPartitionsThatAreAddedStopTheShards: half of the customers would be in partitions that nobody reads, or in the shards of
// others.
func TestPartitionsThatAreAddedStopTheShards(t *testing.T) {
	everywhere(t, func(w *world) {
		address := w.onHTTP()
		w.bring(0, crowd)
		w.says(address, "ready")
		w.enlarge(schemas.Profiles, 2*shardsOfAWorld)
		w.says(address, w.full(schemas.Profiles)+" has 24 partitions instead of 12")
		w.deserted("shards")
		w.deserted("control")
		if letters := w.end(schemas.DeadLetters); letters > 0 {
			w.Errorf("%d customers became dead letters", letters)
		}
	})
}

// TestATopicThatIsCreatedAnewIsSeenByItsID: by its offsets it would not be, since it has grown beyond them.
func TestATopicThatIsCreatedAnewIsSeenByItsID(t *testing.T) {
	everywhere(t, func(w *world) {
		address := w.onHTTP()
		w.says(address, "ready")
		w.recreate(schemas.Profiles, shardsOfAWorld)
		w.bring(0, crowd)
		w.says(address, w.full(schemas.Profiles)+" was deleted and created anew")
		w.deserted("shards")
	})
}

// TestWhatOnlyControlNeedsStopsControlAlone: shards go on with live events.
func TestWhatOnlyControlNeedsStopsControlAlone(t *testing.T) {
	everywhere(t, func(w *world) {
		address := w.onHTTP()
		w.bring(0, crowd)
		w.says(address, "ready")
		w.recreate(schemas.SegmentChanges, 1)
		w.says(address, w.full(schemas.SegmentChanges)+" was deleted and created anew")
		w.deserted("control")
		if n := len(w.members("shards").Members); n != 1 {
			w.Errorf("%d processes own shards, want 1", n)
		}
	})
}

// TestWhatIsOnlyWrittenToMayBeCreatedAnew: nobody has offsets of it.
func TestWhatIsOnlyWrittenToMayBeCreatedAnew(t *testing.T) {
	everywhere(t, func(w *world) {
		address := w.onHTTP()
		w.says(address, "ready")
		w.OK(w.kafka.cluster.DeleteTopics(w.Ctx, w.full(schemas.Runs)))
		w.says(address, w.full(schemas.Runs)+" is not there any more")
		w.recreate(schemas.Runs, 1)
		w.says(address, "ready")
		if n := len(w.members("control").Members); n != 1 {
			w.Errorf("%d processes are in control, want 1", n)
		}
	})
}
