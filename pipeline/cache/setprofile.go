package cache

import (
	"bytes"
	"encoding/binary"
	"strings"

	"kindred/pipeline/format"
	"kindred/schemas"
)

// SetProfile sets a customer's whole profile: what it does not name is absent from now on. Without consent only the
// row, its id and that fact are kept. It reports whether anything has changed; a row that has not is not stored again.
//
// All that depends on the profile's values is done before anything is counted. So a panic on the way leaves the row, all
// counts and all dictionaries as they were; only fields that were named for the first time stay, which nobody has.
func (m *Mirror) SetProfile(row int, p *schemas.Profile) bool {
	if !p.Profiling {
		return m.strip(row, inUse|hasProfile)
	}
	m.begin(inUse | hasProfile | consents)
	for _, name := range p.Unknown {
		if len(name) > longestName {
			name = []byte(schemas.Shorten(string(name), longestNoted))
		}
		m.dirtyFields = note(&m.unkept.Unknown, name) || m.dirtyFields
	}
	last := mostFields // what the first field follows
	for i := range p.Fields {
		v := &p.Fields[i]
		if v.Kind == schemas.Absent {
			continue
		}
		position := m.position(last, v)
		if position == unplaced {
			m.composeUnplaced(v)
		}
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
	m.begin(flags)
	return m.replace(row)
}

// begin begins to compose a row.
func (m *Mirror) begin(flags byte) {
	clear(m.next)
	m.next[0] = flags
	clear(m.unseen)
	m.unseen = m.unseen[:0]
	for _, d := range m.drafts.active {
		d.next = 0
	}
}

const (
	notKept  = -1 // values of a field are not, whatever comes
	unplaced = -2 // there is no place for a field
)

// position finds a field. Names usually come in the order in which they came last time, so that one comparison is
// enough; last is the position of the field before. It may also be notKept or unplaced.
func (m *Mirror) position(last int, v *schemas.FieldValue) int {
	guess := int(m.follows[last])
	if guess < len(m.columns) && m.columns[guess].name == string(v.Name) && v.Kind != schemas.Other {
		return guess
	}
	if v.Kind == schemas.Other {
		m.dirtyFields = note(&m.unkept.Nested, v.Name) || m.dirtyFields
		return notKept
	}
	if len(v.Name) > longestName {
		name := strings.ToValidUTF8(string(v.Name[:longestNoted]), "") + "…"
		m.dirtyFields = note(&m.unkept.Long, []byte(name)) || m.dirtyFields
		return notKept
	}
	position, known := m.byName[string(v.Name)]
	if !known {
		if m.drafts.partial > 0 || m.vacancy() < 0 {
			return unplaced // where rows have values without a place, nobody knows whether they are of this field
		}
		position = m.addColumn(string(v.Name))
	}
	m.follows[last] = int32(position)
	return position
}

// addColumn gives a field the place of vacancy: a new one, or that of a field of which nobody has a value any more.
func (m *Mirror) addColumn(name string) int {
	c, position := newColumn(name), m.vacancy()
	m.byName[name] = position
	if position == len(m.columns) {
		m.columns = append(m.columns, c)
		m.vacant++
		m.changed(c)
		m.dirtyFields = true
		m.widen()
		return position
	}
	old := m.columns[position]
	delete(m.byName, old.name)
	m.drafts.end(old.draft)
	m.columns[position] = c
	c.number, c.stored, c.dirtyAll = old.number, old.stored, true
	m.remade(c)
	return position
}

// composeUnplaced brings a value for which there is no place into the draft of its field.
func (m *Mirror) composeUnplaced(v *schemas.FieldValue) {
	m.next[0] |= partial
	d := m.unplacedDraft(v.Name)
	if d == nil {
		m.next[0] |= untold
		return
	}
	if d.next = d.code(v); d.next == 0 {
		m.lose(d)
		d.next = d.code(v)
	}
}

func (m *Mirror) addNumber(c *column) {
	c.number = m.rows.numbers
	m.changed(c)
	m.dirtyFields = true
	m.widen()
}

// widen makes room for a new field, or for the numbers of a field that has its first one, in all rows and in the one being
// composed.
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

// unseen is a value of the profile being set that its field's dictionary does not have yet.
type unseen struct {
	position int
	value    entry
	hash     uint64
}

// compose brings one value into the row that is being composed. A value without a code is put down in m.unseen, and gets
// one in replace.
func (m *Mirror) compose(row, position int, v *schemas.FieldValue) {
	c := m.columns[position]
	at := codeAt(position)
	if m.next[at] != 0 {
		return // the profile names the field twice
	}
	if v.Kind == schemas.Number {
		if c.number < 0 {
			m.addNumber(c)
		}
		number := numberAt(m.rows.width, c.number)
		binary.LittleEndian.PutUint32(m.next[number:], format.Key(v.Number))
	}
	if c.overflow {
		m.next[at] = tooMany
		if c.draft.next = c.draft.code(v); c.draft.next == 0 {
			c.draft.restart(m.drafts.changes)
			c.draft.next = c.draft.code(v)
		}
		return
	}
	if v.Kind == schemas.String && len(v.Text) > longestText {
		m.next[at] = tooMany // it is counted, and not kept
		return
	}
	old, value := m.rows.at(row)[at], pack(v)
	if old != 0 && c.is(old, &value, v.Text) {
		m.next[at] = old
		return
	}
	hash := value.hash(v.Text)
	code := c.find(&value, v.Text, hash)
	if code == 0 {
		m.unseen = append(m.unseen, unseen{position, newEntry(v, value), hash})
		code = tooMany // unless replace finds a code for it
	}
	m.next[at] = code
}

// replace puts the composed row in the place of the old one, with everything that is counted, and reports whether they
// differ.
func (m *Mirror) replace(row int) bool {
	m.drafts.set(row, m.rows.at(row)[0], m.next[0])
	changed := m.replaceRow(row)
	m.complete()
	return changed
}

func (m *Mirror) replaceRow(row int) bool {
	old := m.rows.at(row)
	if len(m.unseen) == 0 && bytes.Equal(old, m.next) {
		return false
	}
	for i := range m.unseen {
		u := &m.unseen[i]
		c, at := m.columns[u.position], codeAt(u.position)
		if old[at] != 0 {
			m.uncount(c, &old[at]) // first, so that the value it may leave free is free for the new one
		}
		m.next[at] = m.learn(c, at, u)
	}
	for position, c := range m.columns {
		at := codeAt(position)
		if m.next[at] == old[at] {
			continue
		}
		if old[at] != 0 {
			m.uncount(c, &old[at])
		}
		if m.next[at] != 0 {
			m.count(c, m.next[at])
		}
	}
	copy(old, m.next)
	m.rows.mark(row)
	return true
}

// learn returns a new code for a value, or the one for all values when there are too many.
func (m *Mirror) learn(c *column, at int, u *unseen) byte {
	code := c.learn(u.value, u.hash)
	if code == 0 {
		m.overflow(c, at)
		return tooMany
	}
	m.changed(c)
	return code
}

// overflow forgets the values of a field, of which there are too many: of every customer it keeps only that there is one.
func (m *Mirror) overflow(c *column, at int) {
	c.forget()
	c.draft = newDraft(c.name, m.drafts.changes)
	m.drafts.active = append(m.drafts.active, c.draft)
	m.remade(c)
	width := m.rows.width
	for b, block := range m.rows.blocks {
		found := false
		for i := at; i < len(block); i += width {
			if block[i] != 0 {
				block[i], found = tooMany, true
			}
		}
		if found {
			m.rows.dirty.whole(b)
		}
	}
}

// count counts a row's code.
func (m *Mirror) count(c *column, code byte) {
	c.counts[code]++
	if c.holders++; c.holders == 1 {
		m.vacant--
	}
}

// uncount takes a row's code out of the count, and out of the row, so that it is not counted out twice. A value that
// nobody has any more is wiped.
func (m *Mirror) uncount(c *column, code *byte) {
	old := *code
	*code = 0
	c.counts[old]--
	if c.holders--; c.holders == 0 {
		m.vacant++
	}
	if c.counts[old] == 0 && old != tooMany {
		c.wipe(old)
		m.changed(c)
	}
}

// changed gives a column, and with it all fields, a new version.
func (m *Mirror) changed(c *column) {
	m.version++
	c.version = m.version
}
