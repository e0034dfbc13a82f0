package cache

// Segment is who is in one segment, and who is said to be by a snapshot that is not complete yet. A nil Segment is one
// that was never heard of: nobody is in it.
type Segment struct {
	name    string
	members bitmap
	number  int64 // of the snapshot that members come from; 0: of none
	gone    bool
	flips   int64

	coming       bitmap // members by a newer snapshot, until its mark comes; in memory only, its offset is held back
	comingNumber int64  // 0: there is none

	dirty     []bool // chunks
	dirtyMeta bool
}

// Has says whether the row's customer is in the segment.
func (g *Segment) Has(row int) bool { return g != nil && g.members.has(row) }

// Block says who of a block's rows is in the segment.
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

// Gone says whether upstream has deleted the segment. It stays as it last was.
func (g *Segment) Gone() bool { return g != nil && g.gone }

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

// Segment gives what is known of a segment; nil: nothing. The pointer stays good as long as the mirror.
func (m *Mirror) Segment(name string) *Segment { return m.segmentNames[name] }

// SegmentCount is the number of segments ever heard of.
func (m *Mirror) SegmentCount() int { return len(m.segments) }

// Segments gives the names of all segments ever heard of, sorted.
func (m *Mirror) Segments() []string { return sortedKeys(m.segmentNames) }

func (m *Mirror) segment(name string) *Segment {
	g := m.segmentNames[name]
	if g == nil {
		g = &Segment{name: name, dirtyMeta: true}
		m.segments = append(m.segments, g)
		m.segmentNames[name] = g
	}
	return g
}

// SetMember takes a row's customer into a segment or out of it. The number says what it belongs to: the snapshot that
// counts now, then it says whether that changed anything; a newer one, then it counts when that one's mark comes; an
// older one, then it counts no more.
func (m *Mirror) SetMember(segment string, row int, in bool, number int64) (changed bool) {
	g := m.segment(segment)
	switch {
	case number == g.number:
		if g.members.set(row, in) {
			g.flips++
			g.mark(row / chunkRows)
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
// snapshot whose own mark was compacted away included. It says whether the members were replaced.
func (m *Mirror) Mark(segment string, number int64, gone bool) (swapped bool) {
	g := m.segment(segment)
	if number < g.number {
		return false
	}
	if g.gone != gone {
		g.gone, g.dirtyMeta = gone, true
	}
	if number == g.number {
		return false
	}
	g.number, g.dirtyMeta = number, true
	switch {
	case g.comingNumber == number, gone && g.comingNumber != 0 && g.comingNumber < number:
		g.replace(g.coming)
	case gone:
		return false
	default:
		g.replace(bitmap{}) // a snapshot that names nobody here
	}
	if g.comingNumber <= number {
		g.coming, g.comingNumber = bitmap{}, 0
	}
	return true
}

func (g *Segment) replace(members bitmap) {
	old := g.members
	g.members = members
	g.flips += old.differences(&members)
	for chunk := range max(len(old.chunks), len(members.chunks)) {
		if old.chunk(chunk) != nil || members.chunk(chunk) != nil {
			g.mark(chunk)
		}
	}
}

func (g *Segment) mark(chunk int) {
	for chunk >= len(g.dirty) {
		g.dirty = append(g.dirty, false)
	}
	g.dirty[chunk] = true
	g.dirtyMeta = true
}

func (g *Segment) markAll() {
	g.dirtyMeta = true
	for chunk := range max(len(g.members.chunks), len(g.dirty)) {
		g.mark(chunk)
	}
}
