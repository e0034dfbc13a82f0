package schemas

import (
	"bytes"
	"encoding/base64"
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

// Payload returns the event's own JSON: the data of a CloudEvents envelope, else the value itself. It does not check
// that JSON. A tombstone stays nil.
func Payload(h wire.Headers, value []byte) ([]byte, error) {
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
	return unwrap(value)
}

// attributes are the names of an envelope's members that CloudEvents itself defines.
var attributes = [...]string{"specversion", "id", "source", "type", "time", "subject", "datacontenttype", "dataschema",
	"data", "data_base64"}

// unwrap returns the data of a CloudEvents envelope.
func unwrap(value []byte) (data []byte, err error) {
	s := scanner{above: 1}
	var seen uint
	var version, encoded []byte
	s.startUpTo(value, largestList) // whoever reads the data has a bound of its own
	for s.open('{'); s.more('}'); {
		name := s.name()
		if i := attribute(name); i >= 0 {
			s.once(&seen, 1<<i)
		} else {
			s.distinct(name)
		}
		switch string(name) {
		case "specversion":
			version = s.text()
		case "data":
			data = s.raw()
		case "data_base64":
			encoded = s.text()
		default:
			s.skip()
		}
	}
	switch err := s.end(); {
	case err != nil:
		return nil, err
	case string(version) != specVersion:
		return nil, malformed(WrongSchema, "a CloudEvents envelope that is not of version %s", specVersion)
	case (data == nil) == (encoded == nil):
		return nil, malformed(WrongSchema, "a CloudEvents envelope must hold either data or data_base64")
	case encoded != nil:
		if data, err = base64.StdEncoding.AppendDecode([]byte{}, encoded); err != nil {
			return nil, malformed(WrongSchema, "data_base64 is not base64")
		}
	}
	return data, nil
}

// attribute returns the number of a name among the attributes; -1: it is none.
func attribute(name []byte) int {
	for i := range attributes {
		if string(name) == attributes[i] {
			return i
		}
	}
	return -1
}
