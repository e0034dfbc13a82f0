package cache

// State is what was last published of a customer in an expansion.
type State uint16

const (
	None    State = 0      // not a member
	Unknown State = 0xFFFF // somebody else wrote, or a publication was abandoned: a record or a tombstone must follow
)

// Bands is the number of bands of scores.
const Bands = 4

const scores = 10_001 // 0 to 10,000 ten-thousandths

// PackState returns the state of a member: band 0 to 3, score 0 to 10,000.
func PackState(band, score int) State { return State(1 + band*scores + score) }

// Member reports whether the state is that of a member, with a band and a score.
func (s State) Member() bool { return s != None && s <= Bands*scores }

// Band is 0 to 3; it means nothing unless Member.
func (s State) Band() int { return int(s-1) / scores }

// Score is in ten-thousandths; it means nothing unless Member.
func (s State) Score() int { return int(s-1) % scores }
