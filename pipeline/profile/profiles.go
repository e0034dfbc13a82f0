package profile

import (
	"bytes"
	"encoding/binary"

	"kindred/schemas"
)

// SetProfile sets a customer's whole profile: what it does not name is absent from now on. Without consent only the
// row, its id and that fact are kept. It says whether anything has changed; a row that has not is not stored again.
func (s *Shard) SetProfile(row int, p *schemas.Profile) bool {
	if !p.Profiling {
		return s.strip(row, inUse|hasProfile)
	}
	clear(s.next)
	s.next[0] = inUse | hasProfile | consents
	last := mostFields // what the first field follows
	for i := range p.Fields {
		v := &p.Fields[i]
		if v.Kind == schemas.Absent {
			continue
		}
		position := s.position(last, v)
		if position < 0 {
			continue
		}
		last = position
		s.compose(row, position, v)
	}
	return s.replace(row)
}

// EraseProfile takes a customer's profile away, codes, numbers and consent included. The bare id stays until Release.
func (s *Shard) EraseProfile(row int) bool { return s.strip(row, inUse) }

// strip leaves flags and nothing else.
func (s *Shard) strip(row int, flags byte) bool {
	clear(s.next)
	s.next[0] = flags
	return s.replace(row)
}

// position finds a field. Names usually come in the order in which they came last time, so that one comparison is
// enough; last is the position of the field before. -1: the field is not kept.
func (s *Shard) position(last int, v *schemas.FieldValue) int {
	guess := int(s.follows[last])
	if guess < len(s.columns) && s.columns[guess].name == string(v.Name) && v.Kind != schemas.Other {
		return guess
	}
	if v.Kind == schemas.Other {
		s.dirtyFields = note(&s.unkept.Nested, v.Name) || s.dirtyFields
		return -1
	}
	position, known := s.byName[string(v.Name)]
	if !known {
		if len(s.columns) == mostFields {
			s.dirtyFields = note(&s.unkept.Beyond, v.Name) || s.dirtyFields
			return -1
		}
		position = s.addColumn(string(v.Name))
	}
	s.follows[last] = int32(position)
	return position
}

func (s *Shard) addColumn(name string) int {
	position := len(s.columns)
	s.columns = append(s.columns, newColumn(name))
	s.byName[name] = position
	s.changed(s.columns[position])
	s.dirtyFields = true
	s.widen()
	return position
}

// widen makes room for a field or a number that has come, in all rows and in the one being composed.
func (s *Shard) widen() {
	numbers := s.rows.numbers
	was := numbers
	for _, c := range s.columns {
		numbers = max(numbers, c.number+1)
	}
	if !s.rows.widen(len(s.columns), numbers) {
		return
	}
	next := make([]byte, s.rows.width)
	widenRow(next, s.next, was)
	s.next = next
	for _, c := range s.columns {
		if c.number >= 0 {
			s.changed(c) // its numbers have moved
		}
	}
}

// compose brings one value into the row that is being composed, and counts it.
func (s *Shard) compose(row, position int, v *schemas.FieldValue) {
	c := s.columns[position]
	at := codeAt(position)
	if s.next[at] != 0 {
		return // a name that stands twice
	}
	if v.Kind == schemas.Number {
		if c.number < 0 {
			s.addNumber(c)
		}
		number := numberAt(s.rows.width, c.number)
		binary.LittleEndian.PutUint16(s.next[number:], PackNumber(v.Number))
	}
	old, value := s.rows.at(row)[at], pack(v)
	if old != 0 && (c.overflow || c.is(old, &value, v.Text)) {
		s.next[at] = old
		return
	}
	if old != 0 {
		s.uncount(row, c, at) // first, so that the value it may leave free is free for the new one
	}
	s.next[at] = s.code(c, at, v, &value)
	c.counts[s.next[at]]++
}

func (s *Shard) addNumber(c *column) {
	c.number = s.rows.numbers
	s.changed(c)
	s.dirtyFields = true
	s.widen()
}

// code finds or gives the code of a value.
func (s *Shard) code(c *column, at int, v *schemas.FieldValue, value *packed) byte {
	if c.overflow {
		return tooMany
	}
	hash := value.hash(v.Text)
	if code := c.find(value, v.Text, hash); code != 0 {
		return code
	}
	code := c.learn(v, hash)
	if code == 0 {
		s.overflow(c, at)
		return tooMany
	}
	s.changed(c)
	return code
}

// overflow forgets the values of a field, of which there are too many: of every customer only that there is one.
func (s *Shard) overflow(c *column, at int) {
	c.forget()
	s.changed(c)
	s.dirtyFields = true
	width := s.rows.width
	for b, block := range s.rows.blocks {
		found := false
		for i := at; i < len(block); i += width {
			if block[i] != 0 {
				block[i], found = tooMany, true
			}
		}
		if found {
			s.rows.dirt.whole(b)
		}
	}
}

// uncount takes a row's code out of the count, and out of the row, so that it is not counted out twice. A value that
// nobody has any more is wiped.
func (s *Shard) uncount(row int, c *column, at int) {
	old := &s.rows.at(row)[at]
	code := *old
	*old = 0
	c.counts[code]--
	if c.counts[code] == 0 && code != tooMany {
		c.wipe(code)
		s.changed(c)
	}
	s.rows.mark(row)
}

// replace puts the composed row in the place of the old one and says whether they differ.
func (s *Shard) replace(row int) bool {
	old := s.rows.at(row)
	if bytes.Equal(old, s.next) {
		return false
	}
	for position, c := range s.columns {
		if at := codeAt(position); s.next[at] == 0 && old[at] != 0 {
			s.uncount(row, c, at)
		}
	}
	copy(old, s.next)
	s.rows.mark(row)
	return true
}

func (s *Shard) changed(c *column) {
	s.version++
	c.version = s.version
}
