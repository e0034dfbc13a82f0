package cache

import "slices"

// Field says where a field is kept in a shard's rows, and what its codes mean there. Codes mean nothing outside.
type Field struct {
	Name     string
	Code     int      // where in a row its code is: 0 absent, 255 a value of a field that has too many
	Number   int      // where in a row the two bytes of its number are, little-endian, 0 none; -1: there never was one
	Values   []string // by code: canonical JSON text; [0] is unused, "" is a code that means nothing now
	Overflow bool     // had more than 254 values at a time: none is kept until the shard is rebuilt, every code is 255
	Version  uint64   // differs whenever anything above does, of this field or of another
}

// Fields gives all fields by position.
func (m *Mirror) Fields() []Field {
	if m.fieldAt == m.version {
		return m.fields
	}
	m.fields = m.fields[:0]
	for position, c := range m.columns {
		f := Field{c.name, codeAt(position), -1, c.texts, c.overflow, c.version}
		if c.number >= 0 {
			f.Number = numberAt(m.rows.width, c.number)
		}
		m.fields = append(m.fields, f)
	}
	m.fieldAt = m.version
	return m.fields
}

// Version differs whenever Fields would.
func (m *Mirror) Version() uint64 { return m.version }

// Counts gives how many customers have each code of the field at a position.
func (m *Mirror) Counts(position int) *[256]int32 { return &m.columns[position].counts }

// Unkept tells of fields that customers have and the cache does not keep.
func (m *Mirror) Unkept() Unkept { return m.unkept }

// Unkept names fields that customers have and the cache does not keep, in the order in which they were met and up to
// 256 of each kind.
type Unkept struct {
	Beyond []string `json:"beyond,omitempty"` // they came when the shard had 256 fields already
	Nested []string `json:"nested,omitempty"` // somebody has an object or an array there; other values are kept
}

const mostUnkept = 256

// note adds a name unless it is there; it says whether it was not.
func note(names *[]string, name []byte) bool {
	same := func(known string) bool { return known == string(name) }
	if len(*names) == mostUnkept || slices.ContainsFunc(*names, same) {
		return false
	}
	*names = append(*names, string(name))
	return true
}
