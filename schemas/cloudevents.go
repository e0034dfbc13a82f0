package schemas

import (
	"bytes"
	"time"

	"kindred/schemas/wire"
)

// Headers of what kindred writes: those of CloudEvents 1.0 in Kafka's binary mode, and its own.
const (
	HeaderSpecVersion = "ce_specversion"
	HeaderID          = "ce_id"
	HeaderSource      = "ce_source"
	HeaderType        = "ce_type"
	HeaderTime        = "ce_time"
	HeaderSubject     = "ce_subject"
	HeaderContentType = "content-type"

	HeaderCause    = "kindred.cause"    // of a membership
	HeaderEpoch    = "kindred.epoch"    // of a membership's tombstone
	HeaderRunID    = "kindred.runId"    // of a membership's tombstone
	HeaderSnapshot = "kindred.snapshot" // of a segment's member: the number that it counts for
)

// Values of HeaderCause: why a membership, or its tombstone, was written.
const (
	ByRun     = "run"     // a run was committed: expand, edit or refresh
	ByProfile = "profile" // the customer's profile changed
	BySegment = "segment" // a segment that the expansion uses gained or lost members
	ByConsent = "consent" // the customer withdrew consent
	ByErasure = "erasure" // the customer's profile was deleted
	ByDelete  = "delete"  // the expansion was deleted
	ByRepair  = "repair"  // what was published before was unknown, or not what it should have been
)

// Types of kindred's events.
const (
	TypeProfile           = "kindred.profile"
	TypeField             = "kindred.field"
	TypeSegmentChange     = "kindred.segment-change"
	TypeExpandRequest     = "kindred.expand-request"
	TypeDataEvent         = "kindred.data-event"
	TypeMembershipEntered = "kindred.membership.entered"
	TypeMembershipChanged = "kindred.membership.changed"
	TypeMembershipLeft    = "kindred.membership.left"
	TypeChangeEntered     = "kindred.membership-change.entered"
	TypeChangeChanged     = "kindred.membership-change.changed"
	TypeChangeLeft        = "kindred.membership-change.left"
	TypeRun               = "kindred.run"
	TypeExpansion         = "kindred.expansion"
	TypeSegment           = "kindred.segment"
)

const (
	specVersion  = "1.0"
	source       = "kindred"
	contentJSON  = "application/json"
	contentOfAny = "application/cloudevents"      // then +json, -batch+json, ...
	contentEvent = "application/cloudevents+json" // structured mode
)

// Event returns the headers of an event that kindred writes, in binary mode. The same event must have the same id
// whenever it is written again.
func Event(kind, id, subject string, at time.Time, more ...wire.Header) wire.Headers {
	return wire.AppendHeaders(AppendEvent(nil, kind, []byte(id), []byte(subject), at), more...)
}

// AppendEvent is Event into memory of the caller's.
func AppendEvent(dst wire.Headers, kind string, id, subject []byte, at time.Time) wire.Headers {
	return wire.AppendHeaders(dst,
		wire.Header{Key: HeaderSpecVersion, Value: []byte(specVersion)},
		wire.Header{Key: HeaderID, Value: id},
		wire.Header{Key: HeaderSource, Value: []byte(source)},
		wire.Header{Key: HeaderType, Value: []byte(kind)},
		wire.Header{Key: HeaderTime, Value: at.UTC().AppendFormat(nil, time.RFC3339Nano)},
		wire.Header{Key: HeaderSubject, Value: subject},
		wire.Header{Key: HeaderContentType, Value: []byte(contentJSON)},
	)
}

// payload returns the event's own JSON: the data of a CloudEvents envelope, else the value itself. It does not check
// that JSON. A tombstone stays nil.
func payload(h wire.Headers, value []byte) ([]byte, error) {
	if len(h) == 0 || value == nil {
		return value, nil
	}
	kind, _ := h.Get(HeaderContentType)
	if len(kind) < len(contentOfAny) || !bytes.EqualFold(kind[:len(contentOfAny)], []byte(contentOfAny)) {
		return value, nil
	}
	format, _, _ := bytes.Cut(kind, []byte(";")) // parameters: a charset, which JSON has not
	if !bytes.EqualFold(bytes.TrimSpace(format), []byte(contentEvent)) {
		return nil, malformed(WrongSchema, "a CloudEvents format other than JSON, or a batch")
	}
	var e envelope
	if err := e.read(value); err != nil {
		return nil, err
	}
	return e.openCloudEvent()
}
