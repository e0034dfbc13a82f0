package shard

import (
	"bytes"
	"encoding/json"
	"strconv"

	"kindred/schemas"
	"kindred/schemas/wire"
)

// applySegment takes a customer into a segment or out of it, or ends a snapshot, or notes how far the router has got.
func (o *Owner) applySegment(r *wire.Record) error {
	h := &o.memberHeaders
	if err := h.read(r.Headers); err != nil {
		return err
	}
	segment, customer, ok := schemas.SplitKey(r.Key)
	switch {
	case !ok:
		return &schemas.Malformed{Code: schemas.WrongSchema, Message: "the key is not segment/customer"}
	case len(segment) == 0:
		return o.applyThrough(r)
	case len(customer) == 0:
		return o.applyMark(string(segment), r)
	}
	if !h.numbered {
		return &schemas.Malformed{Code: schemas.WrongSchema, Message: "the header " + schemas.HeaderSnapshot + " is not a number"}
	}
	number, present := h.number, o.mirror.Segment(string(segment)).Number()
	row, known := o.mirror.Find(customer)
	if !known {
		if r.Value == nil && number <= present {
			return nil // a customer without a row is in no segment
		}
		if err := schemas.ValidCustomerID(customer); err != nil {
			return err
		}
		row = o.mirror.Take(customer)
	}
	if number > present {
		if _, open := o.collecting[string(segment)]; !open {
			o.collecting[string(segment)] = r.Offset
		}
	}
	if o.mirror.SetMember(string(segment), row, r.Value != nil, number) {
		o.touch(row, bySegment, segmentsInput, r)
	}
	return nil
}

// memberHeaders are the headers of the last record of segment-members. The records of a segment mostly have the same bytes
// there, which are read only once.
type memberHeaders struct {
	bytes    wire.Headers
	number   int64 // the snapshot that the record counts for
	numbered bool  // false: the header is missing, as in marks, or is not a number
}

// read takes the next record's headers. It returns schemas.ErrFormat when the record has another format.
func (h *memberHeaders) read(headers wire.Headers) error {
	if bytes.Equal(headers, h.bytes) {
		return nil
	}
	if err := schemas.CheckFormat(headers); err != nil {
		return err
	}
	text, _ := headers.Get(schemas.HeaderSnapshot)
	number, err := strconv.ParseInt(string(text), 10, 64)
	h.bytes, h.number, h.numbered = append(h.bytes[:0], headers...), number, err == nil
	return nil
}

// applyThrough notes up to which offset of segment-changes the router has worked.
func (o *Owner) applyThrough(r *wire.Record) error {
	var through struct {
		Offset int64 `json:"offset"`
	}
	if err := json.Unmarshal(r.Value, &through); err != nil {
		return &schemas.Malformed{Code: schemas.WrongSchema, Message: "a through record must hold an offset"}
	}
	o.meta.Through = through.Offset // lower after the router had to begin anew
	return nil
}

// applyMark makes a snapshot count that is now complete, and starts the pass that publishes what it changes.
func (o *Owner) applyMark(segment string, r *wire.Record) error {
	var mark struct {
		Snapshot int64 `json:"snapshot"`
		Gone     bool  `json:"gone"`
	}
	if err := json.Unmarshal(r.Value, &mark); err != nil {
		return &schemas.Malformed{Code: schemas.WrongSchema, Message: "a mark must hold a snapshot's number"}
	}
	held, open := o.collecting[segment]
	delete(o.collecting, segment)
	if !open {
		held = r.Offset
	}
	if o.mirror.Mark(segment, mark.Snapshot, mark.Gone) {
		o.segmentPass(segment, held, cause{bySegment, segmentsInput, r.Offset, r.Timestamp})
	}
	return nil
}
