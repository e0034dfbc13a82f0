package bench

import (
	"maps"
	"math"
	"testing"
)

// made returns moves over customers of whom every fifth is in some expansions: the best in all of ten, the others in fewer.
func made(wanted float64, expansions int) *moves {
	m := &moves{world: &world{made: customers{seed: 1, fields: 6}}, wanted: wanted, all: 5000, places: map[int]places{}}
	for customer := range m.all {
		if m.world.made.vip(customer) {
			continue
		}
		d := donor{customer: customer}
		for e := 1; customer%5 == 0 && e <= 1+customer/5%expansions; e++ {
			d.places = append(d.places, place{e, 5500 + customer%4000})
		}
		if m.places[customer] = d.places; len(d.places) > 0 {
			m.members = append(m.members, d)
		} else {
			m.others = append(m.others, d)
		}
	}
	return m
}

func TestAsManyMembershipsFollowAsAreWanted(t *testing.T) {
	check := func(wanted float64, expansions int) {
		t.Helper()
		m := made(wanted, expansions)
		first, now := maps.Clone(m.places), maps.Clone(m.places)
		const changes = 20_000
		follow := 0
		for range changes {
			customer, profile := m.next()
			if is := first[profile]; !m.world.made.vip(customer) {
				follow += differ(now[customer], is)
				now[customer] = is
			}
		}
		if got := float64(follow) / changes; math.Abs(got-wanted) > 0.01 {
			t.Errorf("of %d expansions %v memberships follow from a change, want %v", expansions, got, wanted)
		}
	}
	check(0.2, 1)
	check(0.5, 1)
	check(0.2, 10)
	check(1.4, 10)
	check(2, 10)
	check(4, 10)
}

func TestPlacesDiffer(t *testing.T) {
	check := func(want int, a, b places) {
		t.Helper()
		if got := differ(a, b); got != want || differ(b, a) != want {
			t.Errorf("%v and %v differ in %d, want %d", a, b, got, want)
		}
	}
	check(0, nil, nil)
	check(2, nil, places{{1, 7}, {4, 7}})
	check(0, places{{1, 7}, {4, 7}}, places{{1, 7}, {4, 7}})
	check(1, places{{1, 7}, {4, 7}}, places{{1, 8}, {4, 7}})
	check(3, places{{1, 7}, {4, 7}}, places{{2, 7}, {4, 8}})
}

func TestPlacesFollowWhatIsRead(t *testing.T) {
	member := []byte(`{"expansionId":"bench-2","customerId":"c-0000001","score":0.8731,"band":"very similar","epoch":1,"runId":"r"}`)
	p := places(nil).after(2, member).after(1, member).after(2, nil).after(3, member).after(3, member).after(4, nil)
	if want := (places{{1, 8731}, {3, 8731}}); differ(p, want) != 0 {
		t.Errorf("places are %v, want %v", p, want)
	}
}
