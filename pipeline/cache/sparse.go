package cache

// sparse is a sequence of blocks of one length, numbered from 0, of which many hold nothing. Such a block takes no memory
// and has no key in Redis; the meta lists the others.
type sparse struct {
	blocks [][]byte // nil: it holds nothing
	used   []int32  // how much each holds, as its user counts

	dirty dirtySet
}

// at returns a block; nil: it holds nothing.
func (s *sparse) at(block int) []byte {
	if block < len(s.blocks) {
		return s.blocks[block]
	}
	return nil
}

// need returns a block to write to, and makes it when it held nothing. Call count once it is written.
func (s *sparse) need(block, length int) []byte {
	s.reach(block)
	if s.blocks[block] == nil {
		s.blocks[block] = make([]byte, length)
		s.dirty.whole(block)
	}
	return s.blocks[block]
}

func (s *sparse) reach(block int) {
	for block >= len(s.blocks) {
		s.blocks, s.used = append(s.blocks, nil), append(s.used, 0)
	}
}

// count changes how much a block holds, and drops it when that is nothing.
func (s *sparse) count(block int, by int32) {
	s.used[block] += by
	if s.used[block] == 0 {
		s.blocks[block] = nil
	}
}

// put takes a block as it was stored, and how much it holds.
func (s *sparse) put(block int, bytes []byte, used int32) {
	s.reach(block)
	s.blocks[block], s.used[block] = bytes, used
	if used == 0 {
		s.blocks[block] = nil
	}
}

// clear empties all blocks.
func (s *sparse) clear() {
	for block := range s.blocks {
		if s.blocks[block] != nil {
			s.blocks[block], s.used[block] = nil, 0
			s.dirty.whole(block)
		}
	}
}

func (s *sparse) markAll() { s.dirty.wholes(len(s.blocks)) }

// list returns the numbers of the blocks that hold something, as a bitmap: the form in which the meta has them.
func (s *sparse) list() []byte {
	list := make([]byte, (len(s.blocks)+7)/8)
	for i, block := range s.blocks {
		if block != nil {
			list[i/8] |= 1 << (i % 8)
		}
	}
	return list
}

// listed returns the numbers in a list that list has made.
func listed(list []byte) []int {
	var numbers []int
	for i := range 8 * len(list) {
		if list[i/8]>>(i%8)&1 != 0 {
			numbers = append(numbers, i)
		}
	}
	return numbers
}
