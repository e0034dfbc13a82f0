package train

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
)

// None is the level that weighs nothing.
const None = 255

// How many customers to learn from, at most: they bound the time of a fit to about a tenth of a second. What chance
// does to the weights goes with 1/source + 1/background, and the time with their sum: so not too unequal.
const (
	SourceRows     = 30_000
	BackgroundRows = 60_000
)

// Sample keeps the customers with the lowest hashes. Which ones depends on their ids and on Of alone: not on the order
// in which they come, nor on how they were spread over samples that are joined later.
type Sample struct {
	Limit int   // customers to keep, at most
	Of    int64 // customers it is drawn from; when too low, or 0, it still keeps the lowest, at the price of memory
	Width int   // levels of a row: one a field

	rows    []row
	ids     []byte
	levels  []uint8
	settled bool
}

// row has no pointers, as there are many.
type row struct {
	hash      uint64
	id, idEnd int // where its id lies among the ids
	levels    int // where its levels begin, Width of them
}

// Hash returns the hash that decides who is in a sample. It depends on the id alone, and is not the hash that breaks ties.
// Zeros behind the id do not count, so that a slot can be hashed as it is stored.
func Hash(id []byte) uint64 {
	h := uint64(0x9e3779b97f4a7c15)
	for ; len(id) >= 8; id = id[8:] {
		word := binary.LittleEndian.Uint64(id)
		if word == 0 {
			break
		}
		h = fold(h ^ word)
	}
	var word uint64
	for i := len(id) - 1; i >= 0; i-- {
		word = word<<8 | uint64(id[i])
	}
	if word != 0 {
		h = fold(h ^ word)
	}
	return fold(h)
}

// fold mixes as wyhash does: both halves of a product.
func fold(x uint64) uint64 {
	high, low := bits.Mul64(x, 0xd6e8feb86659fd93)
	return high ^ low
}

// Ceiling returns the highest hash that the sample needs: skip whoever lies above. Of all customers some more than Limit
// lie below it, so that practically always Limit of them are found, and hardly any are added in vain.
func (s *Sample) Ceiling() uint64 {
	if s.Limit == 0 {
		return 0
	}
	wanted := uint64(s.Limit) + 8*uint64(math.Sqrt(float64(s.Limit))) + 64
	if s.Of <= int64(wanted) {
		return math.MaxUint64
	}
	ceiling, _ := bits.Div64(wanted, 0, uint64(s.Of))
	return ceiling
}

// Add takes a customer at or below the ceiling. id and levels are copied.
func (s *Sample) Add(hash uint64, id []byte, levels []uint8) {
	s.add(hash, id, levels[:s.Width])
	if len(s.rows) >= 4*(s.Limit+1000) {
		s.settle() // there are more customers than Of
	}
}

func (s *Sample) add(hash uint64, id []byte, levels []uint8) {
	s.settled = false
	s.rows = append(s.rows, row{hash, len(s.ids), len(s.ids) + len(id), len(s.levels)})
	s.ids = append(s.ids, id...)
	s.levels = append(s.levels, levels...)
}

// Join adds the customers of other samples of the same Limit, Of and Width.
func (s *Sample) Join(others ...*Sample) {
	rows, ids, levels := 0, 0, 0
	for _, other := range others {
		rows, ids, levels = rows+len(other.rows), ids+len(other.ids), levels+len(other.levels)
	}
	s.rows, s.ids, s.levels = slices.Grow(s.rows, rows), slices.Grow(s.ids, ids), slices.Grow(s.levels, levels)
	for _, other := range others {
		for _, r := range other.rows {
			s.add(r.hash, other.ids[r.id:r.idEnd], other.levels[r.levels:r.levels+s.Width])
		}
	}
}

// Len returns the number of customers kept.
func (s *Sample) Len() int { return min(len(s.rows), s.Limit) }

// settle brings the rows into canonical order and drops those beyond the limit.
func (s *Sample) settle() {
	if s.settled {
		return
	}
	s.sort()
	settled := Sample{
		rows:   make([]row, 0, s.Len()),
		ids:    make([]byte, 0, len(s.ids)),
		levels: make([]uint8, 0, s.Len()*s.Width),
	}
	for _, r := range s.rows[:s.Len()] {
		settled.add(r.hash, s.ids[r.id:r.idEnd], s.levels[r.levels:r.levels+s.Width])
	}
	s.rows, s.ids, s.levels, s.settled = settled.rows, settled.ids, settled.levels, true
}

// sort sorts the rows by hash, those of equal hashes by id.
func (s *Sample) sort() {
	places := make([]place, len(s.rows))
	for i, r := range s.rows {
		places[i] = place{r.hash, i}
	}
	sorted := make([]row, len(places))
	for i, p := range inOrder(places) {
		sorted[i] = s.rows[p.at]
	}
	id := func(r row) []byte { return s.ids[r.id:r.idEnd] }
	for from, to := 0, 0; from < len(sorted); from = to {
		for to = from + 1; to < len(sorted) && sorted[to].hash == sorted[from].hash; to++ {
		}
		if to > from+1 {
			slices.SortFunc(sorted[from:to], func(a, b row) int { return bytes.Compare(id(a), id(b)) })
		}
	}
	s.rows = sorted
}

// Levels returns the levels of the customers of samples that Fit has settled, one after the other, Width of them each.
func (s *Sample) Levels() []uint8 { return s.levels }
