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
