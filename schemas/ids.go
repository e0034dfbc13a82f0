package schemas

import (
	"bytes"
	"unicode"
	"unicode/utf8"
)

const (
	longestID         = 200 // bytes of a segment's or an expansion's id
	longestCustomerID = 255 // bytes
)

// ValidSegmentID returns what is wrong with a segment's id: it must be 1 to 200 of A-Z a-z 0-9 . _ and -.
// Segments and expansions share one namespace.
func ValidSegmentID(id string) error { return validID("a segment id", id) }

// ValidExpansionID returns what is wrong with an expansion's id. The rule is that of a segment's.
func ValidExpansionID(id string) error { return validID("an expansion id", id) }

func validID(what, id string) error {
	if len(id) == 0 || len(id) > longestID {
		return malformed(WrongSchema, "%s must have 1 to %d characters", what, longestID)
	}
	for i := range len(id) {
		switch c := id[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '.', c == '_', c == '-':
		default:
			return malformed(WrongSchema, "%s may hold only letters, digits, dot, underscore and hyphen", what)
		}
	}
	return nil
}

// ValidCustomerID returns what is wrong with a customer's id: it must be UTF-8 of 1 to 255 bytes without control
// characters.
func ValidCustomerID(id []byte) error {
	if len(id) == 0 || len(id) > longestCustomerID {
		return malformed(WrongSchema, "a customer id must have 1 to %d bytes", longestCustomerID)
	}
	for _, c := range id {
		if c < ' ' || c >= 0x7f {
			return validRunes(id)
		}
	}
	return nil
}

// validRunes is the slow half of ValidCustomerID, for ids that are not plain ASCII.
func validRunes(id []byte) error {
	if !utf8.Valid(id) {
		return malformed(BadUTF8, "a customer id is not UTF-8")
	}
	if bytes.ContainsFunc(id, unicode.IsControl) {
		return malformed(WrongSchema, "a customer id may not hold control characters")
	}
	return nil
}

// IsJSONKey reports whether a key looks like JSON, a string or an object, as a producer with a converter for keys writes it. It is
// the id of a customer all the same, but hardly the one that segments name.
func IsJSONKey(key []byte) bool {
	last := len(key) - 1
	return last > 0 && (key[0] == '"' && key[last] == '"' || key[0] == '{' && key[last] == '}')
}

// SplitKey splits the key of a membership or of a segment's member at the first "/": ids of segments and expansions
// hold none, ids of customers may. Either half may be empty. ok is false when there is no "/".
func SplitKey(key []byte) (owner, customer []byte, ok bool) { return bytes.Cut(key, slash) }

var slash = []byte("/")

// decidedByKey demands that a value that names an id names that of its record's key. A record without a key is
// named by its value.
func decidedByKey(key []byte, id *string) error {
	switch {
	case len(key) == 0 || string(key) == *id:
		return nil
	case *id == "":
		*id = string(key)
		return nil
	}
	return malformed(KeyMismatch, "the value names another id than the record's key")
}

// sameAsKey demands that a value that must name an id names that of its record's key.
func sameAsKey(key []byte, id string) error {
	if string(key) != id {
		return malformed(KeyMismatch, "the value names another id than the record's key")
	}
	return nil
}
