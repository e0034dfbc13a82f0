package consumers

import (
	"context"
	"fmt"

	"kindred/schemas/broker"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// Commit moves the group's offsets of a topic, by partition. Kafka takes them from the present members only: ErrFenced
// says that this generation is over, and nothing was moved. It works until work has returned, also after its ctx has
// ended. What can heal is tried again until ctx ends; the offsets may then have been moved or not.
func (g *Generation) Commit(ctx context.Context, topic string, offsets map[int]int64) error {
	of := make([]Position, 0, len(offsets))
	for partition, offset := range offsets {
		of = append(of, Position{Topic: topic, Partition: partition, Offset: offset})
	}
	sortPositions(of)
	return fenced(g.cluster.Persist(ctx, "commit offsets of "+topic, broker.Asking{}, func(ctx context.Context) error {
		return g.commit(ctx, of)
	}))
}

func (g *Generation) commit(ctx context.Context, of []Position) error {
	e := begin(protocol.OffsetCommit, 7)
	e.str(g.GroupID)
	e.i32(g.ID)
	e.str(g.MemberID)
	e.null() // not a static member
	e.eachTopic(of, func(p Position) {
		e.i32(int32(p.Partition))
		e.i64(p.Offset)
		e.i32(-1) // whatever the leader's epoch
		e.str("") // nothing beside it
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

// fenced marks what Kafka says to a member of an earlier generation.
func fenced(err error) error {
	if broker.IsFenced(err) {
		return fmt.Errorf("%w: %w", ErrFenced, err)
	}
	return err
}

// Committed tells the group's offsets of a topic by partition; -1: none. An offset that a transaction is about to move
// is waited for: it is read when the transaction has ended, one way or the other.
func (g *Generation) Committed(ctx context.Context, topic string, partitions ...int) (offsets map[int]int64, err error) {
	err = g.cluster.Persist(ctx, "read the committed offsets of "+topic, broker.Asking{}, func(ctx context.Context) error {
		offsets, err = g.committed(ctx, topic, partitions)
		return err
	})
	return offsets, fenced(err)
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
	e.i8(1) // say so when a transaction is under way
	e.noTags()
	asked, err := askCoordinator(ctx, g.cluster, g.GroupID, e, protocol.OffsetFetch, broker.Patience)
	if err != nil {
		return nil, err
	}
	offsets, err := readCommitted(&compact{Body: *asked})
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

func readCommitted(b *compact) (map[int]int64, error) {
	offsets := make(map[int]int64)
	b.tags()
	b.Int32() // throttled for
	for topics := b.count(); topics > 0; topics-- {
		b.text()
		for n := b.count(); n > 0; n-- {
			partition, offset := int(b.Int32()), b.Int64()
			b.Int32() // leader's epoch
			b.text()  // what lies beside it
			code := b.Int16()
			b.tags()
			if code != 0 {
				return nil, fmt.Errorf("partition %d: %w", partition, kafka.Error(code))
			}
			offsets[partition] = offset
		}
		b.tags()
	}
	code := b.Int16()
	b.tags()
	if err := b.err(); err != nil {
		return nil, err
	}
	if code != 0 {
		return nil, kafka.Error(code)
	}
	return offsets, nil
}
