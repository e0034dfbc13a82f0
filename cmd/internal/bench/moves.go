package bench

import (
	"context"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"

	"kindred/cmd/internal/random"
	"kindred/schemas"
	"kindred/schemas/wire"
)

// moves chooses what profiles change to, so that a wanted number of memberships follows from a change. A customer in turn gets
// the profile of somebody who is a member of some expansion, or of none: of two such people, drawn by lot, it is the one by whom
// the number of memberships so far comes closer to what is wanted. A membership follows for each expansion that the two are not
// in alike, with the same score. Where either would make too many, it is the next one's turn.
type moves struct {
	world   *world
	wanted  float64        // memberships a change
	all     int            // customers whose turn comes
	turn    int            // of whom
	places  map[int]places // of these customers; none: they are in no expansion
	members []donor        // customers who are in some expansion
	others  []donor        // in none, also not in the source
	changes int            // so far
	follow  int            // memberships that follow from them
	lots    random.Stream
}

// donor is a customer with the places that their profile has brought.
type donor struct {
	customer int
	places   places
}

// places are the expansions that a customer is a member of, ascending, and the scores there.
type places []place

type place struct{ expansion, score int }

const (
	mostDonors  = 4096 // profiles of each kind that there are to change to
	mostSkipped = 64   // customers in turn who are passed over for one change
)

var errNoMembers = errors.New("nobody is a member of any expansion, so no membership can follow from a change: have more customers")

// moves reads who is a member of what before profiles change, for so many changes. Only the first customers change: of
// some millions more it would take much memory to know that.
func (w *world) moves(ctx context.Context, changes int) (*moves, error) {
	m := &moves{world: w, wanted: w.PerChange, places: map[int]places{}, lots: random.Of(w.Seed, 0)}
	m.all = min(max(2*changes, 8*mostDonors), w.Customers)
	start, err := w.ends(ctx, schemas.Memberships)
	if err != nil {
		return nil, err
	}
	for i := range start {
		start[i].Offset = 0
	}
	err = w.read(ctx, schemas.Memberships, start, func(r *wire.Record) {
		id, customer, _ := schemas.SplitKey(r.Key)
		number, live := strings.CutPrefix(string(id), "bench-")
		expansion, err := strconv.Atoi(number)
		if n := numbered(customer); live && err == nil && n >= 0 && n < m.all {
			m.places[n] = m.places[n].after(expansion, r.Value)
		}
	})
	if err != nil {
		return nil, err
	}
	for customer := range m.all {
		d := donor{customer, m.places[customer]}
		switch {
		case len(d.places) > 0 && len(m.members) < mostDonors:
			m.members = append(m.members, d)
		case len(d.places) == 0 && len(m.others) < mostDonors && !w.made.vip(customer):
			m.others = append(m.others, d)
		}
	}
	if len(m.members) == 0 || len(m.others) == 0 {
		return nil, errNoMembers
	}
	return m, nil
}

// after returns the places once a membership record of an expansion has been read.
func (p places) after(expansion int, value []byte) places {
	i, found := slices.BinarySearchFunc(p, expansion, func(p place, expansion int) int { return p.expansion - expansion })
	if found {
		p = slices.Delete(p, i, i+1)
	}
	if score, _, _, _, err := schemas.ReadMembership(value); value != nil && err == nil {
		p = slices.Insert(p, i, place{expansion, score})
	}
	return p
}

// next returns who changes next, and whose profile they get.
func (m *moves) next() (customer, profile int) {
	m.changes++
	lacking := m.wanted*float64(m.changes) - float64(m.follow)
	off := func(follow int) float64 { return math.Abs(lacking - float64(follow)) }
	for skipped := 0; ; skipped++ {
		customer = m.turn % m.all
		m.turn++
		in := m.members[m.lots.Next()%uint64(len(m.members))]
		out := m.others[m.lots.Next()%uint64(len(m.others))]
		if m.world.made.vip(customer) { // the source is excluded: they are members of nothing, whatever their profile
			return customer, out.customer
		}
		was := m.places[customer]
		chosen, follow := out, differ(was, out.places)
		if more := differ(was, in.places); off(more) < off(follow) {
			chosen, follow = in, more
		}
		if off(follow) <= off(0) || skipped == mostSkipped {
			m.follow += follow
			m.places[customer] = chosen.places
			return customer, chosen.customer
		}
	}
}

// differ counts the expansions in which two have not the same place.
func differ(a, b places) (n int) {
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0] == b[0]:
			a, b = a[1:], b[1:]
			continue
		case a[0].expansion == b[0].expansion:
			a, b = a[1:], b[1:]
		case a[0].expansion < b[0].expansion:
			a = a[1:]
		default:
			b = b[1:]
		}
		n++
	}
	return n + len(a) + len(b)
}
