package cache

import (
	"encoding/json"
	"sync/atomic"
)

// Save is a copy of what is to be stored, so that storing it goes on beside the owner's loop.
//
// Invariant: rows and what they belong to (offsets, counts, published states) are of the same moment.
type Save struct {
	bytes []byte   // of all writes, one after the other
	rows  []uint16 // row numbers of all writes of single rows
	texts []string // fields and values of all writes to hashes
	ops   []op
	set   []string // fields of meta and their values
	unset []string // fields of meta to be removed
	ready bool

	stored int         // the first ops, which are in Redis; written by Exec
	free   atomic.Bool // nobody needs it any more
}

// op is one key that changes.
type op struct {
	of     family
	name   string // of a segment or an expansion
	number int    // of a block, a chunk or a field
	how    how

	bytes   span // in Save.bytes
	rows    span // in Save.rows, for someRows
	texts   span // in Save.texts, for hashes: pairs of field and value; an empty value removes the field
	replace bool // the hash as a whole
	held    int  // fields that the hash has before, unless it is replaced
}

type span struct{ from, to int }

func (s span) len() int { return s.to - s.from }

type family uint8

const (
	rowsFamily family = iota
	idsFamily
	chunksFamily
	statesFamily
	modelsFamily
	fieldsFamily
	dictFamily
)

type how uint8

const (
	whole    how = iota // SET
	someRows            // SETRANGE of each row
	remove              // DEL
	hash                // HSET and HDEL
)

const keptBytes = 256 << 10 // of a Save that is used again

func (s *Save) reset() {
	s.free.Store(false)
	s.stored = 0
	s.bytes, s.rows = s.bytes[:0], s.rows[:0]
	clear(s.texts)
	clear(s.ops)
	clear(s.set)
	s.texts, s.ops, s.set, s.unset = s.texts[:0], s.ops[:0], s.set[:0], s.unset[:0]
}

// done makes the Save free for the next Snapshot, but for the memory that only a large one needs.
func (s *Save) done() {
	if cap(s.bytes) > keptBytes {
		s.bytes = nil
	}
	s.free.Store(true)
}

// dirtyBlocks copies the dirty blocks of a sequence, or, where that is enough, only their dirty rows. It removes the keys
// of those that hold nothing any more, and leaves the sequence clean. o is the op but for the block's number.
func (s *Save) dirtyBlocks(o op, blocks [][]byte, dirty *dirtySet, wholeOnly bool) {
	for _, b := range dirty.list {
		o.number = int(b)
		switch {
		case int(b) >= len(blocks) || blocks[b] == nil:
			s.ops = append(s.ops, op{of: o.of, name: o.name, number: o.number, how: remove})
		case wholeOnly:
			s.block(o, blocks[b], nil)
		default:
			s.block(o, blocks[b], dirty.rowsOf(b))
		}
	}
	dirty.clean()
}

// block copies a block, or only some of its rows.
func (s *Save) block(o op, block []byte, rows []uint16) {
	o.bytes.from = len(s.bytes)
	if rows == nil {
		o.how = whole
		s.bytes = append(s.bytes, block...)
	} else {
		o.how = someRows
		each := perRow(block)
		o.rows.from = len(s.rows)
		s.rows = append(s.rows, rows...)
		o.rows.to = len(s.rows)
		for _, i := range rows {
			s.bytes = append(s.bytes, block[int(i)*each:(int(i)+1)*each]...)
		}
	}
	o.bytes.to = len(s.bytes)
	s.ops = append(s.ops, o)
}

func (s *Save) json(name string, value any) { s.set = append(s.set, name, encode(value)) }

// encode returns a value's JSON. The values that are encoded here always have one.
func encode(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return string(text)
}
