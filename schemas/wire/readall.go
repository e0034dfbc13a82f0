package wire

import (
	"context"
	"fmt"
	"time"
)

// Fetcher reads the next committed records of some partitions. It waits for the first record up to wait; its error means
// that ctx has ended. What it returns is the caller's to keep.
type Fetcher interface {
	Fetch(ctx context.Context, from []Position, wait time.Duration) ([]Fetched, error)
}

// Limits returns where partitions start and end now, for a reader of committed records, in the order asked. The positions'
// offsets do not matter.
type Limits interface {
	Starts(ctx context.Context, of []Position) ([]int64, error)
	Ends(ctx context.Context, of []Position) ([]int64, error)
}

// Reader reads partitions and knows their limits.
type Reader interface {
	Fetcher
	Limits
}

// ReadAll visits all that a topic of one partition holds now, and returns where that ends.
func ReadAll(ctx context.Context, r Reader, topic string, visit func(*Record) error) (end int64, err error) {
	from := Position{Topic: topic}
	ends, err := r.Ends(ctx, []Position{from})
	if err != nil {
		return 0, fmt.Errorf("find the end of %s: %w", topic, err)
	}
	return ends[0], ReadTo(ctx, r, from, ends[0], visit)
}

// ReadTo visits the committed records of a partition from a position up to an offset, which is not included. It begins at
// the start of the partition when the position lies below it. Records are valid during the visit only; an error of visit
// ends it and is returned. A partition that ends before that offset is ErrRecreated.
func ReadTo(ctx context.Context, f Fetcher, from Position, to int64, visit func(*Record) error) error {
	return readTo(ctx, f, from, to, func(fetched *Fetched) (int64, error) {
		return fetched.Each(before(to, visit))
	})
}

// ReadReadable is ReadTo for a reader that goes on behind what cannot be read: damaged is told of it, as by EachReadable.
func ReadReadable(ctx context.Context, f Fetcher, from Position, to int64, visit func(*Record) error, damaged func(*Damage) error) error {
	return readTo(ctx, f, from, to, func(fetched *Fetched) (int64, error) {
		return EachReadable(ctx, f, fetched, before(to, visit), func(d *Damage) error {
			if d.Offset >= to {
				return nil
			}
			return damaged(d)
		})
	})
}

// ReadPartition visits all that a partition holds now. What cannot be read is passed over.
func ReadPartition(ctx context.Context, r Reader, topic string, partition int, visit func(*Record) error) error {
	from := Position{Topic: topic, Partition: partition}
	ends, err := r.Ends(ctx, []Position{from})
	if err != nil {
		return fmt.Errorf("find the end of %s: %w", topic, err)
	}
	return ReadReadable(ctx, r, from, ends[0], visit, func(*Damage) error { return nil })
}

// before passes on the records below an offset: a batch may hold others, too.
func before(to int64, visit func(*Record) error) func(*Record) error {
	return func(r *Record) error {
		if r.Offset >= to {
			return nil
		}
		return visit(r)
	}
}

// readTo fetches until an offset is reached. each visits what was fetched, and returns where reading goes on.
func readTo(ctx context.Context, f Fetcher, from Position, to int64, each func(*Fetched) (int64, error)) error {
	const wait = 500 * time.Millisecond // rarely used up: what is read is there already
	for from.Offset < to {
		fetched, err := f.Fetch(ctx, []Position{from}, wait)
		if err != nil {
			return fmt.Errorf("read %s partition %d: %w", from.Topic, from.Partition, err)
		}
		for i := range fetched {
			from.Offset, err = each(&fetched[i])
			if err == nil {
				err = Position{from.Topic, from.Partition, to}.Reaches(fetched[i].HighWatermark)
			}
			if err != nil {
				return fmt.Errorf("read %s partition %d: %w", from.Topic, from.Partition, err)
			}
		}
	}
	return nil
}
