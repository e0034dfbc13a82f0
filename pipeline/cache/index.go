package cache

import (
	"math/bits"

	"github.com/cespare/xxhash/v2"
)

// index finds a customer's row: open addressing over the rows' numbers, the ids themselves being in the blocks. A cell
// is row+1 in its low bits and some bits of the id's hash above, so that a probe rarely looks at another's id.
type index struct {
	cells   []uint32 // 0: free
	used    int
	rowBits int // low bits of a cell
}

const fewestCells = 256

func hashOf(id []byte) uint64 { return xxhash.Sum64(id) }

// home is the cell where a hash would be without collisions.
func (x *index) home(hash uint64) int {
	home, _ := bits.Mul64(hash, uint64(len(x.cells)))
	return int(home)
}

func (x *index) cell(hash uint64, row int) uint32 { return uint32(hash)<<x.rowBits | uint32(row+1) }

func (x *index) row(cell uint32) int { return int(cell&(1<<x.rowBits-1)) - 1 }

func (x *index) find(d *ids, id []byte, hash uint64) (row int, ok bool) {
	if len(x.cells) == 0 {
		return 0, false
	}
	tag := uint32(hash) << x.rowBits
	for i := x.home(hash); ; {
		cell := x.cells[i]
		if cell == 0 {
			return 0, false
		}
		if row := x.row(cell); cell&^(1<<x.rowBits-1) == tag && d.is(row, id) {
			return row, true
		}
		if i++; i == len(x.cells) {
			i = 0
		}
	}
}

// add puts in a row whose id is in its block already. rows is how many rows there are.
func (x *index) add(d *ids, row int, hash uint64, rows int) {
	if x.used >= len(x.cells)/5*4 || bits.Len(uint(rows+1)) > x.rowBits {
		x.build(d, rows, len(x.cells)+len(x.cells)/2)
		return // the row among them
	}
	x.put(x.cell(hash, row), hash)
	x.used++
}

func (x *index) put(cell uint32, hash uint64) {
	i := x.home(hash)
	for x.cells[i] != 0 {
		if i++; i == len(x.cells) {
			i = 0
		}
	}
	x.cells[i] = cell
}

// build makes the index anew from all ids, with at least so many cells. Growing by half keeps the load between .53
// and .8.
func (x *index) build(d *ids, rows, cells int) {
	x.cells = make([]uint32, max(cells, rows+rows/4, fewestCells)) // room for some more rows
	x.rowBits = bits.Len(uint(max(len(x.cells), rows+1)))
	x.used = 0
	for row := range rows {
		if id := d.of(row); len(id) > 0 {
			hash := hashOf(id)
			x.put(x.cell(hash, row), hash)
			x.used++
		}
	}
}

// remove takes out a row whose id is still in its block, and moves up what was displaced by it.
func (x *index) remove(d *ids, row int) {
	hole := x.home(hashOf(d.of(row)))
	for x.row(x.cells[hole]) != row {
		hole = x.next(hole)
	}
	for i := x.next(hole); x.cells[i] != 0; i = x.next(i) {
		home := x.home(hashOf(d.of(x.row(x.cells[i]))))
		if x.between(hole, home, i) {
			continue // it is not displaced beyond the hole
		}
		x.cells[hole] = x.cells[i]
		hole = i
	}
	x.cells[hole] = 0
	x.used--
}

func (x *index) next(i int) int {
	if i++; i == len(x.cells) {
		return 0
	}
	return i
}

// between reports whether home lies in (hole, i], going round.
func (x *index) between(hole, home, i int) bool {
	if hole < i {
		return hole < home && home <= i
	}
	return hole < home || home <= i
}
