package cache

import "kindred/pipeline/format"

// View is a shard's cache as read from Redis by somebody who does not own it. It does not change, and may be read by
// several goroutines. With inputs moving, rows are of slightly different moments.
type View struct {
	Shard   int
	Meta    *Meta // before the rows were read
	After   *Meta // when all was read
	NumRows int   // ever in use; some are nobody's now
	Width   int   // bytes of a row
	Fields  []format.Field
	Unkept  Unkept
	Kept    bool // rows, ids and fields are those of Want.Keep, which are still the shard's: they were not read again

	bare      bool   // see Want.Bare
	buffer    []byte // all blocks
	rows      [][]byte
	ids       [][]byte
	segments  map[string]*Segment
	published map[string]*Published
	model     []byte
}

// Want is what to read beside the rows.
type Want struct {
	Segments   []string
	Expansions []string // whose published states
	Derived    []string // expansions whose members are read as if they were segments
	Model      string   // an expansion whose model to read, if the shard has one
	Bare       bool     // of the rows only whose they are: nobody may ask for Row and Rows
	Into       *View    // one that nobody needs any more: its memory is used again; nil: new memory
	Keep       *View    // rows are taken over from there, if they are still the shard's; else nothing is read (ErrOtherRows)
}

// Blocks is how many blocks the view has.
func (v *View) Blocks() int { return len(v.rows) }

// Rows returns the rows of a block, Width bytes each: BlockRows of them, fewer in the last block.
func (v *View) Rows(block int) []byte {
	return v.rows[block][:v.rowsIn(block)*v.Width]
}

// IDs returns the ids of a block as they are stored: BlockRows slots of IDWidth bytes, filled up with zeros.
func (v *View) IDs(block int) []byte { return v.ids[block] }

// IDWidth is how many bytes an id takes in a block.
func (v *View) IDWidth(block int) int { return perRow(v.ids[block]) }

func (v *View) rowsIn(block int) int { return min(BlockRows, v.NumRows-block*BlockRows) }

// Row returns the bytes of a row.
func (v *View) Row(row int) []byte {
	i := row % BlockRows
	return v.rows[row/BlockRows][i*v.Width : (i+1)*v.Width]
}

// ID returns the customer of a row; empty when it is nobody's.
func (v *View) ID(row int) []byte { return idIn(v.ids[row/BlockRows], row%BlockRows) }

// Find looks for a customer's row, one after the other.
func (v *View) Find(id []byte) (row int, ok bool) {
	if len(id) == 0 {
		return 0, false
	}
	for row := range v.NumRows {
		if string(v.ID(row)) == string(id) {
			return row, true
		}
	}
	return 0, false
}

// Segment returns one of the segments that were wanted, derived ones too; nil, which has nobody in it, when the shard knows
// nothing of it.
func (v *View) Segment(name string) *Segment { return v.segments[name] }

// Published returns the states of one of the expansions that were wanted; nil, where nobody has one, when there are none.
func (v *View) Published(expansion string) *Published { return v.published[expansion] }

// Model returns the model that was wanted, as the owner has read it; nil: the shard has none.
func (v *View) Model() []byte { return v.model }
