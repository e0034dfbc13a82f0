package cache

// fewRows is up to how many rows of a block are stored one by one; beyond, storing the whole block is cheaper.
const fewRows = 32

// dirt remembers what differs from what was stored, block by block.
type dirt struct {
	blocks []blockDirt
	list   []int32 // the blocks that are dirty, in the order in which they became so
}

type blockDirt struct {
	count int16 // of the rows below; allOf: all
	rows  [fewRows]uint16
}

const allOf = -1

// row marks row i of a block.
func (d *dirt) row(block, i int) {
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
func (d *dirt) whole(block int) {
	b := d.of(block)
	if b.count == 0 {
		d.list = append(d.list, int32(block))
	}
	b.count = allOf
}

func (d *dirt) of(block int) *blockDirt {
	for block >= len(d.blocks) {
		d.blocks = append(d.blocks, blockDirt{})
	}
	return &d.blocks[block]
}

// clean forgets all marks.
func (d *dirt) clean() {
	for _, block := range d.list {
		d.blocks[block].count = 0
	}
	d.list = d.list[:0]
}
