package cache

import (
	"slices"

	"kindred/pipeline/format"
)

// Fields returns all fields by position.
func (m *Mirror) Fields() []format.Field {
	if m.fieldAt == m.version {
		return m.fields
	}
	m.fields = m.fields[:0]
	for position, c := range m.columns {
		f := format.Field{
			Name: c.name, Code: codeAt(position), Number: -1, Values: c.texts, Overflow: c.overflow, Version: c.version,
		}
		if c.number >= 0 {
			f.Number = numberAt(m.rows.width, c.number)
		}
		m.fields = append(m.fields, f)
	}
	m.fieldAt = m.version
	return m.fields
}

// Version changes whenever what Fields returns does.
func (m *Mirror) Version() uint64 { return m.version }

// Counts returns how many customers have each code of the field at a position.
func (m *Mirror) Counts(position int) *[256]int32 { return &m.columns[position].counts }

// Unkept returns the fields that customers have and the cache does not keep.
func (m *Mirror) Unkept() Unkept { return m.unkept }

// Unkept names fields that customers have and the cache does not keep, in the order in which they were met and up to
// 256 of each kind.
type Unkept struct {
	Beyond []string `json:"beyond,omitempty"` // there was no place for them: the shard has 256 others
	More   bool     `json:"more,omitempty"`   // there are, or were, more of them than are named
	Nested []string `json:"nested,omitempty"` // somebody has an object or an array there; other values are kept
	Long   []string `json:"long,omitempty"`   // their names have more than 255 bytes; here are their beginnings

	Unknown []string `json:"unknown,omitempty"` // no fields: properties beside them, which mean nothing
}

const mostUnkept = 256

// Bounds of what one profile can make a shard keep.
const (
	longestName  = 255  // bytes of a field's name
	longestNoted = 40   // bytes of a longer one that are kept to report it
	longestText  = 1000 // bytes of a value: of a longer one is kept only that there is one
)

// note adds a name unless it is there, or there is no more room, and reports whether it did.
func note(names *[]string, name []byte) bool {
	same := func(known string) bool { return known == string(name) }
	if len(*names) == mostUnkept || slices.ContainsFunc(*names, same) {
		return false
	}
	*names = append(*names, string(name))
	return true
}
