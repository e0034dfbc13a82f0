package profile

import (
	"slices"
)

// Shard is the owner's mirror of one shard's cache. It is for the owner's loop only, not for concurrent use. Slices that
// it gives are its own memory: they may change with the next call that changes anything.
type Shard struct {
	// Whole makes Snapshot store whole blocks only: for a Redis that copies a string to change it (miniredis).
	// Load sets it as the Store says.
	Whole bool

	number int
	rows   rows
	ids    ids
	index  index
	free   []int32 // rows that an earlier owner has freed, the lowest last

	columns []*column
	byName  map[string]int // position of a field
	follows [mostFields + 1]int32
	next    []byte // the row that SetProfile is composing
	unkept  Unkept
	version uint64
	fields  []Field // as given by Fields; made for fieldsAt
	fieldAt uint64

	segments     []*Segment // in the order in which they were first heard of
	segmentNames map[string]*Segment
	published    []*Published
	expansions   map[string]*Published
	models       map[string][]byte

	dirtyFields bool
	dirtyModels map[string]bool
	stored      stored
	save        *Save
}

// New makes the mirror of a shard of which nothing is known.
func New(shard int) *Shard {
	s := &Shard{
		number:       shard,
		byName:       map[string]int{},
		segmentNames: map[string]*Segment{},
		expansions:   map[string]*Published{},
		models:       map[string][]byte{},
		dirtyModels:  map[string]bool{},
		version:      1,
	}
	s.rows.widen(0, 0)
	s.next = make([]byte, s.rows.width)
	s.dirtyFields = true
	return s
}

// Rows is how many rows were ever given. Some of them may be nobody's.
func (s *Shard) Rows() int { return s.rows.count }

// Find gives a customer's row.
func (s *Shard) Find(id []byte) (row int, ok bool) {
	return s.index.find(&s.ids, id, hashOf(id))
}

// Take gives a customer's row, a new one if there is none yet. The id must be valid (schemas.ValidCustomerID).
func (s *Shard) Take(id []byte) int {
	hash := hashOf(id)
	if row, ok := s.index.find(&s.ids, id, hash); ok {
		return row
	}
	row := s.give()
	s.ids.set(row, id)
	s.index.add(&s.ids, row, hash, s.rows.count)
	s.rows.at(row)[0] = inUse
	s.rows.mark(row)
	return row
}

func (s *Shard) give() int {
	if last := len(s.free) - 1; last >= 0 {
		row := s.free[last]
		s.free = s.free[:last]
		return int(row)
	}
	return s.rows.give()
}

// ID gives the id of a row; empty when the row is nobody's.
func (s *Shard) ID(row int) []byte { return s.ids.of(row) }

// Row gives the bytes of a row: flags, codes, numbers, as Fields says where.
func (s *Shard) Row(row int) []byte { return s.rows.at(row) }

// Block gives the bytes of a block's rows, one after the other, up to the last that was ever given.
func (s *Shard) Block(block int) []byte {
	rows := min(BlockRows, s.rows.count-block*BlockRows)
	return s.rows.blocks[block][:rows*s.rows.width]
}

// Width is how many bytes a row has now.
func (s *Shard) Width() int { return s.rows.width }

// InUse says whether the row is somebody's.
func (s *Shard) InUse(row int) bool { return s.rows.at(row)[0] != 0 }

// HasProfile says whether the customer has a profile, which one that does not consent has too.
func (s *Shard) HasProfile(row int) bool { return s.rows.at(row)[0]&hasProfile != 0 }

// Consents says whether the customer has a profile and consents to being profiled.
func (s *Shard) Consents(row int) bool { return s.rows.at(row)[0]&consents != 0 }

// Release frees a row when nothing names its customer any more: no profile, no segment (nor one that a snapshot is
// collecting), no published state. Everything of it goes. The row stays empty until the next owner has loaded the
// shard, so that no reader ever takes one customer for another.
func (s *Shard) Release(row int) bool {
	if !s.InUse(row) || s.HasProfile(row) {
		return false
	}
	for _, segment := range s.segments {
		if segment.members.has(row) || segment.coming.has(row) {
			return false
		}
	}
	for _, published := range s.published {
		if published.Get(row) != None {
			return false
		}
	}
	s.index.remove(&s.ids, row)
	s.ids.wipe(row)
	clear(s.rows.at(row))
	s.rows.mark(row)
	return true
}

func (r *rows) mark(row int) { r.dirt.row(row/BlockRows, row%BlockRows) }

// SetModel keeps a model as it was read, for the next owner and for whoever asks why.
func (s *Shard) SetModel(expansion string, raw []byte) {
	s.models[expansion] = slices.Clone(raw)
	s.dirtyModels[expansion] = true
}

// Model gives a model as it was read; nil: there is none.
func (s *Shard) Model(expansion string) []byte { return s.models[expansion] }

// Models gives the expansions that have a model, sorted.
func (s *Shard) Models() []string { return sortedKeys(s.models) }

// Forget drops all that was published of an expansion, as if nobody had ever been a member. Its model, which may be the
// record of its deletion, stays.
func (s *Shard) Forget(expansion string) {
	if p := s.expansions[expansion]; p != nil {
		p.clear()
	}
}

// MarkAllDirty makes the next Snapshot hold everything. It is called when it is not known what Redis holds.
func (s *Shard) MarkAllDirty() {
	for b := range s.rows.blocks {
		s.rows.dirt.whole(b)
	}
	for b := range s.ids.blocks {
		s.ids.dirt.whole(b)
	}
	for _, c := range s.columns {
		c.dirtyAll = true
	}
	s.dirtyFields = true
	for _, segment := range s.segments {
		segment.markAll()
	}
	for _, p := range s.published {
		p.markAll()
	}
	for expansion := range s.models {
		s.dirtyModels[expansion] = true
	}
	s.stored = stored{}
}
