package schemas

import (
	"bytes"

	"kindred/schemas/wire"
)

const (
	deepest     = 8       // levels of objects and arrays
	largestJSON = 1 << 20 // bytes of a value: what a broker takes by default

	// largestList is how many bytes a value may have that is mostly a list of customers. A producer compresses it well: what
	// comes as a batch of 700 KB may be 5 MB of ids.
	largestList = wire.LargestRecord
)

// scanner reads one JSON value from left to right, strictly, without allocating once its buffers have grown. The first
// mistake is kept and everything after it reads as the end of the value, so callers check only once, by end.
//
// Its parts: scanner_strings.go and scanner_numbers.go read these, scanner_values.go reads values that must be of some type
// or obey the rule of some id, scanner_properties.go the properties of an event, scanner_names.go finds names that an object has twice.
type scanner struct {
	data  []byte
	pos   int
	err   error
	fresh bool // nothing has been read since the last opening bracket
	depth int
	above int // levels of an envelope around the value, which do not count

	trusting bool // names are not compared

	names    names  // of the objects that are open
	unquoted []byte // strings of the value that had escapes, one after the other

	unknown unknownProperty // the first that properties has met
}

// start begins with a value. What the last value's strings aliased may be overwritten.
func (s *scanner) start(value []byte) { s.startUpTo(value, largestJSON) }

// startUpTo is start for a value of at most so many bytes.
func (s *scanner) startUpTo(value []byte, most int) {
	s.data, s.pos, s.err, s.fresh, s.depth = value, 0, nil, false, 0
	s.unquoted = s.unquoted[:0]
	s.names.start()
	switch {
	case len(value) == 0:
		s.fail(NotJSON, "an empty value is not JSON")
	case len(value) > most:
		s.fail(TooLarge, "the value has %d bytes, more than %d", len(value), most)
	}
}

// end demands that nothing follows the value and returns the first mistake.
func (s *scanner) end() error {
	if s.peek(); s.err == nil && s.pos < len(s.data) {
		s.unexpected()
	}
	return s.err
}

// fail keeps the first mistake and moves to the end of the value.
func (s *scanner) fail(code, format string, args ...any) {
	if s.err == nil {
		s.err = malformed(code, format, args...)
	}
	s.pos = len(s.data)
}

// unexpected fails because of the character at the present position, or because the value ends there.
func (s *scanner) unexpected() {
	if s.pos >= len(s.data) {
		s.fail(NotJSON, "not JSON: the value ends too early")
		return
	}
	if s.pos == 0 && s.data[0] == 0 {
		s.fail(NotJSON, "not JSON: the value begins with a zero byte, as Avro, Protobuf and JSON Schema from a schema registry do; "+
			"have it written as plain JSON (in Kafka Connect by org.apache.kafka.connect.json.JsonConverter)")
		return
	}
	s.fail(NotJSON, "not JSON: unexpected character at byte %d", s.pos)
}

// wanted fails because the value at the present position has another type; or because there is none.
func (s *scanner) wanted(what string) {
	switch c := s.peek(); {
	case c == '{', c == '[', c == '"', c == '-', c >= '0' && c <= '9', c == 't', c == 'f', c == 'n':
		s.fail(WrongSchema, "%s is expected at byte %d", what, s.pos)
	default:
		s.unexpected()
	}
}

// peek skips white space and returns the next byte without reading it; 0 at the end.
func (s *scanner) peek() byte {
	for s.pos < len(s.data) {
		c := s.data[s.pos]
		if c > ' ' {
			return c
		}
		if c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return c
		}
		s.pos++
	}
	return 0
}

// open reads an opening bracket. The names of an object opened so are its own.
func (s *scanner) open(bracket byte) {
	if s.peek() != bracket {
		if bracket == '[' {
			s.wanted("an array")
		} else {
			s.wanted("an object")
		}
		return
	}
	if s.depth++; s.depth > deepest+s.above {
		s.fail(WrongSchema, "nested deeper than %d at byte %d", deepest, s.pos)
		return
	}
	s.pos++
	s.fresh = true
	s.names.open(s.depth)
}

// more reports whether a further member or element follows, and reads the comma before it or the closing bracket.
func (s *scanner) more(bracket byte) bool {
	c := s.peek()
	fresh := s.fresh
	s.fresh = false
	switch {
	case s.err != nil:
		return false
	case c == bracket:
		s.pos++
		s.depth--
		return false
	case fresh:
		return true
	case c != ',':
		s.unexpected()
		return false
	}
	s.pos++
	return true
}

// name reads the name of a member and the colon.
func (s *scanner) name() []byte {
	if s.peek() != '"' {
		s.unexpected()
		return nil
	}
	name := s.quoted()
	if s.peek() != ':' {
		s.unexpected()
		return nil
	}
	s.pos++
	return name
}

// distinct demands that the name is new in the object that is open.
func (s *scanner) distinct(name []byte) {
	if s.err == nil && !s.trusting && !s.names.add(s.depth, name) {
		s.twice()
	}
}

// once demands that a member, known by a bit of its own, has not been seen in its object.
func (s *scanner) once(seen *uint, bit uint) {
	if *seen&bit != 0 {
		s.twice()
	}
	*seen |= bit
}

func (s *scanner) twice() {
	s.fail(WrongSchema, "a name stands twice in an object, before byte %d", s.pos)
}

// newName reads the name of a member and demands that it is new in its object.
func (s *scanner) newName() []byte {
	name := s.name()
	s.distinct(name)
	return name
}

// text reads a string.
func (s *scanner) text() []byte {
	if s.peek() != '"' {
		s.wanted("a string")
		return nil
	}
	return s.quoted()
}

// boolean reads true or false.
func (s *scanner) boolean() bool {
	switch s.peek() {
	case 't':
		s.literal("true")
		return true
	case 'f':
		s.literal("false")
		return false
	}
	s.wanted("true or false")
	return false
}

// null reads the word null and reports true if it is next; else it reads nothing.
func (s *scanner) null() bool {
	if s.peek() != 'n' {
		return false
	}
	s.literal("null")
	return true
}

// literal reads true, false or null.
func (s *scanner) literal(word string) {
	if !bytes.HasPrefix(s.data[s.pos:], []byte(word)) {
		s.unexpected()
		return
	}
	s.pos += len(word)
}

// value reads any value into a field.
func (s *scanner) value(f *FieldValue) {
	switch c := s.peek(); {
	case c == '"':
		f.Kind, f.Text = String, s.quoted()
	case c == '-', c >= '0' && c <= '9':
		f.Kind = Number
		f.Text, f.Number = s.numeral()
	case c == 't', c == 'f':
		f.Kind, f.Bool = Bool, s.boolean()
	case c == 'n':
		s.literal("null")
	default:
		f.Kind = Other
		s.skip()
	}
}

// raw reads any value and returns its text. Whoever reads that text checks that its names are distinct.
func (s *scanner) raw() []byte {
	s.peek()
	begin := s.pos
	s.trusting = true
	s.skip()
	s.trusting = false
	return s.data[begin:s.pos:s.pos]
}

// skip reads any value and forgets it, as strictly as one that counts.
func (s *scanner) skip() {
	var ignored FieldValue
	switch c := s.peek(); c {
	case '{':
		for s.open(c); s.more('}'); s.skip() {
			s.distinct(s.name())
		}
	case '[':
		for s.open(c); s.more(']'); s.skip() {
		}
	case '"', '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 't', 'f', 'n':
		s.value(&ignored)
	default:
		s.unexpected()
	}
}
