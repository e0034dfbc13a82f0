package schemas

import (
	"encoding/json"
	"errors"
)

// Check demands that a value is JSON as kindred reads it: UTF-8, no name twice in an object, at most 8 levels deep,
// no number of more than 40 digits or beyond float64, at most 1 MiB.
func Check(value []byte) error {
	var s scanner
	s.start(value)
	s.skip()
	return s.end()
}

// Unmarshal checks a value and reads it with encoding/json.
func Unmarshal(value []byte, into any) error {
	if err := Check(value); err != nil {
		return err
	}
	err := json.Unmarshal(value, into)
	var wrong *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrong): // its own text may hold a value
		return malformed(WrongSchema, "%s has the wrong type", orValue(wrong.Field))
	}
	return malformed(WrongSchema, "a value is not what this event has there")
}

func orValue(field string) string {
	if field == "" {
		return "the value"
	}
	return field
}

// Decode reads a membership. Its record's key is expansionId/customerId. ReadMembership is the quick way.
func (m *Membership) Decode(key, value []byte) error {
	*m = Membership{}
	if err := Unmarshal(value, m); err != nil {
		return err
	}
	return sameAsKey(key, m.ExpansionID+"/"+m.CustomerID)
}

// Decode reads the state of a run. Its record's key is the expansionId.
func (r *Run) Decode(key, value []byte) error {
	*r = Run{}
	if err := Unmarshal(value, r); err != nil {
		return err
	}
	return sameAsKey(key, r.ExpansionID)
}

// Decode reads the record of an expansion. Its record's key is the expansionId.
func (e *Expansion) Decode(key, value []byte) error {
	*e = Expansion{}
	if err := Unmarshal(value, e); err != nil {
		return err
	}
	return sameAsKey(key, e.ExpansionID)
}

// Decode reads the record of a segment. Its record's key is the segmentId.
func (s *Segment) Decode(key, value []byte) error {
	*s = Segment{}
	if err := Unmarshal(value, s); err != nil {
		return err
	}
	return sameAsKey(key, s.SegmentID)
}

func sameAsKey(key []byte, id string) error {
	if string(key) != id {
		return malformed(KeyMismatch, "the value names another id than the record's key")
	}
	return nil
}
