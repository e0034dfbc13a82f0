package cache

import "encoding/binary"

const stateBlock = 2 * BlockRows // bytes

// Published is what was last published of an expansion's customers, by row. Blocks in which nobody has a state take no
// memory. A nil Published is that of nobody.
type Published struct {
	expansion string
	states    sparse // of stateBlock bytes, little-endian; used: the states that are not None

	// Invariant: members and unknown count the states. They are what a loaded cache is compared with.
	members   [Bands]int64
	unknown   int64
	dirtyMeta bool
}

// Published returns what was published of an expansion; when nothing ever was it is nil, or made when it is to be
// created. The pointer stays good as long as the mirror.
func (m *Mirror) Published(expansion string, create bool) *Published {
	p := m.expansions[expansion]
	if p == nil && create {
		p = &Published{expansion: expansion}
		m.published = append(m.published, p)
		m.expansions[expansion] = p
	}
	return p
}

// Expansions returns those of which something was published, sorted.
func (m *Mirror) Expansions() []string { return sortedKeys(m.expansions) }

// Get returns the state of a row.
func (p *Published) Get(row int) State {
	if p == nil {
		return None
	}
	block := p.states.at(row / BlockRows)
	if block == nil {
		return None
	}
	return State(binary.LittleEndian.Uint16(block[2*(row%BlockRows):]))
}

// Has reports whether a row's customer is a member, as far as is known: one whose state is unknown is not.
func (p *Published) Has(row int) bool { return p.Get(row).Member() }

// States are those of one block's rows, two bytes each, little-endian: quicker than asking for row after row. nil: all
// are None.
type States []byte

// Block returns the states of a block's rows as they are now.
func (p *Published) Block(block int) States {
	if p == nil {
		return nil
	}
	return p.states.at(block)
}

// None reports whether the block's i-th row has no state.
func (s States) None(i int) bool { return s == nil || s[2*i]|s[2*i+1] == 0 }

// Set changes the state of a row.
func (p *Published) Set(row int, state State) {
	was := p.Get(row)
	if was == state {
		return
	}
	block, i := row/BlockRows, row%BlockRows
	binary.LittleEndian.PutUint16(p.states.need(block, stateBlock)[2*i:], uint16(state))
	p.states.dirty.row(block, i)
	p.states.count(block, p.count(state, 1)+p.count(was, -1))
	p.dirtyMeta = true
}

// count counts a state in or out, and returns by how many more states are not None then.
func (p *Published) count(state State, by int32) int32 {
	switch {
	case state == None:
		return 0
	case state.Member():
		p.members[state.Band()] += int64(by)
	default:
		p.unknown += int64(by)
	}
	return by
}

// put takes a block as it was stored.
func (p *Published) put(block int, bytes []byte) {
	var used int32
	for i := range BlockRows {
		used += p.count(State(binary.LittleEndian.Uint16(bytes[2*i:])), 1)
	}
	p.states.put(block, bytes, used)
}

// Members is how many members there are in each band now.
func (p *Published) Members() [Bands]int64 {
	if p == nil {
		return [Bands]int64{}
	}
	return p.members
}

// Unknown is how many customers have a state that must be answered.
func (p *Published) Unknown() int64 {
	if p == nil {
		return 0
	}
	return p.unknown
}

// segment returns who is a member as a segment; nil when nobody has a state.
func (p *Published) segment() *Segment {
	if p == nil {
		return nil
	}
	g := &Segment{name: p.expansion}
	for block := range p.states.blocks {
		states := p.Block(block)
		for i := range len(states) / 2 {
			if row := block*BlockRows + i; !states.None(i) && p.Has(row) {
				g.members.set(row, true)
			}
		}
	}
	return g
}

// clear makes every state None.
func (p *Published) clear() {
	p.states.clear()
	p.members, p.unknown, p.dirtyMeta = [Bands]int64{}, 0, true
}

func (p *Published) markAll() {
	p.states.markAll()
	p.dirtyMeta = true
}
