package cache

// fewRows is up to how many rows of a block are stored one by one; beyond, storing the whole block is cheaper.
const fewRows = 32

// dirtySet remembers what differs from what was stored, block by block.
type dirtySet struct {
	blocks []dirtyBlock
	list   []int32 // the blocks that are dirty, in the order in which they became so
}

type dirtyBlock struct {
	count int16 // of the rows below; allOf: all
	rows  [fewRows]uint16
}

const allOf = -1

// row marks row i of a block.
func (d *dirtySet) row(block, i int) {
	b := d.of(block)
	if b.count == allOf {
		return
	}
	for _, known := range b.rows[:b.count] {
		if int(known) == i {
			return
		}
	}
	if b.count == 0 {
		d.list = append(d.list, int32(block))
	}
	if b.count == fewRows {
		b.count = allOf
		return
	}
	b.rows[b.count] = uint16(i)
	b.count++
}

// whole marks a whole block: it is new, or has changed as a whole.
func (d *dirtySet) whole(block int) {
	b := d.of(block)
	if b.count == 0 {
		d.list = append(d.list, int32(block))
	}
	b.count = allOf
}

// wholes marks the first n blocks, and all that were ever dirty: of those, too, nobody knows what is stored.
func (d *dirtySet) wholes(n int) {
	for block := range max(n, len(d.blocks)) {
		d.whole(block)
	}
}

func (d *dirtySet) of(block int) *dirtyBlock {
	for block >= len(d.blocks) {
		d.blocks = append(d.blocks, dirtyBlock{})
	}
	return &d.blocks[block]
}

// rowsOf returns the dirty rows of a dirty block; nil: store the whole block.
func (d *dirtySet) rowsOf(block int32) []uint16 {
	b := &d.blocks[block]
	if b.count == allOf {
		return nil
	}
	return b.rows[:b.count]
}

// size estimates the bytes of what is dirty, when a row has each.
func (d *dirtySet) size(each int) int {
	n := 0
	for _, block := range d.list {
		if count := d.blocks[block].count; count == allOf {
			n += BlockRows * each
		} else {
			n += int(count) * each
		}
	}
	return n
}

// clean forgets all marks.
func (d *dirtySet) clean() {
	for _, block := range d.list {
		d.blocks[block].count = 0
	}
	d.list = d.list[:0]
}
