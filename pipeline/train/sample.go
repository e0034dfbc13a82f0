package train

import (
	"cmp"
	"math"
	"math/bits"
	"slices"

	"github.com/cespare/xxhash/v2"
)

// None is the level that weighs nothing.
const None = 255

// How many customers to learn from, at most: they bound the time of a fit to some tenths of a second.
const (
	SourceRows     = 20_000
	BackgroundRows = 100_000
)

// Sample keeps the customers with the lowest hashes. Which ones depends on their ids and on Of alone: not on the order
// in which they come, nor on how they were spread over samples that are joined later.
type Sample struct {
	Limit int   // customers to keep, at most
	Of    int64 // customers it is drawn from; when too low, or 0, it still keeps the lowest, at the price of memory
	Width int   // levels of a row: one a field

	rows   []row
	levels []uint8 // Width a row
}

type row struct {
	hash uint64
	id   string
	at   int // of its levels
}

func (r row) compare(other row) int {
	return cmp.Or(cmp.Compare(r.hash, other.hash), cmp.Compare(r.id, other.id))
}

// Hash is what samples: of an id alone, and unlike the hash that breaks ties.
func Hash(id []byte) uint64 {
	h := xxhash.Sum64(id) ^ 0x9e3779b97f4a7c15 // splitmix64's mixing
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

// Ceiling is the highest hash that the sample needs: skip whoever lies above. Of all customers some more than Limit
// lie below it, so that practically always Limit of them are found, and hardly any are added in vain.
func (s *Sample) Ceiling() uint64 {
	wanted := uint64(s.Limit) + 8*uint64(math.Sqrt(float64(s.Limit))) + 64
	if s.Of <= int64(wanted) {
		return math.MaxUint64
	}
	ceiling, _ := bits.Div64(wanted, 0, uint64(s.Of))
	return ceiling
}

// Add takes a customer at or below the ceiling. id and levels are copied.
func (s *Sample) Add(hash uint64, id []byte, levels []uint8) {
	s.rows = append(s.rows, row{hash, string(id), len(s.levels)})
	s.levels = append(s.levels, levels[:s.Width]...)
	if len(s.rows) >= 4*(s.Limit+1000) {
		s.settle() // there are more than Of says
	}
}

// Join adds the customers of another sample of the same Limit, Of and Width.
func (s *Sample) Join(other *Sample) {
	start := len(s.levels)
	s.levels = append(s.levels, other.levels...)
	for _, r := range other.rows {
		r.at += start
		s.rows = append(s.rows, r)
	}
}

// Len is the number of customers kept.
func (s *Sample) Len() int { return min(len(s.rows), s.Limit) }

// settle brings the rows into canonical order and drops those beyond the limit.
func (s *Sample) settle() {
	slices.SortFunc(s.rows, row.compare)
	s.rows = s.rows[:s.Len()]
	levels := make([]uint8, 0, len(s.rows)*s.Width)
	for i := range s.rows {
		r := &s.rows[i]
		levels = append(levels, s.levels[r.at:r.at+s.Width]...)
		r.at = i * s.Width
	}
	s.levels = levels
}
