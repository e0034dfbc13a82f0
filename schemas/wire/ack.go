package wire

import "errors"

// Ack tells where a published batch lies.
type Ack struct {
	Base       int64 // offset of its first record
	ProducerID int64 // under which it was written
}

// ErrAbandoned says that the fate of a published batch is not known: it may be in the log, come later, or never. The
// producer takes a new id before it publishes again.
var ErrAbandoned = errors.New("publication abandoned")
