package cache

import (
	"context"
	"errors"
	"fmt"
)

// loadTries is how often a cache is read again that its owner changed meanwhile. After a Claim nobody does.
const loadTries = 5

// Load makes the mirror from the cache, for the shard's next owner: what was last stored, with the offsets it belongs
// to. The mirror is nil when there is no cache, when it is not ready, when it is of another layout or its meta cannot be
// read, and when some of it is missing or does not fit together: the shard must be built anew. For the last three the reason
// is in Meta.Damaged. Rows freed by earlier owners are used again from here on.
func (s *Store) Load(ctx context.Context, shard int) (*Mirror, *Meta, error) {
	for range loadTries {
		meta, err := s.ReadMeta(ctx, shard)
		if err != nil || meta == nil || !meta.Ready {
			return nil, meta, err
		}
		mirror, err := s.load(ctx, shard, meta)
		if err != nil && !errors.Is(err, errTorn) && !isWrongType(err) {
			return nil, nil, fmt.Errorf("load shard %d: %w", shard, err)
		}
		after, metaErr := s.ReadMeta(ctx, shard)
		switch {
		case metaErr != nil:
			return nil, nil, metaErr
		case after == nil || after.Token != meta.Token || after.Counter != meta.Counter:
			continue
		case err != nil:
			meta.Damaged = err.Error()
			return nil, meta, nil
		}
		return mirror, meta, nil
	}
	return nil, nil, fmt.Errorf("load shard %d, which somebody is writing: %w", shard, ErrNotReady)
}

func (s *Store) load(ctx context.Context, shard int, meta *Meta) (*Mirror, error) {
	k := s.keys(shard)
	d, err := s.readFields(ctx, k)
	if err != nil {
		return nil, err
	}
	if err := d.whole(meta); err != nil {
		return nil, err
	}
	if !d.fit(meta.Width) {
		return nil, fmt.Errorf("%d fields do not fit into rows of %d bytes: %w", len(d.fields), meta.Width, errTorn)
	}
	m := New(shard)
	m.Whole, m.dirtyFields, m.unkept, m.forms = s.Whole, false, d.unkept, meta.forms
	if m.revision = meta.revised; meta.Revision == 0 {
		m.revision++
	}
	m.rows.width, m.rows.numbers, m.rows.count = meta.Width, d.numbers(), meta.Rows
	m.next = make([]byte, meta.Width)
	if err := s.loadRows(ctx, k, m); err != nil {
		return nil, err
	}
	if err := m.restoreColumns(d); err != nil {
		return nil, err
	}
	m.restoreIndex()
	if err := s.loadSegments(ctx, k, m, meta); err != nil {
		return nil, err
	}
	if err := s.loadPublished(ctx, k, m, meta); err != nil {
		return nil, err
	}
	m.stored.progress, m.stored.topics = map[string]Progress{}, meta.Topics
	for expansion, p := range meta.Expansions {
		m.stored.progress[expansion] = *p
	}
	return m, s.loadModels(ctx, k, m, meta)
}

func (s *Store) loadRows(ctx context.Context, k keys, m *Mirror) error {
	n := blocksOf(m.rows.count)
	lengths, err := s.idLengths(ctx, k, n)
	if err != nil {
		return err
	}
	take := func(bytes int) []byte { return make([]byte, bytes) } // each its own, as blocks grow one by one
	if m.rows.blocks, m.ids.blocks, err = s.readRows(ctx, k, m.rows.width, lengths, take); err != nil {
		return err
	}
	if n > 0 { // behind the last row that was ever in use lies what nobody vouches for
		used := m.rows.count - (n-1)*BlockRows
		clear(m.rows.blocks[n-1][used*m.rows.width:])
		clear(m.ids.blocks[n-1][used*m.ids.slot(n-1):])
	}
	return nil
}

// restoreColumns makes the dictionaries, and counts from the rows who has what.
func (m *Mirror) restoreColumns(d *dictionaries) error {
	for position, f := range d.fields {
		c := newColumn(f.Name)
		c.number, c.overflow = f.Number, f.Overflow
		if !c.overflow {
			c.texts = d.texts[position]
			c.keys = make([]key, len(c.texts))
		}
		c.stored = d.sizes[position]
		m.columns = append(m.columns, c)
		m.byName[f.Name] = position
		m.changed(c)
	}
	m.countCodes()
	m.restoreDrafts()
	for position, c := range m.columns {
		if err := c.restore(); err != nil {
			return fmt.Errorf("dictionary %d: %w", position, err)
		}
	}
	return nil
}

// restoreDrafts begins the drafts of fields with too many values anew: what earlier ones knew was in memory only.
func (m *Mirror) restoreDrafts() {
	for _, c := range m.columns {
		if c.overflow {
			c.draft = newDraft(c.name, 0)
			m.drafts.active = append(m.drafts.active, c.draft)
		}
		if c.holders == 0 {
			m.vacant++
		}
	}
}

func (m *Mirror) countCodes() {
	for row := range m.rows.count {
		m.drafts.partial += int32(m.rows.at(row)[0] & partial >> partialBit)
		codes := m.rows.at(row)[codeAt(0):codeAt(len(m.columns))]
		for position, code := range codes {
			if code != 0 {
				m.columns[position].counts[code]++
				m.columns[position].holders++
			}
		}
	}
}

// restore makes the keys from the texts. Every code that somebody has must mean something.
func (c *column) restore() error {
	for code := 1; code < tooMany; code++ {
		if c.overflow {
			break
		}
		text := ""
		if code < len(c.texts) {
			text = c.texts[code]
		}
		switch {
		case text == "" && c.counts[code] > 0:
			return fmt.Errorf("code %d means nothing: %w", code, errTorn)
		case text == "":
			if code < len(c.texts) {
				c.wiped = append(c.wiped, uint8(code))
			}
			continue
		case c.counts[code] == 0:
			return fmt.Errorf("nobody has code %d: %w", code, errTorn)
		}
		if err := c.keys[code].parse(text); err != nil {
			return err
		}
	}
	c.fill()
	return nil
}

func (m *Mirror) restoreIndex() {
	m.index.build(&m.ids, m.rows.count, m.rows.count+m.rows.count/2)
	for row := m.rows.count - 1; row >= 0; row-- {
		if !m.InUse(row) {
			m.free = append(m.free, int32(row))
		}
	}
}

func (s *Store) loadSegments(ctx context.Context, k keys, m *Mirror, meta *Meta) error {
	for _, name := range sortedKeys(meta.Segments) {
		of := meta.Segments[name]
		g := m.segment(name)
		g.number, g.gone, g.freed, g.flips, g.dirtyMeta = of.Number, of.Gone, of.Freed, of.Flips, false
		if err := s.readChunks(ctx, k, g, of.Chunks); err != nil {
			return err
		}
		if g.members.size != of.Size {
			return fmt.Errorf("segment %s has %d members instead of %d: %w", name, g.members.size, of.Size, errTorn)
		}
	}
	return nil
}

func (s *Store) loadPublished(ctx context.Context, k keys, m *Mirror, meta *Meta) error {
	for _, expansion := range sortedKeys(meta.published) {
		of := meta.published[expansion]
		p := m.Published(expansion, true)
		if err := s.readStates(ctx, k, p, of.Blocks); err != nil {
			return err
		}
		if p.members != of.Members || p.unknown != of.Unknown {
			return fmt.Errorf("expansion %s has %v members instead of %v: %w", expansion, p.members, of.Members, errTorn)
		}
	}
	return nil
}

func (s *Store) loadModels(ctx context.Context, k keys, m *Mirror, meta *Meta) error {
	for _, expansion := range sortedKeys(meta.models) {
		b := block{k.model(expansion), make([]byte, meta.models[expansion]+spare)}
		if err := s.readBlocks(ctx, []block{b}); err != nil {
			return err
		}
		m.models[expansion] = b.buffer[:b.len()]
	}
	return nil
}
