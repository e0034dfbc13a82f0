package wire

import (
	"errors"
	"fmt"
)

// Position is a place in a partition: the next offset to read.
type Position struct {
	Topic     string
	Partition int
	Offset    int64
}

// Fetched is what one fetch brought of one partition.
type Fetched struct {
	Position      // what was asked for
	Set           // its records; Set.From is Position.Offset
	HighWatermark int64
	Stable        int64 // end for readers of committed records: the first offset of an open transaction
	Start         int64 // first offset that is still there
	OutOfRange    bool  // Offset lies outside [Start, HighWatermark]; Set is empty
}

// ErrRecreated says that a partition ends before an offset up to which it was read: it was deleted and made anew, so that
// offsets of before mean nothing any more.
var ErrRecreated = errors.New("the partition was re-created")

// Each visits the records as Set.Each does. It also decides, for all readers alike, what an offset means that the partition
// does not have: below its start records were deleted, and reading goes on at the start (Skipped tells); above its end
// the partition was re-created, which is ErrRecreated.
func (f *Fetched) Each(visit func(*Record) error) (next int64, err error) {
	if !f.OutOfRange {
		return f.Set.Each(visit)
	}
	if f.Offset >= f.Start {
		return f.Offset, f.Reaches(f.HighWatermark)
	}
	return f.Start, nil
}

// Next is where Each will go on, found without looking into the batches. What is corrupt, or was re-created, is left for
// Each to say.
func (f *Fetched) Next() int64 {
	if f.OutOfRange {
		return max(f.Offset, f.Start)
	}
	return f.Set.Next()
}

// Skipped is how many offsets Each passes over because they were deleted before they were read.
func (f *Fetched) Skipped() int64 {
	if f.OutOfRange {
		return max(0, f.Start-f.Offset)
	}
	return 0
}

// Reaches returns ErrRecreated when a partition that ends at end does not reach up to the position.
func (p Position) Reaches(end int64) error {
	if p.Offset <= end {
		return nil
	}
	return fmt.Errorf("%s partition %d ends at %d, before offset %d: %w", p.Topic, p.Partition, end, p.Offset, ErrRecreated)
}

// Next is where Each will go on, found without looking into the batches. What is corrupt is left for Each to say.
func (s Set) Next() int64 {
	next := s.From
	for rest := s.Data; ; {
		batch, after, err := cut(rest)
		if err != nil || batch == nil {
			return next
		}
		rest = after
		next = max(next, batch.lastOffset()+1)
	}
}
