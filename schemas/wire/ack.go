package wire

import "errors"

// Ack is where a published batch was appended.
type Ack struct {
	Base       int64 // offset of its first record
	ProducerID int64 // under which it was written
}

// ErrAbandoned means that nobody knows whether a published batch was appended: it may be in the log, come later, or never.
// The producer takes a new id before it publishes again.
var ErrAbandoned = errors.New("publication abandoned")
