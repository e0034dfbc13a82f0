package consumers

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"kindred/schemas/broker"
	"kindred/schemas/wire"
)

// ErrFenced means that the group has a newer generation, or this member a successor of the same name: somebody else may have
// the shard by now.
var ErrFenced = errors.New("the group has moved on")

// Generation is what a member holds between two changes of the group.
type Generation struct {
	ID       int32
	MemberID string
	GroupID  string
	Instance string // the name of a static member; empty: it is none
	Shards   []int  // ascending, at least one

	TopicIDs map[string]string // as in Group

	cluster *broker.Cluster
}

// Commit moves the group's offsets of a topic, by partition. Kafka takes them from the present members only: after
// ErrFenced this generation is over and nothing was moved. It works until work has returned, even when work's ctx has
// ended. What can heal is tried again until ctx ends; the offsets may then have been moved or not.
func (g *Generation) Commit(ctx context.Context, topic string, offsets map[int]int64) error {
	of := make([]Position, 0, len(offsets))
	for _, partition := range slices.Sorted(maps.Keys(offsets)) { // the first error should be of the same one each time
		of = append(of, Position{Topic: topic, Partition: partition, Offset: offsets[partition]})
	}
	return markFenced(g.cluster.Persist(ctx, "commit offsets of "+topic, broker.Asking{}, func(ctx context.Context) error {
		return g.commit(ctx, of)
	}))
}

func (g *Generation) commit(ctx context.Context, of []Position) error {
	e := begin(protocol.OffsetCommit, 7)
	e.str(g.GroupID)
	e.i32(g.ID)
	e.str(g.MemberID)
	e.nullable(g.Instance)
	e.eachTopic(of, func(p Position) {
		e.i32(int32(p.Partition))
		e.i64(p.Offset)
		e.i32(-1) // whatever the leader's epoch
		e.str(g.TopicIDs[p.Topic])
	})
	b, err := askCoordinator(ctx, g.cluster, g.GroupID, e, protocol.OffsetCommit, broker.Patience)
	if err != nil {
		return err
	}
	b.Int32() // throttled for
	for topics := b.Count(); topics > 0; topics-- {
		b.Text()
		for n := b.Count(); n > 0; n-- {
			partition, code := b.Int32(), b.Int16()
			if code != 0 {
				return fmt.Errorf("partition %d: %w", partition, kafka.Error(code))
			}
		}
	}
	return b.Err()
}

// markFenced adds ErrFenced to an error with which Kafka refuses a member of an earlier generation.
func markFenced(err error) error {
	if broker.IsFenced(err) {
		return fmt.Errorf("%w: %w", ErrFenced, err)
	}
	return err
}

// Committed returns the group's offsets of a topic by partition; -1: none. An offset that a transaction is about to move
// is read when that transaction has been committed or aborted. One of another topic of that name, which was deleted since,
// does not count.
func (g *Generation) Committed(ctx context.Context, topic string, partitions ...int) (offsets map[int]int64, err error) {
	err = g.cluster.Persist(ctx, "read the committed offsets of "+topic, broker.Asking{}, func(ctx context.Context) error {
		offsets, err = g.committed(ctx, topic, partitions)
		return err
	})
	return offsets, markFenced(err)
}

func (g *Generation) committed(ctx context.Context, topic string, partitions []int) (map[int]int64, error) {
	e := begin(protocol.OffsetFetch, 7) // the first one that can wait for transactions
	e.noTags()
	e.compactStr(g.GroupID)
	e.length(1)
	e.compactStr(topic)
	e.length(len(partitions))
	for _, p := range partitions {
		e.i32(int32(p))
	}
	e.noTags()
	e.i8(1) // an error when a transaction is about to move one
	e.noTags()
	asked, err := askCoordinator(ctx, g.cluster, g.GroupID, e, protocol.OffsetFetch, broker.Patience)
	if err != nil {
		return nil, err
	}
	offsets, err := g.readCommitted(&wire.FlexibleBody{Body: *asked})
	if err != nil {
		return nil, err
	}
	for _, p := range partitions {
		if _, there := offsets[p]; !there {
			return nil, fmt.Errorf("no offset of partition %d came back", p)
		}
	}
	return offsets, nil
}

func (g *Generation) readCommitted(b *wire.FlexibleBody) (map[int]int64, error) {
	offsets := make(map[int]int64)
	b.Tags()
	b.Int32() // throttled for
	for topics := b.Count(); topics > 0; topics-- {
		topic := string(b.Text())
		for n := b.Count(); n > 0; n-- {
			partition, offset := int(b.Int32()), b.Int64()
			b.Int32() // leader's epoch
			beside := string(b.Text())
			code := b.Int16()
			b.Tags()
			if code != 0 {
				return nil, fmt.Errorf("partition %d: %w", partition, kafka.Error(code))
			}
			if id := g.TopicIDs[topic]; offset >= 0 && id != "" && beside != "" && beside != id {
				g.cluster.Logger().Warn("an offset is not used: it is of a topic that was deleted and made anew", "topic", topic,
					"offset", offset, "id", id, "was", beside)
				offset = -1
			}
			offsets[partition] = offset
		}
		b.Tags()
	}
	code := b.Int16()
	b.Tags()
	if err := b.Err(); err != nil {
		return nil, err
	}
	if code != 0 {
		return nil, kafka.Error(code)
	}
	return offsets, nil
}
