package cache

// Segment is who is in one segment, and who will be by a snapshot that is not complete yet. A nil Segment is one of which
// the shard has read nothing: nobody is in it.
type Segment struct {
	name    string
	members bitmap
	number  int64 // of the snapshot that members come from; 0: of none
	gone    bool
	freed   bool // see Free
	flips   int64

	// Members by a newer snapshot, until its mark comes.
	//
	// Invariant: these are in memory only. The saved offset of segment-members stays before the snapshot's first record
	// until its members are the segment's, so that a crash reads all of it again.
	coming       bitmap
	comingNumber int64 // 0: there is none; else above number

	dirtyMeta bool
}

// Has reports whether the row's customer is in the segment.
func (g *Segment) Has(row int) bool { return g != nil && g.members.has(row) }

// Block returns who of a block's rows is in the segment.
func (g *Segment) Block(block int) Stretch {
	if g == nil {
		return Stretch{}
	}
	return g.members.stretch(block)
}

// Number is that of the snapshot that counts now; 0: there was none.
func (g *Segment) Number() int64 {
	if g == nil {
		return 0
	}
	return g.number
}

// Gone reports whether upstream has deleted the segment. It stays as it last was.
func (g *Segment) Gone() bool { return g != nil && g.gone }

// Freed reports whether the segment is gone and nobody knows any more who was in it.
func (g *Segment) Freed() bool { return g != nil && g.freed }

// Size is how many customers of this shard are in the segment.
func (g *Segment) Size() int64 {
	if g == nil {
		return 0
	}
	return g.members.size
}

// Flips is how many have entered or left it so far.
func (g *Segment) Flips() int64 {
	if g == nil {
		return 0
	}
	return g.flips
}

// Segment returns what is known of a segment; nil: nothing. The pointer stays good as long as the mirror.
func (m *Mirror) Segment(name string) *Segment { return m.segmentNames[name] }

// SegmentCount is the number of segments of which anything is known. It never falls.
func (m *Mirror) SegmentCount() int { return len(m.segments) }

func (m *Mirror) segment(name string) *Segment {
	g := m.segmentNames[name]
	if g == nil {
		g = &Segment{name: name, dirtyMeta: true}
		m.segments = append(m.segments, g)
		m.segmentNames[name] = g
	}
	return g
}

// SetMember takes a row's customer into a segment or out of it, and reports whether that has changed anything now. number
// is that of the snapshot which the change belongs to. If it is the one that counts now, the change counts at once; if it
// is newer, when that snapshot's mark comes; if it is older, no more.
func (m *Mirror) SetMember(segment string, row int, in bool, number int64) (changed bool) {
	g := m.segment(segment)
	switch {
	case number == g.number:
		if g.members.set(row, in) {
			g.flips++
			g.dirtyMeta = true
			return true
		}
	case number > g.number && number >= g.comingNumber:
		if number > g.comingNumber {
			g.coming, g.comingNumber = bitmap{}, number
		}
		g.coming.set(row, in)
	}
	return false
}

// Mark ends a snapshot: who it named is in the segment now, nobody else. The mark of a snapshot that counts already
// changes nothing, that of an older one neither. A segment that is gone keeps the members that it last had, those of a
// snapshot whose own mark was compacted away included. Mark reports whether the members were replaced.
func (m *Mirror) Mark(segment string, number int64, gone bool) (swapped bool) {
	g := m.segment(segment)
	if number < g.number {
		return false
	}
	if g.gone != gone {
		g.gone, g.freed, g.dirtyMeta = gone, false, true
	}
	if number == g.number {
		return false
	}
	g.number, g.dirtyMeta = number, true
	switch {
	case g.comingNumber == number, gone && g.comingNumber != 0 && g.comingNumber < number:
		g.flips += g.members.replace(g.coming)
	case gone:
		return false
	default:
		g.flips += g.members.replace(bitmap{}) // a snapshot that names nobody here
	}
	if g.comingNumber <= number {
		g.coming, g.comingNumber = bitmap{}, 0
	}
	return true
}

// Free forgets who was in the segments that are gone, unless used says that somebody still needs to know. It calls left with the
// rows of those who were in one.
func (m *Mirror) Free(used func(segment string) bool, left func(row int)) {
	for _, g := range m.segments {
		if !g.gone || g.freed || used(g.name) {
			continue
		}
		g.freed, g.dirtyMeta = true, true
		was := g.members
		g.members.replace(bitmap{})
		for block := range blocksOf(m.rows.count) {
			was.stretch(block).Each(BlockRows, func(i int) { left(block*BlockRows + i) })
		}
	}
}

func (g *Segment) markAll() {
	g.members.chunks.markAll()
	g.dirtyMeta = true
}
