package cache

// BlockRows is how many rows a block has. With one more the states of a block and a chunk of a bitmap would fall into Redis' next
// class of allocation: they are 8,186 bytes, Redis adds six, and a value beyond 8,192 takes 10,240.
const BlockRows = 4093

// Flags in the first byte of a row.
//
// Invariant: a row without flags is nobody's, and all zeros. A row that does not consent has no codes and no numbers.
const (
	inUse      = 1 << iota // it has an id
	hasProfile             // a profile was set; erasing takes it away
	consents               // to being profiled; without it the row holds no codes
	partial                // it has values of fields for which there was no place
	untold                 // it has some of which no draft knows

	partialBit = 3
)

// Consents reports whether a row belongs to a customer who has a profile and consents to being profiled.
func Consents(row []byte) bool { return row[0]&consents != 0 }

// HasProfile reports whether a row belongs to a customer who has a profile, consenting or not.
func HasProfile(row []byte) bool { return row[0]&hasProfile != 0 }

// widthStep is by how many bytes rows grow, so that they seldom do: it rewrites every block.
const widthStep = 8

// perRow is how many bytes each row has in a block of rows, ids or states.
func perRow(block []byte) int { return len(block) / BlockRows }

// rows are the rows of a shard, by blocks of BlockRows x width bytes. A row is
//
//	flags, a code byte for each field by position, ..., for each field with numbers four bytes, from the end backwards
//
// so that fields can be added at either side without moving the others.
type rows struct {
	width   int
	numbers int // fields that hold numbers
	count   int // rows ever in use
	blocks  [][]byte
	dirty   dirtySet
}

// codeAt is where the code of the field at a position lies in a row.
func codeAt(position int) int { return 1 + position }

// keyBytes is how many bytes the key of a number takes (format.Key).
const keyBytes = 4

// numberAt is where the key of the k-th field with numbers lies in a row.
func numberAt(width, k int) int { return width - keyBytes*(k+1) }

// blocksOf is the number of blocks that hold so many rows.
func blocksOf(rows int) int { return (rows + BlockRows - 1) / BlockRows }

func (r *rows) at(row int) []byte {
	block, i := row/BlockRows, row%BlockRows
	return r.blocks[block][i*r.width : (i+1)*r.width : (i+1)*r.width]
}

// add adds a row, all zeros, and returns its number.
func (r *rows) add() int {
	row := r.count
	r.count++
	if row/BlockRows == len(r.blocks) {
		r.blocks = append(r.blocks, make([]byte, BlockRows*r.width))
		r.dirty.whole(row / BlockRows)
	}
	return row
}

// mark marks a row as dirty.
func (r *rows) mark(row int) { r.dirty.row(row/BlockRows, row%BlockRows) }

// widen makes the rows as wide as so many fields need, of which so many hold numbers. It reports whether they have changed.
func (r *rows) widen(fields, numbers int) bool {
	was := r.numbers
	r.numbers = numbers
	width := widthFor(fields, numbers)
	if width <= r.width {
		return false
	}
	for b, old := range r.blocks {
		wide := make([]byte, BlockRows*width)
		for i := range BlockRows {
			widenRow(wide[i*width:(i+1)*width], old[i*r.width:(i+1)*r.width], was)
		}
		r.blocks[b] = wide
		r.dirty.whole(b)
	}
	r.width = width
	return true
}

func widthFor(fields, numbers int) int {
	return (codeAt(fields) + keyBytes*numbers + widthStep - 1) / widthStep * widthStep
}

// widenRow copies a row with so many numbers into a wider one that is zero. The numbers keep their places from the end.
func widenRow(wide, old []byte, numbers int) {
	head := len(old) - keyBytes*numbers
	copy(wide, old[:head])
	copy(wide[len(wide)-keyBytes*numbers:], old[head:])
}
