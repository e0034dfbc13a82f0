package schemas

import "fmt"

// Malformed is a record that cannot be read, now or later: it belongs in the dead letters. Its message holds no field
// value and no customer id.
type Malformed struct {
	Code    string // NotJSON, WrongSchema, ...
	Message string // for people
}

func (m *Malformed) Error() string { return m.Message }

// Codes of a Malformed.
const (
	NotJSON            = "not_json"
	WrongSchema        = "schema" // JSON, but not this event
	TooLarge           = "too_large"
	CorruptBatch       = "corrupt_batch" // no record of it can be read: a wrong checksum, compression that cannot be undone
	BadUTF8            = "bad_utf8"
	KeyMismatch        = "key_mismatch" // the value names another id than the record's key
	IDTaken            = "id_taken"
	WrongPartition     = "wrong_partition"
	IncompleteSnapshot = "incomplete_snapshot"
	SnapshotReused     = "snapshot_reused"    // the id of a snapshot names other members than before
	SegmentUnreadable  = "segment_unreadable" // what the router remembers of the segment cannot be read
	HandlerPanic       = "handler_panic"
)

func malformed(code, format string, args ...any) error {
	return &Malformed{Code: code, Message: fmt.Sprintf(format, args...)}
}
