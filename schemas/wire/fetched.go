package wire

import (
	"errors"
	"fmt"
)

// Position is the next offset to read of a partition.
type Position struct {
	Topic     string
	Partition int
	Offset    int64
}

// Fetched is what one fetch returned of one partition.
type Fetched struct {
	Position      // what was asked for
	Set           // its records; Set.From is Position.Offset
	HighWatermark int64
	Stable        int64 // end for readers of committed records: the first offset of an open transaction
	Start         int64 // first offset that is still there
	OutOfRange    bool  // Offset lies outside [Start, HighWatermark]; Set is empty
}

// ErrRecreated means that a partition ends before an offset up to which it was read: it was deleted and created again, so
// earlier offsets of it mean nothing any more.
var ErrRecreated = errors.New("the partition was re-created")

// Each visits the records as Set.Each does. It also decides, for all readers alike, what an offset out of range means. Below
// the start of the partition records were deleted, and reading goes on at the start (see Skipped). Above its end the
// partition was re-created, which is ErrRecreated.
func (f *Fetched) Each(visit func(*Record) error) (next int64, err error) {
	if !f.OutOfRange {
		next, err = f.Set.Each(visit)
		if damage, ok := err.(*Damage); ok {
			damage.Next = f.within(damage.Next)
		}
		return next, err
	}
	if f.Offset >= f.Start {
		return f.Offset, f.Reaches(f.HighWatermark)
	}
	return f.Start, nil
}

// Next returns where Each will go on, found without looking into the batches, and behind all that cannot be read. Only Each
// finds out that the partition was re-created.
func (f *Fetched) Next() int64 {
	if f.OutOfRange {
		return max(f.Offset, f.Start)
	}
	return f.within(f.Set.Next())
}

// within keeps an offset that corrupt bytes may have named inside the partition.
func (f *Fetched) within(next int64) int64 { return min(next, max(f.HighWatermark, f.Offset)) }

// Skipped returns how many offsets Each passes over because they were deleted before they were read.
func (f *Fetched) Skipped() int64 {
	if f.OutOfRange {
		return max(0, f.Start-f.Offset)
	}
	return 0
}

// Reaches returns ErrRecreated when a partition that ends at end does not reach the position.
func (p Position) Reaches(end int64) error {
	if p.Offset <= end {
		return nil
	}
	return fmt.Errorf("%s partition %d ends at %d, before offset %d: %w", p.Topic, p.Partition, end, p.Offset, ErrRecreated)
}
