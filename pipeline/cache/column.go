package cache

import "kindred/schemas"

const (
	mostFields  = 256
	mostValues  = 254 // of a field, at a time
	tooMany     = 255 // the code of every value of a field that had more, and of a text that is too long to be kept
	tableCells  = 512 // twice as many as values: a probe ends soon
	cellCode    = 0xFF
	cellHashing = 0xFF00 // some bits of the value's hash
)

// column is what the owner knows of one field: a dictionary of its values and how many rows have each.
type column struct {
	name     string
	number   int // place among the fields with numbers; -1: no customer ever had a number here
	overflow bool
	draft    *draft // of a column that has overflowed
	holders  int32  // rows that have a value
	version  uint64

	// Invariant: counts are those of the rows' codes. Every code below 255 that a row has means a value, and a value that no
	// row has is wiped at once.
	texts  []string   // by code: canonical JSON; [0] is unused, "" is a code that is free
	keys   []key      // by code
	counts [256]int32 // rows by code, 255 too
	wiped  []uint8    // codes that are free again, the longest free first
	table  [tableCells]uint16

	dirty    [4]uint64 // codes whose text is to be stored
	dirtyAll bool      // the whole dictionary is
	stored   int       // values that the dictionary in Redis has, once the Snapshot made last is stored
}

func newColumn(name string) *column {
	return &column{name: name, number: -1, texts: make([]string, 1, 8), keys: make([]key, 1, 8)}
}

// size returns how many values the dictionary has.
func (c *column) size() int { return len(c.texts) - 1 - len(c.wiped) }

// is reports whether a code stands for a value.
func (c *column) is(code byte, p *packed, text []byte) bool {
	return int(code) < len(c.keys) && c.keys[code].is(p, text)
}

// find returns the code of a value; 0: it has none.
func (c *column) find(p *packed, text []byte, hash uint64) byte {
	tag := uint16(hash>>48) & cellHashing
	for i := hash % tableCells; ; i = (i + 1) % tableCells {
		cell := c.table[i]
		if cell == 0 {
			return 0
		}
		if code := byte(cell & cellCode); cell&cellHashing == tag && c.is(code, p, text) {
			return code
		}
	}
}

// enter puts a code into the table.
func (c *column) enter(code byte, hash uint64) {
	i := hash % tableCells
	for c.table[i] != 0 {
		i = (i + 1) % tableCells
	}
	c.table[i] = uint16(hash>>48)&cellHashing | uint16(code)
}

// learn returns a code for a new value: one that never meant anything, else the one that has been free for longest, so
// that a reader who still has the old meaning of a code is unlikely to meet the new one. 0: there are too many values.
func (c *column) learn(e entry, hash uint64) byte {
	var code byte
	switch {
	case len(c.texts) <= mostValues:
		code = byte(len(c.texts))
		c.texts = append(c.texts, "")
		c.keys = append(c.keys, key{})
	case len(c.wiped) > 0:
		code = c.wiped[0]
		c.wiped = append(c.wiped[:0], c.wiped[1:]...)
	default:
		return 0
	}
	c.texts[code], c.keys[code] = e.text, e.key
	c.enter(code, hash)
	c.mark(code)
	return code
}

// wipe forgets a value that nobody has any more.
func (c *column) wipe(code byte) {
	c.texts[code] = ""
	c.keys[code] = key{}
	c.wiped = append(c.wiped, code)
	c.mark(code)
	c.fill()
}

// fill makes the table anew from the keys.
func (c *column) fill() {
	c.table = [tableCells]uint16{}
	for code := 1; code < len(c.keys); code++ {
		if k := &c.keys[code]; k.kind != schemas.Absent {
			c.enter(byte(code), k.hash())
		}
	}
}

// forget drops all values for good: there were too many.
func (c *column) forget() {
	c.overflow = true
	c.texts, c.keys, c.wiped = c.texts[:1:1], c.keys[:1:1], nil
	c.table = [tableCells]uint16{}
	var present int32
	for code, n := range c.counts {
		if code > 0 {
			present += n
		}
	}
	c.counts = [256]int32{tooMany: present}
	c.dirtyAll = true
}

// mark marks a code as dirty.
func (c *column) mark(code byte) { c.dirty[code/64] |= 1 << (code % 64) }
