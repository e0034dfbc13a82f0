package oracle

import (
	"encoding/json"
	"strconv"

	"kindred/schemas"
	"kindred/schemas/wire"
)

// routed is a segment as segment-members have it.
type routed struct {
	members map[string]member // by customer: the last record
	present map[int]int64     // by partition: the number that the last mark made count
}

// member is what the last record about a customer says.
type member struct {
	in        bool
	number    int64
	partition int
}

// has reports whether a customer is in the segment: the last record says so, under the number that counts.
func (s *routed) has(customer string) bool {
	last, known := s.members[customer]
	return known && last.in && last.number == s.present[last.partition]
}

// member takes in a record of segment-members.
func (o *Oracle) member(partition int, r *wire.Record) error {
	id, customer, ok := schemas.SplitKey(r.Key)
	if !ok {
		return &schemas.Malformed{Code: schemas.WrongSchema, Message: "the key is not segment/customer"}
	}
	if len(id) == 0 {
		return nil // a through: how far the router has got
	}
	if o.routed == nil {
		o.routed = map[string]*routed{}
	}
	s := o.routed[string(id)]
	if s == nil {
		s = &routed{map[string]member{}, map[int]int64{}}
		o.routed[string(id)] = s
	}
	if len(customer) == 0 {
		return s.mark(partition, r)
	}
	text, _ := r.Headers.Get(schemas.HeaderSnapshot)
	number, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		return &schemas.Malformed{Code: schemas.WrongSchema, Message: "the number of a segment's member is missing"}
	}
	if number >= s.members[string(customer)].number {
		s.members[string(customer)] = member{r.Value != nil, number, partition}
	}
	return nil
}

// mark makes a number count in a partition.
func (s *routed) mark(partition int, r *wire.Record) error {
	var mark struct {
		Snapshot int64 `json:"snapshot"`
	}
	if err := json.Unmarshal(r.Value, &mark); err != nil {
		return &schemas.Malformed{Code: schemas.WrongSchema, Message: "a mark without a number"}
	}
	s.present[partition] = max(s.present[partition], mark.Snapshot)
	return nil
}
