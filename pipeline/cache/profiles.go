package cache

import (
	"bytes"
	"encoding/binary"

	"kindred/pipeline/format"

	"kindred/schemas"
)

// SetProfile sets a customer's whole profile: what it does not name is absent from now on. Without consent only the
// row, its id and that fact are kept. It says whether anything has changed; a row that has not is not stored again.
func (m *Mirror) SetProfile(row int, p *schemas.Profile) bool {
	if !p.Profiling {
		return m.strip(row, inUse|hasProfile)
	}
	clear(m.next)
	m.next[0] = inUse | hasProfile | consents
	last := mostFields // what the first field follows
	for i := range p.Fields {
		v := &p.Fields[i]
		if v.Kind == schemas.Absent {
			continue
		}
		position := m.position(last, v)
		if position < 0 {
			continue
		}
		last = position
		m.compose(row, position, v)
	}
	return m.replace(row)
}

// EraseProfile takes a customer's profile away, codes, numbers and consent included. The bare id stays until Release.
func (m *Mirror) EraseProfile(row int) bool { return m.strip(row, inUse) }

// strip leaves flags and nothing else.
func (m *Mirror) strip(row int, flags byte) bool {
	clear(m.next)
	m.next[0] = flags
	return m.replace(row)
}

// position finds a field. Names usually come in the order in which they came last time, so that one comparison is
// enough; last is the position of the field before. -1: the field is not kept.
func (m *Mirror) position(last int, v *schemas.FieldValue) int {
	guess := int(m.follows[last])
	if guess < len(m.columns) && m.columns[guess].name == string(v.Name) && v.Kind != schemas.Other {
		return guess
	}
	if v.Kind == schemas.Other {
		m.dirtyFields = note(&m.unkept.Nested, v.Name) || m.dirtyFields
		return -1
	}
	position, known := m.byName[string(v.Name)]
	if !known {
		if len(m.columns) == mostFields {
			m.dirtyFields = note(&m.unkept.Beyond, v.Name) || m.dirtyFields
			return -1
		}
		position = m.addColumn(string(v.Name))
	}
	m.follows[last] = int32(position)
	return position
}

func (m *Mirror) addColumn(name string) int {
	position := len(m.columns)
	m.columns = append(m.columns, newColumn(name))
	m.byName[name] = position
	m.changed(m.columns[position])
	m.dirtyFields = true
	m.widen()
	return position
}

// widen makes room for a field or a number that has come, in all rows and in the one being composed.
func (m *Mirror) widen() {
	numbers := m.rows.numbers
	was := numbers
	for _, c := range m.columns {
		numbers = max(numbers, c.number+1)
	}
	if !m.rows.widen(len(m.columns), numbers) {
		return
	}
	next := make([]byte, m.rows.width)
	widenRow(next, m.next, was)
	m.next = next
	for _, c := range m.columns {
		if c.number >= 0 {
			m.changed(c) // its numbers have moved
		}
	}
}

// compose brings one value into the row that is being composed, and counts it.
func (m *Mirror) compose(row, position int, v *schemas.FieldValue) {
	c := m.columns[position]
	at := codeAt(position)
	if m.next[at] != 0 {
		return // a name that stands twice
	}
	if v.Kind == schemas.Number {
		if c.number < 0 {
			m.addNumber(c)
		}
		number := numberAt(m.rows.width, c.number)
		binary.LittleEndian.PutUint16(m.next[number:], format.Key(v.Number))
	}
	old, value := m.rows.at(row)[at], pack(v)
	if old != 0 && (c.overflow || c.is(old, &value, v.Text)) {
		m.next[at] = old
		return
	}
	if old != 0 {
		m.uncount(row, c, at) // first, so that the value it may leave free is free for the new one
	}
	m.next[at] = m.code(c, at, v, &value)
	c.counts[m.next[at]]++
}

func (m *Mirror) addNumber(c *column) {
	c.number = m.rows.numbers
	m.changed(c)
	m.dirtyFields = true
	m.widen()
}

// code finds or gives the code of a value.
func (m *Mirror) code(c *column, at int, v *schemas.FieldValue, value *packed) byte {
	if c.overflow {
		return tooMany
	}
	hash := value.hash(v.Text)
	if code := c.find(value, v.Text, hash); code != 0 {
		return code
	}
	code := c.learn(v, hash)
	if code == 0 {
		m.overflow(c, at)
		return tooMany
	}
	m.changed(c)
	return code
}

// overflow forgets the values of a field, of which there are too many: of every customer only that there is one.
func (m *Mirror) overflow(c *column, at int) {
	c.forget()
	m.changed(c)
	m.dirtyFields = true
	width := m.rows.width
	for b, block := range m.rows.blocks {
		found := false
		for i := at; i < len(block); i += width {
			if block[i] != 0 {
				block[i], found = tooMany, true
			}
		}
		if found {
			m.rows.dirt.whole(b)
		}
	}
}

// uncount takes a row's code out of the count, and out of the row, so that it is not counted out twice. A value that
// nobody has any more is wiped.
func (m *Mirror) uncount(row int, c *column, at int) {
	old := &m.rows.at(row)[at]
	code := *old
	*old = 0
	c.counts[code]--
	if c.counts[code] == 0 && code != tooMany {
		c.wipe(code)
		m.changed(c)
	}
	m.rows.mark(row)
}

// replace puts the composed row in the place of the old one and says whether they differ.
func (m *Mirror) replace(row int) bool {
	old := m.rows.at(row)
	if bytes.Equal(old, m.next) {
		return false
	}
	for position, c := range m.columns {
		if at := codeAt(position); m.next[at] == 0 && old[at] != 0 {
			m.uncount(row, c, at)
		}
	}
	copy(old, m.next)
	m.rows.mark(row)
	return true
}

func (m *Mirror) changed(c *column) {
	m.version++
	c.version = m.version
}
