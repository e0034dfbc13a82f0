package cache

import "encoding/binary"

const stateBlock = 2 * BlockRows // bytes

// Published is what was last published of an expansion's customers, by row. Blocks in which nobody has a state take no
// memory. A nil Published is that of nobody.
type Published struct {
	expansion string
	blocks    [][]byte // stateBlock bytes, little-endian; nil: all None
	used      []int32  // states in each block that are not None
	members   [Bands]int64
	unknown   int64

	dirt      dirt
	dirtyMeta bool
}

// Published gives what was published of an expansion; when nothing ever was it is nil, or made when it is to be
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

// Expansions gives the expansions of which something is published, sorted.
func (m *Mirror) Expansions() []string {
	names := sortedKeys(m.expansions)
	kept := names[:0]
	for _, name := range names {
		if p := m.expansions[name]; p.unknown > 0 || p.members != [Bands]int64{} {
			kept = append(kept, name)
		}
	}
	return kept
}

// Get gives the state of a row.
func (p *Published) Get(row int) State {
	if p == nil {
		return None
	}
	block, i := row/BlockRows, row%BlockRows
	if block >= len(p.blocks) || p.blocks[block] == nil {
		return None
	}
	return State(binary.LittleEndian.Uint16(p.blocks[block][2*i:]))
}

// States are those of one block's rows, two bytes each, little-endian: quicker than asking for row after row. nil: all
// are None.
type States []byte

// Block gives the states of a block's rows as they are now.
func (p *Published) Block(block int) States {
	if p == nil || block >= len(p.blocks) {
		return nil
	}
	return p.blocks[block]
}

// None says whether the block's i-th row has no state.
func (s States) None(i int) bool { return s == nil || s[2*i]|s[2*i+1] == 0 }

// Set changes the state of a row.
func (p *Published) Set(row int, state State) {
	was := p.Get(row)
	if was == state {
		return
	}
	block, i := row/BlockRows, row%BlockRows
	for block >= len(p.blocks) {
		p.blocks, p.used = append(p.blocks, nil), append(p.used, 0)
	}
	if p.blocks[block] == nil {
		p.blocks[block] = make([]byte, stateBlock)
		p.dirt.whole(block)
	}
	binary.LittleEndian.PutUint16(p.blocks[block][2*i:], uint16(state))
	p.count(block, was, -1)
	p.count(block, state, 1)
	p.dirt.row(block, i)
	p.dirtyMeta = true
	if p.used[block] == 0 {
		p.blocks[block] = nil
	}
}

func (p *Published) count(block int, state State, by int64) {
	switch {
	case state == None:
		return
	case state.Member():
		p.members[state.Band()] += by
	default:
		p.unknown += by
	}
	p.used[block] += int32(by)
}

// put takes a block as it was stored.
func (p *Published) put(block int, bytes []byte) {
	for block >= len(p.blocks) {
		p.blocks, p.used = append(p.blocks, nil), append(p.used, 0)
	}
	for i := range BlockRows {
		p.count(block, State(binary.LittleEndian.Uint16(bytes[2*i:])), 1)
	}
	if p.used[block] > 0 {
		p.blocks[block] = bytes
	}
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

// clear makes every state None.
func (p *Published) clear() {
	for block := range p.blocks {
		if p.blocks[block] != nil {
			p.blocks[block], p.used[block] = nil, 0
			p.dirt.whole(block)
		}
	}
	p.members, p.unknown, p.dirtyMeta = [Bands]int64{}, 0, true
}

func (p *Published) markAll() {
	p.dirtyMeta = true
	for block := range p.blocks {
		p.dirt.whole(block)
	}
}
