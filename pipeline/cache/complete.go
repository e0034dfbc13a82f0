package cache

import (
	"encoding/binary"
	"slices"

	"kindred/pipeline/format"
	"kindred/schemas"
)

// drafts are all that a Mirror keeps of fields which the rows do not hold.
type drafts struct {
	changes  uint64            // to profiles so far
	active   []*draft          // of fields with too many values, and of those without a place
	unplaced map[string]*draft // the latter, by name

	partial int32    // rows that have values for which there was no place
	stamps  []uint64 // by row, of those: at which change it was last set; 0: by an earlier owner
	witness int      // one of those that was set before the first of the unplaced drafts began; -1: none is known
}

// mostDrafts is how many fields without a place are followed. Of more, only that there are some is known.
const mostDrafts = 256

// unplacedDraft returns the draft of a field without a place; nil: it is not followed.
func (m *Mirror) unplacedDraft(name []byte) *draft {
	t := &m.drafts
	d := t.unplaced[string(name)]
	if d != nil && d.noted {
		return d
	}
	noted := m.noteBeyond(name)
	if d != nil {
		d.noted = noted
		return d
	}
	if len(t.unplaced) == mostDrafts {
		t.drop(func(d *draft) bool { return d.holders == 0 && d.next == 0 })
	}
	if len(t.unplaced) == mostDrafts {
		return nil
	}
	d = newDraft(string(name), t.changes)
	d.noted = noted
	if t.unplaced == nil {
		t.unplaced, t.witness = map[string]*draft{}, -1
	}
	t.unplaced[d.name] = d
	t.active = append(t.active, d)
	return d
}

// end ends the draft of a column; nil: it has none.
func (t *drafts) end(d *draft) {
	if d != nil {
		t.active = slices.DeleteFunc(t.active, func(other *draft) bool { return other == d })
	}
}

// drop ends drafts of fields without a place.
func (t *drafts) drop(which func(*draft) bool) {
	t.active = slices.DeleteFunc(t.active, func(d *draft) bool {
		if t.unplaced[d.name] != d || !which(d) {
			return false
		}
		delete(t.unplaced, d.name)
		return true
	})
}

// lose begins an unplaced draft with too many values anew. Whoever had one has from now on a value of which no draft knows.
func (m *Mirror) lose(d *draft) {
	for _, row := range d.rows {
		if d.codes[row] != 0 {
			m.rows.at(int(row))[0] |= untold
			m.rows.mark(int(row))
		}
	}
	d.restart(m.drafts.changes)
}

// set takes the composed profile of a row into the drafts.
func (t *drafts) set(row int, old, next byte) {
	t.changes++
	for _, d := range t.active {
		d.set(row, d.next)
	}
	if next&partial != 0 {
		if row >= len(t.stamps) {
			t.stamps = slices.Grow(t.stamps, row+1-len(t.stamps))[:row+1]
		}
		t.stamps[row] = t.changes
	}
	t.partial += int32(next&partial>>partialBit) - int32(old&partial>>partialBit)
}

// stamp returns when a partial row was last set.
func (t *drafts) stamp(row int) uint64 {
	if row < len(t.stamps) {
		return t.stamps[row]
	}
	return 0
}

// complete writes the drafts that know everybody into the rows.
func (m *Mirror) complete() {
	t := &m.drafts
	for i := 0; i < len(t.active); {
		d := t.active[i]
		position, placed := m.byName[d.name]
		if !placed || m.columns[position].draft != d || d.holders != m.columns[position].counts[tooMany] {
			i++
			continue
		}
		t.active = slices.Delete(t.active, i, i+1)
		m.heal(position, d)
	}
	switch {
	case t.partial == 0:
		m.forgetBeyond()
	case len(t.unplaced) == 0:
	case m.vacancy() >= 0 && !m.waits():
		m.place()
	}
}

// heal makes a field that had too many values one like any other.
func (m *Mirror) heal(position int, d *draft) {
	c := m.columns[position]
	c.overflow, c.draft, c.counts = false, nil, [256]int32{}
	m.fill(position, d)
}

// fill writes a draft into the rows, and its values into the dictionary of a column that has none.
func (m *Mirror) fill(position int, d *draft) {
	c, at := m.columns[position], codeAt(position)
	var used [256]int32
	for _, code := range d.codes {
		used[code]++
	}
	var codes [256]byte
	var keys [256]uint32
	numbers := false
	codes[tooMany] = tooMany
	for code := 1; code < len(d.values); code++ {
		if used[code] == 0 {
			continue // who had it has another value by now
		}
		v := d.value(code)
		codes[code] = c.learn(newEntry(&v, d.values[code].packed), d.values[code].hash(v.Text))
		if v.Kind == schemas.Number {
			keys[code], numbers = format.Key(v.Number), true
		}
	}
	if numbers && c.number < 0 {
		m.addNumber(c)
	}
	for row, code := range d.codes {
		if code == 0 {
			continue
		}
		bytes := m.rows.at(row)
		bytes[at] = codes[code]
		c.counts[codes[code]]++
		if keys[code] != 0 {
			binary.LittleEndian.PutUint32(bytes[numberAt(m.rows.width, c.number):], keys[code])
		}
		m.rows.mark(row)
	}
	c.dirtyAll = true
	m.remade(c)
}

// remade notes that a column means something else from now on, in all rows.
func (m *Mirror) remade(c *column) {
	m.changed(c)
	m.dirtyFields = true
	m.forms++
}

// vacancy returns a position that a field may have; -1: there is none. The profile that is being set may have given a field
// its first value.
func (m *Mirror) vacancy() int {
	if len(m.columns) < mostFields {
		return len(m.columns)
	}
	if m.vacant == 0 {
		return -1
	}
	for position, c := range m.columns {
		if c.holders == 0 && m.next[codeAt(position)] == 0 {
			return position
		}
	}
	return -1
}

// unsure reports whether a row may have a value in a field without a place that the field's draft does not know, unless the
// draft began before the row was last set.
func (m *Mirror) unsure(row int) bool {
	flags := m.rows.at(row)[0]
	return flags&partial != 0 && (flags&untold != 0 || m.drafts.stamp(row) == 0)
}

// waits reports whether some row was last set before any of the unplaced drafts began, and may have a value there. To look
// for one takes time, so it remembers one that was found: a random one, so that it is not just the next to be set.
func (m *Mirror) waits() bool {
	t := &m.drafts
	first := t.changes
	for _, d := range t.unplaced {
		if d.holders > 0 {
			first = min(first, d.began)
		}
	}
	if t.witness >= 0 && m.unsure(t.witness) && t.stamp(t.witness) <= first {
		return true
	}
	t.witness = -1
	var highest uint32
	for row := range m.rows.count {
		if hash := uint32(row+1) * 0x9e3779b1; hash >= highest && m.unsure(row) && t.stamp(row) <= first {
			t.witness, highest = row, hash
		}
	}
	return t.witness >= 0
}

// place gives places to the fields whose drafts know everybody, in the order of their names.
func (m *Mirror) place() {
	t := &m.drafts
	oldest := t.changes + 1
	for row := range m.rows.count {
		if m.unsure(row) {
			oldest = min(oldest, t.stamp(row))
		}
	}
	for _, name := range sortedKeys(t.unplaced) {
		d := t.unplaced[name]
		if d.holders == 0 || d.began >= oldest || m.vacancy() < 0 {
			continue
		}
		t.drop(func(other *draft) bool { return other == d })
		position := m.addColumn(name)
		m.columns[position].holders = d.holders
		m.vacant--
		m.fill(position, d)
		m.unkept.Beyond = slices.DeleteFunc(m.unkept.Beyond, func(other string) bool { return other == name })
	}
	for row := range m.rows.count {
		flags := &m.rows.at(row)[0]
		if *flags&partial == 0 || m.unsure(row) || t.holds(row) {
			continue
		}
		*flags &^= partial
		t.partial--
		m.rows.mark(row)
	}
	if t.partial == 0 {
		m.forgetBeyond()
	}
}

// holds reports whether a row has a value in a field without a place, as far as drafts know.
func (t *drafts) holds(row int) bool {
	for _, d := range t.unplaced {
		if d.of(row) != 0 {
			return true
		}
	}
	return false
}

// noteBeyond notes that there is no place for a field, and reports whether its name stands in Unkept.
func (m *Mirror) noteBeyond(name []byte) bool {
	u := &m.unkept
	switch {
	case note(&u.Beyond, name):
		m.dirtyFields = true
	case !slices.ContainsFunc(u.Beyond, func(known string) bool { return known == string(name) }):
		m.dirtyFields, u.More = m.dirtyFields || !u.More, true
		return false
	}
	return true
}

// forgetBeyond notes that every field has a place.
func (m *Mirror) forgetBeyond() {
	if len(m.drafts.unplaced) > 0 {
		m.drafts.drop(func(*draft) bool { return true })
	}
	if m.unkept.Beyond != nil || m.unkept.More {
		m.unkept.Beyond, m.unkept.More, m.dirtyFields = nil, false, true
	}
}

// Forms changes whenever rows that nobody has touched mean something else than before: a field has got too many values, or
// few enough again, or another field has its place.
func (m *Mirror) Forms() uint64 { return m.forms }
