package bench

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"kindred/cmd/internal/demo"
	"kindred/cmd/internal/random"
)

// customers are made up from a seed, each by its number, with as many fields as wanted: categories of 3 to 15 values.
// They have hidden traits; most fields lean on one of them, and whoever is strong in some of them is likely a VIP.
type customers struct {
	seed   uint64
	fields int
}

const (
	vip    = "bench-vip" // segment
	traits = 4
	vipAt  = 0.74 // about one customer in thirty is above it
)

// chance is a customer's stream of random numbers.
type chance random.Stream

// of returns the stream of a customer. A customer whose profile has changed is of a later version: its fields have nothing to
// do with those of the version before.
func (c customers) of(customer, version int) chance {
	return chance(random.Of(c.seed, customer)) ^ chance(uint64(version)*0xa0761d6478bd642f)
}

func (c *chance) next() uint64 { return (*random.Stream)(c).Next() }

// even turns 16 bits into a number from 0 to 1.
func even(z uint64) float32 { return float32(z&0xffff) / (1 << 16) }

// traits draws each trait as the mean of two even numbers.
func (c *chance) traits() (t [traits]float32) {
	for i := range t {
		z := c.next()
		t[i] = (even(z) + even(z>>16)) / 2
	}
	return t
}

// vip reports whether a customer is a VIP. A good part of what makes one shows in no field.
func (c customers) vip(customer int) bool {
	chance := c.of(customer, 0)
	t := chance.traits()
	hidden := even(chance.next() >> 48)
	return 0.45*t[0]+0.3*t[1]+0.25*hidden > vipAt
}

// values returns how many values a field has.
func values(field int) int { return 3 + field*5%13 }

// levels appends the value that a version of a customer has in each field, from 0 on.
func (c customers) levels(dst []uint8, customer, version int) []uint8 {
	chance := c.of(customer, version)
	t := chance.traits()
	chance.next() // what is hidden
	var z uint64
	for f := range c.fields {
		if z >>= 16; f%4 == 0 {
			z = chance.next()
		}
		x := even(z)
		if trait := f % 6; trait < traits { // the others lean on none
			x = 0.6*t[trait] + 0.4*x
		}
		dst = append(dst, uint8(x*float32(values(f))))
	}
	return dst
}

// texts are the fields as they are written, each value with its name: "Field07":"val3".
type texts [][]string

func (c customers) texts() texts {
	all := make(texts, c.fields)
	for f := range all {
		for v := range values(f) {
			all[f] = append(all[f], fmt.Sprintf(`"Field%02d":"val%d",`, f, v))
		}
	}
	return all
}

// profile appends a profile as JSON. The levels are scratch.
func (t texts) profile(dst []byte, customer int, levels []uint8) []byte {
	dst = append(dst, `{"customerId":"`...)
	dst = demo.AppendID(dst, customer)
	dst = append(dst, `","fields":{`...)
	for f, level := range levels {
		dst = append(dst, t[f][level]...)
	}
	return append(dst[:len(dst)-1], `}}`...)
}

// numbered returns the number in a customer id; -1 when the bench has not made it.
func numbered(id []byte) int {
	digits, ours := strings.CutPrefix(string(id), "c")
	n, err := strconv.ParseUint(strings.TrimPrefix(digits, "-"), 10, 32)
	if !ours || err != nil {
		return -1
	}
	return int(n)
}

// WriteTable writes the customers as CSV: customerId, the fields, and last vip, which is 1 for a VIP and 0 for others.
// The ids of the VIPs go to vips, one a line.
func (b *Bench) WriteTable(table, vips io.Writer) error {
	made := customers{seed: b.Seed, fields: b.Fields}
	row := []byte("customerId")
	for f := range made.fields {
		row = fmt.Appendf(row, ",Field%02d", f)
	}
	row = append(row, ",vip\n"...)
	var id []byte
	var levels []uint8
	for customer := range b.Customers {
		if _, err := table.Write(row); err != nil {
			return err
		}
		id = demo.AppendID(id[:0], customer)
		row = append(row[:0], id...)
		levels = made.levels(levels[:0], customer, 0)
		for _, level := range levels {
			row = append(row, ",val"...)
			row = strconv.AppendInt(row, int64(level), 10)
		}
		if made.vip(customer) {
			row = append(row, ",1\n"...)
			if _, err := vips.Write(append(id, '\n')); err != nil {
				return err
			}
		} else {
			row = append(row, ",0\n"...)
		}
	}
	_, err := table.Write(row)
	return err
}
