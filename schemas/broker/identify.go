package broker

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"kindred/schemas/wire"
)

// TopicID is given by Kafka when a topic is created: one that is deleted and created anew has another. Zero: the broker
// gives none.
type TopicID [16]byte

// String returns the id as Kafka's own tools print it.
func (id TopicID) String() string { return base64.RawURLEncoding.EncodeToString(id[:]) }

// Identity is what tells a topic from another one of its name. Offsets do not: a topic that was created anew may have grown
// beyond them.
type Identity struct {
	ID         TopicID
	Partitions int // 0: there is no such topic
}

// Same reports whether two identities are of one topic that has not changed. Of ids one of which is zero, nothing is known.
func (i Identity) Same(as Identity) bool {
	return i.Partitions == as.Partitions && (i.ID == as.ID || i.ID == TopicID{} || as.ID == TopicID{})
}

// Identify asks a broker which topics stand behind names at this moment. Those that are not there are left out. It asks
// once: see Persist. Brokers of versions before 2.8 have no ids.
func (c *Cluster) Identify(ctx context.Context, topics ...string) (map[string]Identity, error) {
	found, err := c.identify(ctx, topics)
	if err != nil {
		return nil, fmt.Errorf("ask for the ids of topics: %w", err)
	}
	return found, nil
}

func (c *Cluster) identify(ctx context.Context, topics []string) (map[string]Identity, error) {
	if len(topics) == 0 {
		return map[string]Identity{}, nil // an empty list would mean all of them to some versions
	}
	if c.withoutIDs.Load() {
		return c.countPartitions(ctx, topics)
	}
	body, err := c.Exchange(ctx, &Raw{Key: protocol.Metadata, Frame: identifyFrame(topics)}, Patience)
	if err == nil {
		return readIdentities(body)
	}
	// A broker that does not know this version closes the connection.
	if old, asked := c.knowsNoIDs(ctx); asked == nil && old {
		c.withoutIDs.Store(true)
		return c.countPartitions(ctx, topics)
	}
	return nil, err
}

const identifyVersion = 10 // of Metadata: the first that has ids

// knowsNoIDs reports whether brokers are too old to have ids of topics.
func (c *Cluster) knowsNoIDs(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	newest, err := c.Versions(ctx)
	version, there := newest[int16(protocol.Metadata)]
	return there && version < identifyVersion, err
}

// countPartitions is Identify without ids.
func (c *Cluster) countPartitions(ctx context.Context, topics []string) (map[string]Identity, error) {
	all, err := c.Topics(ctx, "")
	if err != nil {
		return nil, err
	}
	found := make(map[string]Identity, len(topics))
	for _, topic := range topics {
		if n := all[topic]; n > 0 {
			found[topic] = Identity{Partitions: n}
		}
	}
	return found, nil
}

func identifyFrame(topics []string) []byte {
	f := wire.AppendNoTags(BeginRaw(protocol.Metadata, identifyVersion))
	f = wire.AppendCompactLength(f, len(topics))
	for _, topic := range topics {
		f = append(f, make([]byte, len(TopicID{}))...) // by name
		f = wire.AppendCompactString(f, topic)
		f = wire.AppendNoTags(f)
	}
	f = append(f, 0)    // create none
	f = append(f, 0, 0) // what may be done with them does not matter
	f = wire.AppendNoTags(f)
	wire.FinishRequest(f)
	return f
}

func readIdentities(body []byte) (map[string]Identity, error) {
	b := wire.FlexibleBody{Body: wire.Body{Rest: body}}
	b.Tags()
	b.Int32() // throttled for
	for brokers := b.Count(); brokers > 0; brokers-- {
		b.Int32() // id
		b.Text()  // host
		b.Int32() // port
		b.Text()  // rack
		b.Tags()
	}
	b.Text()  // id of the cluster
	b.Int32() // controller
	found := map[string]Identity{}
	var failed error
	for topics := b.Count(); topics > 0; topics-- {
		code, name := kafka.Error(b.Int16()), string(b.Text())
		is := Identity{ID: b.UUID()}
		b.Int8() // internal
		for partitions := b.Count(); partitions > 0; partitions-- {
			is.Partitions++
			b.Int16()     // what is wrong with it is no matter of which topic it is
			b.Int32()     // number
			b.Int32()     // leader
			b.Int32()     // leader's epoch
			for range 3 { // replicas, those in sync, those offline
				for n := b.Count(); n > 0; n-- {
					b.Int32()
				}
			}
			b.Tags()
		}
		b.Int32() // what may be done with it
		b.Tags()
		switch {
		case code == 0:
			found[name] = is
		case !errors.Is(code, kafka.UnknownTopicOrPartition):
			failed = fmt.Errorf("%s: %w", name, code)
		}
	}
	if err := b.Err(); err != nil {
		return nil, err
	}
	return found, failed
}
