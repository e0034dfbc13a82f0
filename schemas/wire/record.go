package wire

import "bytes"

// Record is one record of a partition. Its bytes alias the buffer that it was read from: copy what you keep, with Clone.
type Record struct {
	Offset     int64
	Timestamp  int64 // ms since 1970
	ProducerID int64 // of its batch; -1 for a producer that is not idempotent
	Key        []byte
	Value      []byte  // nil: a tombstone; empty: an empty value
	Headers    Headers // nil: none
}

// Clone returns a record with bytes of its own.
func (r *Record) Clone() Record {
	c := *r
	c.Key, c.Value, c.Headers = bytes.Clone(r.Key), bytes.Clone(r.Value), bytes.Clone(r.Headers)
	return c
}

// Header is one header of a record.
type Header struct {
	Key   string
	Value []byte
}

// Headers are the headers of a record as they lie in it: a varint count, then each key and value with its length.
type Headers []byte
