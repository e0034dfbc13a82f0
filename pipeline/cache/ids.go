package cache

import "bytes"

// slotStep is by how many bytes the slots of a block of ids grow. Up to 16 bytes each step is one of Redis' classes of allocation.
const slotStep = 2

// likelySlot is how long slots are where nobody has looked.
const likelySlot = 16

// ids are the customers' ids by row, in blocks beside those of the rows. Each block has slots as long as its longest
// id asks for: one long id costs its own block, not the shard. Ids hold no control characters, so zeros end them.
type ids struct {
	blocks [][]byte // BlockRows x slot bytes
	dirty  dirtySet
}

func (d *ids) slot(block int) int { return perRow(d.blocks[block]) }

// of returns a row's id; empty when the row is nobody's.
func (d *ids) of(row int) []byte {
	return idIn(d.blocks[row/BlockRows], row%BlockRows)
}

// idIn returns the i-th id of a block.
func idIn(block []byte, i int) []byte {
	slot := perRow(block)
	id := block[i*slot : (i+1)*slot : (i+1)*slot]
	if slot > 0 && id[slot-1] != 0 {
		return id // as most are
	}
	if end := bytes.IndexByte(id, 0); end >= 0 {
		return id[:end:end]
	}
	return id
}

// is reports whether a row has this id.
func (d *ids) is(row int, id []byte) bool {
	block := d.blocks[row/BlockRows]
	slot := perRow(block)
	begin := row % BlockRows * slot
	return len(id) <= slot && string(block[begin:begin+len(id)]) == string(id) &&
		(len(id) == slot || block[begin+len(id)] == 0)
}

// set writes the id of a row that has none.
func (d *ids) set(row int, id []byte) {
	block, i := row/BlockRows, row%BlockRows
	need := (len(id) + slotStep - 1) / slotStep * slotStep
	if block == len(d.blocks) {
		slot := need
		if block > 0 {
			slot = max(need, min(d.slot(block-1), usualSlot))
		}
		d.blocks = append(d.blocks, make([]byte, BlockRows*slot))
		d.dirty.whole(block)
	}
	if need > d.slot(block) {
		d.lengthen(block, need)
	}
	slot := d.slot(block)
	copy(d.blocks[block][i*slot:(i+1)*slot], id)
	d.dirty.row(block, i)
}

// usualSlot bounds what a new block takes over from the last: a UUID fits, a single long id is not passed on.
const usualSlot = 36

// lengthen makes the slots of a block longer.
func (d *ids) lengthen(block, slot int) {
	old, was := d.blocks[block], d.slot(block)
	long := make([]byte, BlockRows*slot)
	for i := range BlockRows {
		copy(long[i*slot:], old[i*was:(i+1)*was])
	}
	d.blocks[block] = long
	d.dirty.whole(block)
}

// wipe clears the id of a row.
func (d *ids) wipe(row int) {
	block, i := row/BlockRows, row%BlockRows
	slot := d.slot(block)
	clear(d.blocks[block][i*slot : (i+1)*slot])
	d.dirty.row(block, i)
}
