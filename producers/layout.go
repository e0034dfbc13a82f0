package producers

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/createtopics"
)

// layoutOf gives the cluster as the transport knows it, without asking anybody: a message is shown the layout before it
// is sent, and this one is not sent. It waits for the first metadata only. The maps are shared, read only.
func layoutOf(ctx context.Context, client *kafka.Client) (protocol.Cluster, error) {
	look := new(lookAtLayout)
	_, err := roundTrip(ctx, client, look)
	if errors.Is(err, errSeen) {
		return look.seen, nil
	}
	return protocol.Cluster{}, err
}

type lookAtLayout struct{ seen protocol.Cluster }

var errSeen = errors.New("layout seen")

func (*lookAtLayout) ApiKey() protocol.ApiKey { return protocol.Metadata }

func (l *lookAtLayout) Broker(cluster protocol.Cluster) (protocol.Broker, error) {
	l.seen = cluster
	return protocol.Broker{}, errSeen
}

// refreshLayout makes the transport ask for metadata now, and waits for it. The transport does so by itself after topics
// were created only, so this message says that some were; it puts nothing on the wire. (CloseIdleConnections would do
// it, too, but takes the connections from everybody else and, when the broker is away, the layout.)
func refreshLayout(ctx context.Context, client *kafka.Client) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	_, err := roundTrip(ctx, client, topicsWereCreated{})
	return err
}

type topicsWereCreated struct{}

func (topicsWereCreated) ApiKey() protocol.ApiKey                 { return protocol.CreateTopics }
func (topicsWereCreated) Required(map[protocol.ApiKey]int16) bool { return true }
func (topicsWereCreated) RawExchange(io.ReadWriter) (protocol.Message, error) {
	return new(createtopics.Response), nil
}

func roundTrip(ctx context.Context, client *kafka.Client, m protocol.Message) (protocol.Message, error) {
	transport := client.Transport
	if transport == nil {
		transport = kafka.DefaultTransport
	}
	return transport.RoundTrip(ctx, client.Addr, m)
}

// leaderOf gives the broker that leads a partition; false when the layout knows none.
func leaderOf(cluster protocol.Cluster, topic string, partition int) (protocol.Broker, bool) {
	p, ok := cluster.Topics[topic].Partitions[int32(partition)]
	if !ok {
		return protocol.Broker{}, false
	}
	broker, ok := cluster.Brokers[p.Leader]
	return broker, ok
}
