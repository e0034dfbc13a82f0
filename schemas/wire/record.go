package wire

// Record is one record of a partition. Its bytes alias the buffer that it was read from: copy what you keep.
type Record struct {
	Offset     int64
	Timestamp  int64 // ms since 1970
	ProducerID int64 // of its batch; -1 for a producer that is not idempotent
	Key        []byte
	Value      []byte  // nil: a tombstone; empty: an empty value
	Headers    Headers // nil: none
}

// Header is one header of a record.
type Header struct {
	Key   string
	Value []byte
}

// Headers are the headers of a record as they lie in it: a varint count, then each key and value with its length.
type Headers []byte
