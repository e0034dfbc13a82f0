package producers_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"kindred/producers"
	"kindred/schemas"
)

func TestTopics(t *testing.T) {
	s := start(t, kfake.NumBrokers(1))
	topicsAreMade(t, s, "kindred.")

	compact := "compact"
	must(t, s.CreateTopic("other.profiles", 3, map[string]string{"cleanup.policy": "delete"}))
	must(t, s.CreateTopic("other.memberships", 12, map[string]string{"cleanup.policy": compact, "min.compaction.lag.ms": "5", "delete.retention.ms": "604800000"}))
	err := producers.Ensure(deadline(t), s.client, "other.", schemas.Topics(12))
	if !errors.Is(err, producers.ErrTopics) || !strings.Contains(err.Error(), "other.profiles: partitions is 3, want 12") ||
		!strings.Contains(err.Error(), "other.profiles: cleanup.policy is delete, want compact") || strings.Contains(err.Error(), "other.memberships") {
		t.Errorf("got %v", err)
	}
	found, err := producers.Diff(deadline(t), s.client, "other.", schemas.Topics(12))
	must(t, err)
	same(t, "differences", found, "[other.profiles: partitions is 3, want 12 other.profiles: cleanup.policy is delete, want compact "+
		"other.profiles: max.compaction.lag.ms is , want 604800000 other.memberships: max.compaction.lag.ms is , want 691200000 "+
		"other.memberships: min.compaction.lag.ms is 5, want 604800000]")
}

// topicsAreMade is for a server without topics of that prefix.
func topicsAreMade(t *testing.T, s *server, prefix schemas.Prefix) {
	t.Helper()
	topics := schemas.Topics(12)
	found, err := producers.Diff(deadline(t), s.client, prefix, topics)
	must(t, err)
	same(t, "missing", len(found), len(topics))
	same(t, "first", found[0], string(prefix)+"profiles is missing (12 partitions)")
	must(t, producers.Ensure(deadline(t), s.client, prefix, topics))
	must(t, producers.Ensure(deadline(t), s.client, prefix, topics))
	found, err = producers.Diff(deadline(t), s.client, prefix, topics)
	must(t, err)
	same(t, "differences", len(found), 0)
	settings, err := producers.Settings(deadline(t), s.client, []string{prefix.Topic(schemas.Memberships)})
	must(t, err)
	same(t, "setting", settings[prefix.Topic(schemas.Memberships)]["delete.retention.ms"], "604800000")
}

func TestTopicsOfABrokerThatIsStarting(t *testing.T) {
	s := start(t, kfake.NumBrokers(1))
	s.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.CreateTopics}, Err: kerr.NotController, Count: 1})
	must(t, producers.Ensure(deadline(t), s.client, "kindred.", schemas.Topics(2)))
}

// A broker says that topics exist, which another process has just created, before it knows them.
func TestTopicsOfAnotherProcessAreWaitedFor(t *testing.T) {
	s := start(t, kfake.NumBrokers(1))
	asked, looked := make(chan struct{}), make(chan struct{})
	var once sync.Once
	s.ControlKey(int16(kmsg.CreateTopics), func(r kmsg.Request) (kmsg.Response, error, bool) {
		request := r.(*kmsg.CreateTopicsRequest)
		response := request.ResponseKind().(*kmsg.CreateTopicsResponse)
		for _, topic := range request.Topics {
			response.Topics = append(response.Topics, kmsg.CreateTopicsResponseTopic{Topic: topic.Topic, ErrorCode: kerr.TopicAlreadyExists.Code})
		}
		close(asked)
		return response, nil, true
	})
	s.ControlKey(int16(kmsg.Metadata), func(kmsg.Request) (kmsg.Response, error, bool) {
		s.KeepControl()
		select {
		case <-asked:
			once.Do(func() { close(looked) })
		default:
		}
		return nil, nil, false
	})
	ended := make(chan error, 1)
	go func() { ended <- producers.Ensure(deadline(t), s.client, "kindred.", schemas.Topics(2)) }()
	<-looked
	for _, topic := range schemas.Topics(2) {
		must(t, s.CreateTopic("kindred."+topic.Name, int32(topic.Partitions), topic.Config))
	}
	must(t, <-ended)
}
