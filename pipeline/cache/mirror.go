package cache

import "kindred/pipeline/format"

// Mirror is the owner's mirror of one shard's cache. It is for the owner's loop only, not for concurrent use. Slices that
// it returns are its own memory: they may change with the next call that changes anything.
type Mirror struct {
	// Whole makes Snapshot store whole blocks only: for a Redis that copies a string to change it (miniredis).
	// Load sets it as it is in the Store.
	Whole bool

	number int
	rows   rows
	ids    ids
	index  index
	free   []int32 // rows that an earlier owner has freed, the lowest last

	columns []*column
	byName  map[string]int // position of a field
	follows [mostFields + 1]int32
	next    []byte   // the row that SetProfile is composing
	unseen  []unseen // values of it that have no code yet
	unkept  Unkept
	drafts  drafts
	vacant  int    // columns in which nobody has a value
	forms   uint64 // see Forms
	version uint64

	revision int64 // see Meta.Revision

	fields  []format.Field // what Fields returns, as of fieldAt
	fieldAt uint64

	segments     []*Segment // in the order in which they became known
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
func New(shard int) *Mirror {
	m := &Mirror{
		number:       shard,
		byName:       map[string]int{},
		segmentNames: map[string]*Segment{},
		expansions:   map[string]*Published{},
		models:       map[string][]byte{},
		dirtyModels:  map[string]bool{},
		version:      1,
	}
	m.rows.widen(0, 0)
	m.next = make([]byte, m.rows.width)
	m.dirtyFields = true
	return m
}

// Rows is how many rows were ever in use. Some of them may be nobody's.
func (m *Mirror) Rows() int { return m.rows.count }

// Find returns a customer's row.
func (m *Mirror) Find(id []byte) (row int, ok bool) {
	return m.index.find(&m.ids, id, hashOf(id))
}

// Take returns a customer's row, a new one if there is none yet. The id must be valid (schemas.ValidCustomerID).
func (m *Mirror) Take(id []byte) int {
	hash := hashOf(id)
	if row, ok := m.index.find(&m.ids, id, hash); ok {
		return row
	}
	row := m.freeRow()
	m.ids.set(row, id)
	m.index.add(&m.ids, row, hash, m.rows.count)
	m.rows.at(row)[0] = inUse
	m.rows.mark(row)
	return row
}

// freeRow returns a row that is nobody's, and no longer free.
func (m *Mirror) freeRow() int {
	if last := len(m.free) - 1; last >= 0 {
		row := m.free[last]
		m.free = m.free[:last]
		return int(row)
	}
	return m.rows.add()
}

// ID returns the id of a row; empty when the row is nobody's.
func (m *Mirror) ID(row int) []byte { return m.ids.of(row) }

// Row returns the bytes of a row: flags, codes, numbers, at the places that Fields returns.
func (m *Mirror) Row(row int) []byte { return m.rows.at(row) }

// Block returns the bytes of a block's rows, one after the other, up to the last that was ever in use.
func (m *Mirror) Block(block int) []byte {
	rows := min(BlockRows, m.rows.count-block*BlockRows)
	return m.rows.blocks[block][:rows*m.rows.width]
}

// Width is how many bytes a row has now.
func (m *Mirror) Width() int { return m.rows.width }

// InUse reports whether the row is somebody's.
func (m *Mirror) InUse(row int) bool { return m.rows.at(row)[0] != 0 }

// HasProfile reports whether the customer has a profile, which one that does not consent has too.
func (m *Mirror) HasProfile(row int) bool { return HasProfile(m.rows.at(row)) }

// Consents reports whether the customer has a profile and consents to being profiled.
func (m *Mirror) Consents(row int) bool { return Consents(m.rows.at(row)) }

// Release frees a row when nothing names its customer any more: no profile, no segment (nor one that a snapshot is
// collecting), no published state. Everything of it goes. The row stays empty until the next owner has loaded the
// shard, so that no reader ever takes one customer for another. Release reports whether it has freed the row.
func (m *Mirror) Release(row int) bool {
	if !m.InUse(row) || m.HasProfile(row) {
		return false
	}
	for _, segment := range m.segments {
		if segment.members.has(row) || segment.coming.has(row) {
			return false
		}
	}
	for _, published := range m.published {
		if published.Get(row) != None {
			return false
		}
	}
	m.index.remove(&m.ids, row)
	m.ids.wipe(row)
	clear(m.rows.at(row))
	m.rows.mark(row)
	return true
}

// SetModel keeps a model as it was read, for the next owner and for whoever asks why. The bytes must not change any more.
func (m *Mirror) SetModel(expansion string, raw []byte) {
	m.models[expansion] = raw
	m.dirtyModels[expansion] = true
}

// Model returns a model as it was read; nil: there is none.
func (m *Mirror) Model(expansion string) []byte { return m.models[expansion] }

// Models returns the expansions that have a model, sorted.
func (m *Mirror) Models() []string { return sortedKeys(m.models) }

// Forget drops all that was published of an expansion, as if nobody had ever been a member. Its model, which may be the
// record of its deletion, stays.
func (m *Mirror) Forget(expansion string) {
	if p := m.expansions[expansion]; p != nil {
		p.clear()
	}
}

// MarkAllDirty makes the next Snapshot hold everything. Call it when it is not known what Redis holds.
func (m *Mirror) MarkAllDirty() {
	m.rows.dirty.wholes(len(m.rows.blocks))
	m.ids.dirty.wholes(len(m.ids.blocks))
	for _, c := range m.columns {
		c.dirtyAll = true
	}
	m.dirtyFields = true
	for _, segment := range m.segments {
		segment.markAll()
	}
	for _, p := range m.published {
		p.markAll()
	}
	for expansion := range m.models {
		m.dirtyModels[expansion] = true
	}
	m.stored = stored{}
}
