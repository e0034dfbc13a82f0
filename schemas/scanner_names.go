package schemas

import "hash/maphash"

// names is the part of the scanner that finds a name that an object has twice: the set of the names in the objects that
// are open. Its memory is used again for the next value without being cleared: an entry counts only for the object whose
// number it carries.
type names struct {
	seed    maphash.Seed
	slots   []namesSlot                // open addressing; the length is a power of two
	used    int                        // by the present value
	first   uint32                     // number of the present value's first object
	last    uint32                     // number given last
	numbers [deepestWrapped + 2]uint32 // of the objects that are open, by depth
}

type namesSlot struct {
	object uint32 // below names.first: free
	hash   uint32
	name   []byte
}

const (
	fewestSlots = 64
	mostSlots   = 4096 // kept from one value to the next
)

// start forgets the last value.
func (n *names) start() {
	n.first = n.last + 1
	n.used = 0
	if n.first > 1<<31 || len(n.slots) > mostSlots {
		n.slots, n.first, n.last = nil, 1, 0
	}
}

// release lets go of the names, which alias the last value.
func (n *names) release() {
	if n.used > 0 {
		clear(n.slots)
		n.used = 0
	}
}

// open begins an object, or an array, at a depth.
func (n *names) open(depth int) {
	n.last++
	n.numbers[depth] = n.last
}

// add puts a name into the object that is open at a depth. It reports false when the name is there already.
func (n *names) add(depth int, name []byte) bool {
	if n.slots == nil {
		n.seed = maphash.MakeSeed() // decides only where a name lies
		n.slots = make([]namesSlot, fewestSlots)
	}
	if n.used*2 >= len(n.slots) {
		n.grow()
	}
	object := n.numbers[depth]
	hash := uint32(maphash.Bytes(n.seed, name)) + object*0x9e3779b1
	slot := n.find(object, hash, name)
	if slot.object >= n.first {
		return false
	}
	*slot = namesSlot{object, hash, name}
	n.used++
	return true
}

// find returns the slot that holds the name, or the free one where it belongs.
func (n *names) find(object, hash uint32, name []byte) *namesSlot {
	mask := uint32(len(n.slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		slot := &n.slots[i]
		if slot.object < n.first || slot.object == object && slot.hash == hash && string(slot.name) == string(name) {
			return slot
		}
	}
}

func (n *names) grow() {
	old := n.slots
	n.slots = make([]namesSlot, 2*len(old))
	for _, slot := range old {
		if slot.object >= n.first {
			*n.find(slot.object, slot.hash, slot.name) = slot
		}
	}
}
