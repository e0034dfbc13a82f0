package schemas

// string reads a string to keep.
func (s *scanner) string() string { return string(s.text()) }

// strings reads an array of strings to keep; never nil.
func (s *scanner) strings() []string {
	list := []string{}
	for s.open('['); s.more(']'); {
		list = append(list, s.string())
	}
	return list
}

// customers reads an array of customer ids to keep; never nil.
func (s *scanner) customers() []string {
	list := []string{}
	for s.open('['); s.more(']'); {
		id := s.text()
		s.demand(ValidCustomerID(id))
		list = append(list, string(id))
	}
	return list
}

// segment reads the id of a segment.
func (s *scanner) segment() string {
	id := s.string()
	s.demand(ValidSegmentID(id))
	return id
}

// expansion reads the id of an expansion.
func (s *scanner) expansion() string {
	id := s.string()
	s.demand(ValidExpansionID(id))
	return id
}

// request reads the id of a request, for which the rule of customer ids holds.
func (s *scanner) request() string { return s.label("a requestId") }

// label reads a text that people and logs can show on one line.
func (s *scanner) label(what string) string {
	text := s.text()
	if s.err == nil && ValidCustomerID(text) != nil {
		s.fail(WrongSchema, "%s must have 1 to %d bytes without control characters", what, longestCustomerID)
	}
	return string(text)
}

// segments reads an array of ids of segments; never nil.
func (s *scanner) segments() []string {
	list := []string{}
	for s.open('['); s.more(']'); {
		list = append(list, s.segment())
	}
	return list
}

// something reads a string that must not be empty.
func (s *scanner) something() string {
	text := s.string()
	if text == "" {
		s.fail(WrongSchema, "a string is empty before byte %d", s.pos)
	}
	return text
}

// atMost reads a string of at most so many bytes.
func (s *scanner) atMost(bytes int) string {
	text := s.string()
	if len(text) > bytes {
		s.fail(WrongSchema, "a string has more than %d bytes before byte %d", bytes, s.pos)
	}
	return text
}

// demand fails with the error of a rule for ids, if there is one.
func (s *scanner) demand(err error) {
	if s.err == nil && err != nil {
		s.pos, s.err = len(s.data), err
	}
}

// number reads a number.
func (s *scanner) number() float64 {
	if c := s.peek(); c != '-' && c-'0' > 9 {
		s.wanted("a number")
		return 0
	}
	_, value := s.numeral()
	return value
}

// integer reads a whole number that a float64 holds exactly; 1.0 is one.
func (s *scanner) integer() int64 {
	value := s.number()
	if whole := int64(value); float64(whole) == value && whole > -1<<53 && whole < 1<<53 {
		return whole
	}
	s.fail(WrongSchema, "a whole number is expected before byte %d", s.pos)
	return 0
}

// between reads a whole number from low to high.
func (s *scanner) between(low, high int64) int64 {
	n := s.integer()
	if n < low || n > high {
		s.fail(WrongSchema, "a whole number of %d to %d is expected before byte %d", low, high, s.pos)
	}
	return n
}
