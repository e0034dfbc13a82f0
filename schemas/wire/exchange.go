package wire

import "errors"

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

// Ack tells where a published batch lies.
type Ack struct {
	Base       int64 // offset of its first record
	ProducerID int64 // under which it was written
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

// ErrAbandoned says that the fate of a published batch is not known: it may be in the log, come later, or never. The
// producer takes a new id before it publishes again.
var ErrAbandoned = errors.New("publication abandoned")
