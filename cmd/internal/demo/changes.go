package demo

// Change is something that happens to a customer after the start. It does not depend on the changes before it.
type Change struct {
	Number   int
	Customer int
	Kind     Kind
}

// Kind is what happens.
type Kind int

const (
	Warms     Kind = iota // comes to like what VIPs like
	Cools                 // no longer does
	Withdraws             // withdraws consent
)

// Change returns the n-th change among the first count customers. Those who cool, and those who withdraw, are chosen
// among the ones who are likely to be similar to the VIPs: else hardly anything would be seen to happen.
func (c Customers) Change(n, count int) Change {
	draw := Customers{Seed: c.Seed + 1}.chance(n)
	change := Change{Number: n, Kind: Kind(n % 2)}
	if n%20 == 19 {
		change.Kind = Withdraws
	}
	for range 200 {
		change.Customer = int(draw.next() % uint64(count))
		chance := c.chance(change.Customer)
		traits := chance.traits()
		near := traits[comfort]+traits[adventure] > 2.2
		if near == (change.Kind != Warms) && traits.preference(chance) <= vipFrom {
			break
		}
	}
	return change
}

// AppendChanged appends the profile of a customer after a change.
func (c Customers) AppendChanged(dst []byte, change Change) []byte {
	chance := c.chance(change.Customer)
	traits := chance.traits()
	switch change.Kind {
	case Warms:
		traits[comfort] += 1.8
		traits[adventure] += 1.8
	case Cools:
		traits[comfort] -= 1.8
		traits[adventure] -= 1.8
	}
	return appendProfile(dst, change.Customer, &traits, &chance, change.Kind != Withdraws)
}
