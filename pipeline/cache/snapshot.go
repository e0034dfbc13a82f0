package cache

import (
	"math/bits"
	"slices"
	"strconv"
)

// stored is what is in the meta in Redis already.
type stored struct {
	progress map[string]Progress
	topics   []string
}

// Snapshot copies everything that has changed since the last one, with the meta that belongs to it. The copy may be
// stored by another goroutine while the mirror changes on. When storing fails call TakeBack.
func (m *Mirror) Snapshot(meta Meta) *Save {
	save := m.save
	if save == nil || !save.free.Load() {
		save = new(Save)
		m.save = save
	}
	save.reset()
	size := m.rows.dirty.size(m.rows.width) + m.ids.dirty.size(likelySlot)
	for _, p := range m.published {
		size += p.states.dirty.size(stateBlock / BlockRows)
	}
	save.bytes = slices.Grow(save.bytes, size)
	save.dirtyBlocks(op{of: rowsFamily}, m.rows.blocks, &m.rows.dirty, m.Whole)
	save.dirtyBlocks(op{of: idsFamily}, m.ids.blocks, &m.ids.dirty, m.Whole)
	m.snapshotFields(save)
	if len(save.ops) > 0 {
		m.revision++
	}
	for _, g := range m.segments {
		save.segment(g)
	}
	for _, p := range m.published {
		save.published(p, m.Whole)
	}
	m.snapshotModels(save)
	m.snapshotMeta(save, &meta)
	return save
}

func (s *Save) segment(g *Segment) {
	chunks := &g.members.chunks
	s.dirtyBlocks(op{of: chunksFamily, name: g.name}, chunks.blocks, &chunks.dirty, true)
	if g.dirtyMeta {
		g.dirtyMeta = false
		s.json(metaSegment+g.name, SegmentMeta{g.number, g.gone, g.freed, g.members.size, g.flips, chunks.list()})
	}
}

func (s *Save) published(p *Published, wholeOnly bool) {
	s.dirtyBlocks(op{of: statesFamily, name: p.expansion}, p.states.blocks, &p.states.dirty, wholeOnly)
	if !p.dirtyMeta {
		return
	}
	p.dirtyMeta = false
	if p.members == [Bands]int64{} && p.unknown == 0 {
		s.unset = append(s.unset, metaPublished+p.expansion)
		return
	}
	s.json(metaPublished+p.expansion, publishedMeta{p.members, p.unknown, p.states.list()})
}

func (m *Mirror) snapshotModels(save *Save) {
	for _, expansion := range sortedKeys(m.dirtyModels) {
		raw := m.models[expansion]
		save.block(op{of: modelsFamily, name: expansion}, raw, nil)
		save.set = append(save.set, metaModel+expansion, strconv.Itoa(len(raw)))
	}
	clear(m.dirtyModels)
}

func (m *Mirror) snapshotFields(save *Save) {
	before := len(save.ops)
	for position, c := range m.columns {
		save.dictionary(position, c)
	}
	if len(save.ops) > before || m.dirtyFields {
		sizes := make([]int, len(m.columns))
		for position, c := range m.columns {
			sizes[position] = c.size()
		}
		save.json(metaDictionaries, sizes)
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

func (s *Save) dictionary(position int, c *column) {
	if c.dirty == [4]uint64{} && !c.dirtyAll {
		return
	}
	o := op{of: dictFamily, number: position, how: hash, replace: c.dirtyAll, held: c.stored}
	c.stored = c.size()
	o.texts.from = len(s.texts)
	add := func(code int) {
		if code < len(c.texts) {
			s.texts = append(s.texts, strconv.Itoa(code), c.texts[code])
		}
	}
	if c.dirtyAll {
		for code := 1; code < len(c.texts); code++ {
			add(code)
		}
	} else {
		for word, marked := range c.dirty {
			for ; marked != 0; marked &= marked - 1 {
				add(64*word + bits.TrailingZeros64(marked))
			}
		}
	}
	o.texts.to = len(s.texts)
	s.ops = append(s.ops, o)
	c.dirty, c.dirtyAll = [4]uint64{}, false
}

func (m *Mirror) snapshotMeta(save *Save, meta *Meta) {
	save.ready = meta.Ready
	number := func(name string, n int64) { save.set = append(save.set, name, strconv.FormatInt(n, 10)) }
	number(metaRows, int64(m.rows.count))
	number(metaWidth, int64(m.rows.width))
	number(metaForms, int64(m.forms))
	number(metaRevision, m.revision)
	number(metaThrough, meta.Through)
	number(metaSavedAt, meta.SavedAt)
	number(metaProfiles, meta.Offsets.Profiles)
	number(metaMembers, meta.Offsets.SegmentMembers)
	number(metaModels, meta.Offsets.Models)
	number(metaMemberships, meta.Offsets.Memberships)
	if meta.Changes != "" { // else what is in Redis is of another log, or none
		number(metaChangesAt, meta.Offsets.Changes)
		number(metaChangesOf, meta.Offsets.Memberships)
		save.set = append(save.set, metaChanges, meta.Changes)
	}
	if !slices.Equal(m.stored.topics, meta.Topics) {
		m.stored.topics = slices.Clone(meta.Topics)
		save.json(metaTopics, meta.Topics)
	}
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

// TakeBack marks dirty again what an Exec that failed has not stored of a Save, so that the next Snapshot holds it.
func (m *Mirror) TakeBack(save *Save) {
	for _, o := range save.ops[save.stored:] {
		switch o.of {
		case rowsFamily:
			m.rows.dirty.whole(o.number)
		case idsFamily:
			m.ids.dirty.whole(o.number)
		case chunksFamily:
			m.segmentNames[o.name].members.chunks.dirty.whole(o.number)
		case statesFamily:
			m.expansions[o.name].states.dirty.whole(o.number)
		case modelsFamily:
			m.dirtyModels[o.name] = true
		case fieldsFamily:
			m.dirtyFields = true
		case dictFamily:
			m.columns[o.number].dirtyAll = true
		}
	}
	m.markMetaDirty() // it goes with the last ops
	save.done()
}

// markMetaDirty makes the next Snapshot hold the whole meta.
func (m *Mirror) markMetaDirty() {
	for _, g := range m.segments {
		g.dirtyMeta = true
	}
	for _, p := range m.published {
		p.dirtyMeta = true
	}
	for expansion := range m.models {
		m.dirtyModels[expansion] = true
	}
	m.dirtyFields = true
	m.stored = stored{}
}
