package cache

import (
	"encoding/json"
	"math/bits"
	"slices"
	"strconv"
	"sync/atomic"
)

// Save is a copy of what is to be stored, so that storing it goes on beside the owner's loop.
type Save struct {
	bytes []byte   // of all writes, one after the other
	rows  []uint16 // row numbers of all writes of single rows
	texts []string // fields and values of all writes to hashes
	ops   []op
	set   []string // fields of meta and their values
	unset []string // fields of meta to be removed
	ready bool

	free atomic.Bool // Exec is done with it
}

// op is one key that changes.
type op struct {
	of     family
	name   string // of a segment or an expansion
	number int    // of a block, a chunk or a field
	how    how

	bytes   span // in Save.bytes
	rows    span // in Save.rows, for someRows
	texts   span // in Save.texts, for hashes: pairs of field and value; an empty value removes the field
	replace bool // the hash as a whole
}

type span struct{ from, to int }

func (s span) len() int { return s.to - s.from }

type family uint8

const (
	rowsFamily family = iota
	idsFamily
	chunksFamily
	statesFamily
	modelsFamily
	fieldsFamily
	dictFamily
)

type how uint8

const (
	whole    how = iota // SET
	someRows            // SETRANGE of each row
	remove              // DEL
	hash                // HSET and HDEL
)

// stored is what the meta in Redis says already.
type stored struct {
	progress map[string]Progress
}

const (
	keptBytes  = 256 << 10 // of a Save that is used again
	unkeptName = "unkept"  // field of the hash of fields beside the positions
)

// Snapshot copies everything that has changed since the last one, with the meta that belongs to it. The copy may be
// stored by another goroutine while the mirror changes on. When storing fails call MarkAllDirty.
func (m *Mirror) Snapshot(meta Meta) *Save {
	save := m.save
	if save == nil || !save.free.Load() {
		save = new(Save)
		m.save = save
	}
	save.reset()
	size := m.rows.dirt.size(m.rows.width) + m.ids.dirt.size(4*slotStep)
	for _, p := range m.published {
		size += p.dirt.size(stateBlock / BlockRows)
	}
	save.bytes = slices.Grow(save.bytes, size)
	m.snapshotRows(save)
	for _, g := range m.segments {
		save.segment(g)
	}
	for _, p := range m.published {
		m.snapshotPublished(save, p)
	}
	m.snapshotModels(save)
	m.snapshotFields(save)
	m.snapshotMeta(save, &meta)
	return save
}

func (v *Save) reset() {
	v.free.Store(false)
	v.bytes, v.rows = v.bytes[:0], v.rows[:0]
	clear(v.texts)
	clear(v.ops)
	clear(v.set)
	v.texts, v.ops, v.set, v.unset = v.texts[:0], v.ops[:0], v.set[:0], v.unset[:0]
}

// done lets go of it: a Snapshot may use its memory again, but for what only loading needs.
func (v *Save) done() {
	if cap(v.bytes) > keptBytes {
		v.bytes = nil
	}
	v.free.Store(true)
}

// size estimates the bytes of what is dirty.
func (d *dirt) size(each int) int {
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

func (m *Mirror) snapshotRows(save *Save) {
	for _, b := range m.rows.dirt.list {
		save.block(op{of: rowsFamily, number: int(b)}, m.rows.blocks[b], m.rows.dirt.rowsOf(b, m.Whole))
	}
	m.rows.dirt.clean()
	for _, b := range m.ids.dirt.list {
		save.block(op{of: idsFamily, number: int(b)}, m.ids.blocks[b], m.ids.dirt.rowsOf(b, m.Whole))
	}
	m.ids.dirt.clean()
}

// rowsOf gives the dirty rows of a block; nil: the whole block.
func (d *dirt) rowsOf(block int32, whole bool) []uint16 {
	b := &d.blocks[block]
	if whole || b.count == allOf {
		return nil
	}
	return b.rows[:b.count]
}

// block copies a block, or only some of its rows.
func (v *Save) block(o op, block []byte, rows []uint16) {
	o.bytes.from = len(v.bytes)
	if rows == nil {
		o.how = whole
		v.bytes = append(v.bytes, block...)
	} else {
		o.how = someRows
		each := len(block) / BlockRows
		o.rows.from = len(v.rows)
		v.rows = append(v.rows, rows...)
		o.rows.to = len(v.rows)
		for _, i := range rows {
			v.bytes = append(v.bytes, block[int(i)*each:(int(i)+1)*each]...)
		}
	}
	o.bytes.to = len(v.bytes)
	v.ops = append(v.ops, o)
}

// all copies bytes, or removes the key when there are none.
func (v *Save) all(o op, bytes []byte) {
	if bytes == nil {
		o.how = remove
		v.ops = append(v.ops, o)
		return
	}
	v.block(o, bytes, nil)
}

func (v *Save) segment(g *Segment) {
	for chunk, dirty := range g.dirty {
		if dirty {
			v.all(op{of: chunksFamily, name: g.name, number: chunk}, g.members.chunk(chunk))
			g.dirty[chunk] = false
		}
	}
	if g.dirtyMeta {
		g.dirtyMeta = false
		v.json(metaSegment+g.name, SegmentMeta{g.number, g.gone, g.members.size, g.flips, present(g.members.chunks)})
	}
}

func (m *Mirror) snapshotPublished(save *Save, p *Published) {
	for _, b := range p.dirt.list {
		o := op{of: statesFamily, name: p.expansion, number: int(b)}
		if block := p.blocks[b]; block == nil {
			save.all(o, nil)
		} else {
			save.block(o, block, p.dirt.rowsOf(b, m.Whole))
		}
	}
	p.dirt.clean()
	if !p.dirtyMeta {
		return
	}
	p.dirtyMeta = false
	if p.members == [Bands]int64{} && p.unknown == 0 {
		save.unset = append(save.unset, metaPublished+p.expansion)
		return
	}
	save.json(metaPublished+p.expansion, publishedMeta{p.members, p.unknown, present(p.blocks)})
}

func (m *Mirror) snapshotModels(save *Save) {
	for _, expansion := range sortedKeys(m.dirtyModels) {
		raw := m.models[expansion]
		save.all(op{of: modelsFamily, name: expansion}, raw)
		save.set = append(save.set, metaModel+expansion, strconv.Itoa(len(raw)))
	}
	clear(m.dirtyModels)
}

// storedField is a field of the hash of fields, by position.
type storedField struct {
	Name     string `json:"name"`
	Number   int    `json:"number"` // place among the fields with numbers; -1: none
	Overflow bool   `json:"overflow"`
}

func (m *Mirror) snapshotFields(save *Save) {
	for position, c := range m.columns {
		save.dictionary(position, c)
	}
	if !m.dirtyFields {
		return
	}
	m.dirtyFields = false
	o := op{of: fieldsFamily, how: hash, replace: true}
	o.texts.from = len(save.texts)
	for position, c := range m.columns {
		save.texts = append(save.texts, strconv.Itoa(position), encode(storedField{c.name, c.number, c.overflow}))
	}
	save.texts = append(save.texts, unkeptName, encode(m.unkept))
	o.texts.to = len(save.texts)
	save.ops = append(save.ops, o)
}

func (v *Save) dictionary(position int, c *column) {
	if c.dirt == [4]uint64{} && !c.dirtyAll {
		return
	}
	o := op{of: dictFamily, number: position, how: hash, replace: c.dirtyAll}
	o.texts.from = len(v.texts)
	add := func(code int) {
		if code < len(c.texts) {
			v.texts = append(v.texts, strconv.Itoa(code), c.texts[code])
		}
	}
	if c.dirtyAll {
		for code := 1; code < len(c.texts); code++ {
			add(code)
		}
	} else {
		for word, marked := range c.dirt {
			for ; marked != 0; marked &= marked - 1 {
				add(64*word + bits.TrailingZeros64(marked))
			}
		}
	}
	o.texts.to = len(v.texts)
	v.ops = append(v.ops, o)
	c.dirt, c.dirtyAll = [4]uint64{}, false
}

func (m *Mirror) snapshotMeta(save *Save, meta *Meta) {
	save.ready = meta.Ready
	number := func(name string, n int64) { save.set = append(save.set, name, strconv.FormatInt(n, 10)) }
	number(metaRows, int64(m.rows.count))
	number(metaWidth, int64(m.rows.width))
	number(metaThrough, meta.Through)
	number(metaSavedAt, meta.SavedAt)
	number(metaProfiles, meta.Offsets.Profiles)
	number(metaMembers, meta.Offsets.SegmentMembers)
	number(metaModels, meta.Offsets.Models)
	number(metaMemberships, meta.Offsets.Memberships)
	if m.stored.progress == nil {
		m.stored.progress = map[string]Progress{}
	}
	for _, expansion := range sortedKeys(meta.Expansions) {
		p := *meta.Expansions[expansion]
		if was, known := m.stored.progress[expansion]; !known || was != p {
			m.stored.progress[expansion] = p
			save.json(metaExpansion+expansion, p)
		}
	}
	for _, expansion := range sortedKeys(m.stored.progress) {
		if meta.Expansions[expansion] == nil {
			delete(m.stored.progress, expansion)
			save.unset = append(save.unset, metaExpansion+expansion)
		}
	}
}

func (v *Save) json(name string, value any) { v.set = append(v.set, name, encode(value)) }

// encode gives a value's JSON. What is given here always has one.
func encode(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return string(text)
}
