package wire

import (
	"errors"
	"fmt"
)

// Ack is where a published batch was appended: its last record lies right before Base + the number of its records.
//
// Base is the offset of the first record, and the others follow it without gaps, unless the batch had to be split and others
// wrote between its pieces. Base then lies behind that of the first record: a reader who has come to where the batch begins
// sees that something is between.
type Ack struct {
	Base       int64
	ProducerID int64 // under which it was written; the last piece of it, when it was split
}

// ErrTooLarge says that a record is larger than its topic takes. It is final: the record was not appended and never will be.
// The other records of its batch were.
var ErrTooLarge = errors.New("record too large for its topic")

// RefusedError is the ErrTooLarge of a batch. Its other records are in the log: publishing them again would double them.
type RefusedError struct {
	Refused int // records that were too large
	Of      int // records of the batch
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("%v: %d of %d records", ErrTooLarge, e.Refused, e.Of)
}

func (e *RefusedError) Is(target error) bool { return target == ErrTooLarge }

// ErrAbandoned means that nobody knows whether a published batch was appended: it may be in the log, come later, or never.
// The producer takes a new id before it publishes again.
var ErrAbandoned = errors.New("publication abandoned")
