package consumers

import (
	"context"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"kindred/schemas/broker"
	"kindred/schemas/wire"
)

// The times by which ListOffsets asks where a partition begins or ends. Other times are milliseconds since 1970.
const (
	latest   = -1
	earliest = -2
)

// What stands in place of an offset.
const (
	none       = -1 // Kafka's: no record is that new
	unanswered = -2 // ours
)

// Kafka's isolation levels.
const (
	uncommitted = 0
	committed   = 1
)

// Ends returns where partitions end for a reader of committed records, in the order asked: at the first offset of an open
// transaction, else behind the last record. The positions' offsets do not matter. What can heal is tried again until ctx
// ends.
func (f *Fetcher) Ends(ctx context.Context, of []Position) ([]int64, error) {
	return listUntilAnswered(ctx, f.Cluster, of, latest, committed)
}

// Starts is like Ends for where partitions begin: the first offset that is still there, else the next one to be written.
func (f *Fetcher) Starts(ctx context.Context, of []Position) ([]int64, error) {
	return listUntilAnswered(ctx, f.Cluster, of, earliest, committed)
}

// Since returns the offset of the first record of a partition that was written at a time or later; false: there is none.
func (f *Fetcher) Since(ctx context.Context, of Position, at time.Time) (offset int64, there bool, err error) {
	found, err := listUntilAnswered(ctx, f.Cluster, []Position{of}, at.UnixMilli(), committed)
	if err != nil {
		return 0, false, err
	}
	return max(found[0], 0), found[0] != none, nil
}

func listUntilAnswered(ctx context.Context, c *broker.Cluster, of []Position, at int64, isolation int8) (found []int64, err error) {
	err = c.Persist(ctx, "list offsets", broker.Asking{}, func(ctx context.Context) error {
		found, err = listOffsets(ctx, c, of, at, isolation)
		return err
	})
	return found, err
}

// listOffsets asks each leader once. Answers come in any order and are put into the order of the question.
func listOffsets(ctx context.Context, c *broker.Cluster, of []Position, at int64, isolation int8) ([]int64, error) {
	layout, err := c.Layout(ctx)
	if err != nil {
		return nil, err
	}
	shares, err := byLeader(layout, of)
	if err != nil {
		return nil, err
	}
	found := make([]int64, len(of))
	for i := range found {
		found[i] = unanswered
	}
	for _, s := range shares {
		asked := &toBroker{Raw: broker.Raw{Key: protocol.ListOffsets, Frame: listOffsetsFrame(s.from, at, isolation)}, id: s.leader}
		body, err := c.Exchange(ctx, asked, broker.Patience)
		if err != nil {
			return nil, err
		}
		if err := readListOffsets(body, of, found); err != nil {
			return nil, err
		}
	}
	for i, offset := range found {
		if offset == unanswered || offset == none && at < 0 {
			return nil, fmt.Errorf("no offset of %s partition %d came back", of[i].Topic, of[i].Partition)
		}
	}
	return found, nil
}

func listOffsetsFrame(of []Position, at int64, isolation int8) []byte {
	e := begin(protocol.ListOffsets, 2)
	e.i32(-1) // not a replica
	e.i8(isolation)
	e.eachTopic(of, func(p Position) {
		e.i32(int32(p.Partition))
		e.i64(at)
	})
	return e.finish()
}

func readListOffsets(body []byte, of []Position, found []int64) error {
	b := wire.Body{Rest: body}
	b.Int32() // throttled for
	for topics := b.Count(); topics > 0; topics-- {
		topic := b.Text()
		for partitions := b.Count(); partitions > 0; partitions-- {
			partition, code := int(b.Int32()), b.Int16()
			b.Int64() // timestamp
			offset := b.Int64()
			if code != 0 {
				return fmt.Errorf("list offsets of %s partition %d: %w", topic, partition, kafka.Error(code))
			}
			for i, p := range of { // more than one when a partition was asked for twice
				if p.Partition == partition && p.Topic == string(topic) {
					found[i] = offset
				}
			}
		}
	}
	return b.Err()
}

// locate asks once where a partition begins and ends, and notes it in of.
func (f *Fetcher) locate(ctx context.Context, of *Fetched) error {
	at := []Position{of.Position}
	for _, question := range []struct {
		time      int64
		isolation int8
		to        *int64
	}{
		{earliest, uncommitted, &of.Start},
		{latest, uncommitted, &of.HighWatermark},
		{latest, committed, &of.Stable},
	} {
		found, err := listOffsets(ctx, f.Cluster, at, question.time, question.isolation)
		if err != nil {
			return err
		}
		*question.to = found[0]
	}
	return nil
}
