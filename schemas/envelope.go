package schemas

import (
	"bytes"
	"encoding/base64"
	"slices"

	"kindred/schemas/wire"
)

// mostEnvelopes is how many envelopes may be around an event: CloudEvents around Connect's around Debezium's.
const mostEnvelopes = 3

// Read decodes the event of a record, which may be in envelopes: structured CloudEvents, {"schema","payload"} as Kafka Connect's
// JsonConverter writes it, and Debezium's {"before","after","op"}. gone: the record is a tombstone, or says so by the word null
// or Debezium's op d; then decode is not called. An envelope is looked for only in what decode refuses, so that one that nobody
// has wrapped costs nothing.
func Read(r *wire.Record, decode func(key, value []byte) error) (gone bool, err error) {
	value, err := payload(r.Headers, r.Value)
	for opened := 0; ; opened++ {
		if err != nil || value == nil || isNull(value) {
			return err == nil, err
		}
		refused := decode(r.Key, value)
		if refused == nil || opened == mostEnvelopes {
			return false, refused
		}
		var e envelope
		if e.read(value) != nil || !e.is() {
			return false, refused
		}
		value, err = e.open()
	}
}

// isWrapped reports whether a value is an envelope.
func isWrapped(value []byte) bool {
	var e envelope
	return e.read(value) == nil && e.is()
}

// isNull reports whether a value is the word null, which is how some producers write a tombstone.
func isNull(value []byte) bool {
	return len(value) > 0 && value[0] != '{' && string(bytes.Trim(value, " \t\r\n")) == "null"
}

// envelope is an object with the members that tell whether it is one of the envelopes.
type envelope struct {
	parts   [len(partNames)][]byte // JSON; of those that are texts what they say; nil: not there
	members int
}

// partNames are the names of the members of envelopes that are looked at, or that may not stand there twice.
var partNames = [...]string{
	"specversion", "data", "data_base64", "schema", "payload", "op", "before", "after",
	"id", "source", "type", "time", "subject", "datacontenttype", "dataschema", "ts_ms",
}

const (
	partVersion = iota // a text
	partData
	partBase64 // a text
	partSchema
	partPayload
	partOp // a text
	partBefore
	partAfter
)

// deepestWrapped is how many levels an envelope may have as a whole: schemas nest deeper than what they describe. Whoever
// decodes what is in it has a bound of its own, for depth as for size.
const deepestWrapped = 32

func (e *envelope) read(value []byte) error {
	*e = envelope{}
	s := scanner{above: deepestWrapped - deepest}
	s.startUpTo(value, largestList)
	var seen uint
	for s.open('{'); s.more('}'); e.members++ {
		name := s.name()
		part := slices.Index(partNames[:], string(name))
		switch part {
		case partVersion, partBase64, partOp:
			e.parts[part] = s.text()
		case -1:
			s.distinct(name)
			s.skip()
			continue
		default:
			e.parts[part] = s.raw()
		}
		s.once(&seen, 1<<part)
	}
	return s.end()
}

func (e *envelope) has(part int) bool { return e.parts[part] != nil }

// is reports whether it is an envelope.
func (e *envelope) is() bool { return e.isCloudEvent() || e.isConnect() || e.isDebezium() }

func (e *envelope) isCloudEvent() bool {
	return e.has(partVersion) && (e.has(partData) || e.has(partBase64))
}

func (e *envelope) isConnect() bool {
	return e.members == 2 && e.has(partSchema) && e.has(partPayload)
}

// isDebezium asks for rows in before and after, so that a flat row with columns of these names is none.
func (e *envelope) isDebezium() bool {
	isRow := func(part int) bool { return !e.has(part) || e.parts[part][0] == '{' || isNull(e.parts[part]) }
	return e.has(partOp) && (e.has(partBefore) || e.has(partAfter)) && isRow(partBefore) && isRow(partAfter)
}

// open returns what is in an envelope; nil: a tombstone.
func (e *envelope) open() ([]byte, error) {
	switch {
	case e.isCloudEvent():
		return e.openCloudEvent()
	case e.isConnect():
		return e.parts[partPayload], nil
	}
	switch string(e.parts[partOp]) {
	case "d":
		return nil, nil
	case "c", "u", "r":
		if e.has(partAfter) && !isNull(e.parts[partAfter]) {
			return e.parts[partAfter], nil
		}
		return nil, malformed(WrongSchema, "a change by Debezium without the row that is there after it")
	}
	return nil, malformed(WrongSchema, "a change by Debezium whose op is none of c, u, r and d")
}

// openCloudEvent returns the data of a CloudEvents envelope.
func (e *envelope) openCloudEvent() (data []byte, err error) {
	switch {
	case string(e.parts[partVersion]) != specVersion:
		return nil, malformed(WrongSchema, "a CloudEvents envelope that is not of version %s", specVersion)
	case e.has(partData) == e.has(partBase64):
		return nil, malformed(WrongSchema, `a CloudEvents envelope must hold either data or data_base64; "data":null is a tombstone`)
	case e.has(partData):
		return e.parts[partData], nil
	}
	if data, err = base64.StdEncoding.AppendDecode([]byte{}, e.parts[partBase64]); err != nil {
		return nil, malformed(WrongSchema, "data_base64 is not base64")
	}
	return data, nil
}
