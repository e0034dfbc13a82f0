package demo

import (
	"strconv"

	"kindred/cmd/internal/random"
)

// Customers are the made-up customers of one seed, numbered from 0.
type Customers struct {
	Seed uint64
}

// SegmentID names the segment of the VIPs.
const (
	SegmentID   = "vip"
	SegmentName = "VIP customers"
)

// AppendID appends the id of a customer: "c-0000017". From ten million customers on the last digit takes the place of the hyphen,
// so that ids keep their length up to a hundred million: "c10000000".
func AppendID(dst []byte, customer int) []byte {
	if customer >= 10_000_000 {
		return strconv.AppendInt(append(dst, 'c'), int64(customer), 10)
	}
	dst = append(dst, "c-0000000"...)
	for at, n := len(dst)-1, customer; n > 0; at, n = at-1, n/10 {
		dst[at] = byte('0' + n%10)
	}
	return dst
}

// AppendProfile appends the profile of a customer as JSON.
func (c Customers) AppendProfile(dst []byte, customer int) []byte {
	chance := c.chance(customer)
	traits := chance.traits()
	return appendProfile(dst, customer, &traits, &chance, true)
}

// VIP reports whether a customer is in the segment of the VIPs: about one in thirty-three is.
func (c Customers) VIP(customer int) bool {
	chance := c.chance(customer)
	traits := chance.traits()
	return traits.preference(chance) > vipFrom
}

// vipFrom is the preference from which on a customer is a VIP.
const vipFrom = 4.2

// traits are what is hidden in a customer; each is about normal, with mean 0 and deviation 1.
type traits [traitCount]float32

const (
	comfort = iota // how much money may cost
	adventure
	digital
	family
	age
	urban
	traitCount
)

// preference is what makes a VIP. The two main traits strengthen each other. Much of it is hidden: it comes from a stream of
// random numbers other than the one that fields are chosen by.
func (t *traits) preference(c chance) float32 {
	hidden := c ^ 0x5bf03635a2d4ae11
	return 1.1*t[comfort] + 0.8*t[adventure] + 0.5*t[comfort]*t[adventure] + 0.3*t[digital] - 0.3*t[family] + 1.6*hidden.normal()
}

// chance is a customer's stream of random numbers.
type chance random.Stream

func (c Customers) chance(customer int) chance {
	return chance(random.Of(c.Seed, customer)) ^ chance(uint64(customer)<<32)
}

func (c *chance) next() uint64 { return (*random.Stream)(c).Next() }

// normal returns a number that is near enough to normal: the sum of four even ones.
func (c *chance) normal() float32 {
	z := c.next()
	sum := int32(z&0xffff) + int32(z>>16&0xffff) + int32(z>>32&0xffff) + int32(z>>48)
	return float32(sum-2*65535) * (1.7320508 / 65536)
}

func (c *chance) traits() traits {
	var t traits
	for i := range t {
		t[i] = c.normal()
	}
	t[comfort] = 0.9*t[comfort] + 0.4*t[age] // who is older can afford more
	t[family] = 0.9*t[family] + 0.4*t[age]
	t[digital] = 0.9*t[digital] - 0.4*t[age]
	return t
}
