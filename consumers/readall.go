package consumers

import (
	"context"
	"fmt"
	"time"

	"kindred/schemas/wire"
)

// ReadAll visits the committed records of a partition between two offsets, the second not included, and returns when
// none is left. It begins at the start of the partition when from lies below it. The records are valid during the
// visit only; what visit returns ends it and comes back. A partition that ends below to is ErrOutOfRange.
func ReadAll(ctx context.Context, f *Fetcher, topic string, partition int, from, to int64, visit func(*wire.Record) error) error {
	var b Buffers
	for from < to {
		fetched, err := f.FetchInto(ctx, &b, []Position{{Topic: topic, Partition: partition, Offset: from}}, 500*time.Millisecond)
		if err != nil {
			return fmt.Errorf("read %s partition %d: %w", topic, partition, err)
		}
		for _, got := range fetched {
			if got.OutOfRange {
				if from >= got.Start {
					return fmt.Errorf("read %s partition %d at %d of %d: %w", topic, partition, from, got.HighWatermark, ErrOutOfRange)
				}
				from = got.Start
				continue
			}
			if from, err = visitUpTo(got, to, visit); err != nil {
				return fmt.Errorf("read %s partition %d: %w", topic, partition, err)
			}
		}
	}
	return nil
}

func visitUpTo(got Fetched, to int64, visit func(*wire.Record) error) (next int64, err error) {
	return got.Each(func(r *wire.Record) error {
		if r.Offset >= to {
			return nil // in the same batch
		}
		return visit(r)
	})
}
