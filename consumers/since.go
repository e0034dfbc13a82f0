package consumers

import (
	"context"
	"time"

	"github.com/segmentio/kafka-go"

	"kindred/schemas/broker"
)

// Since returns the offset of the first record of a partition that was written at a time or later; false: there is none.
// What can heal is tried again until ctx ends.
func (f *Fetcher) Since(ctx context.Context, of Position, at time.Time) (offset int64, there bool, err error) {
	question := &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{of.Topic: {kafka.TimeOffsetOf(of.Partition, at)}}}
	err = f.Cluster.Persist(ctx, "find the records since a time", broker.Asking{}, func(ctx context.Context) error {
		offset, there = 0, false
		answer, err := f.Cluster.Client.ListOffsets(ctx, question)
		if err != nil {
			return err
		}
		for _, partition := range answer.Topics[of.Topic] {
			if partition.Error != nil {
				return partition.Error
			}
			for found := range partition.Offsets { // one; -1: there is none
				offset, there = found, found >= 0
			}
		}
		return nil
	})
	return offset, there, err
}
