package field

import (
	"math"
	"strconv"
	"strings"
)

// Count is a number of customers with a profile and consent.
type Count struct {
	All    int64
	Source int64 // those of them that are in the source segment
}

func (c Count) plus(d Count) Count { return Count{c.All + d.All, c.Source + d.Source} }

func (c Count) less(d Count) Count { return Count{c.All - d.All, c.Source - d.Source} }

// background returns how many are not in the source.
func (c Count) background() int64 { return c.All - c.Source }

// Value is how many customers have one value.
type Value struct {
	Text string // JSON, as the shards' dictionaries hold it: "Oslo" with its quotes, 41, true
	Count
}

// number returns the value when it is a JSON number.
func (v Value) number() (float64, bool) {
	if v.Text == "" || !strings.ContainsAny(v.Text[:1], "-0123456789") {
		return 0, false
	}
	number, err := strconv.ParseFloat(v.Text, 64)
	return number, err == nil
}

// isFraction reports whether the value is a number that is not whole. Dictionaries may write a whole one as 1e+21.
func (v Value) isFraction() bool {
	number, ok := v.number()
	return ok && number != math.Trunc(number)
}

// Number is how many customers have a number that rounds to one key.
type Number struct {
	Key uint16 // see format.Key; 0 stands for no number and is not counted
	Count
}

// Tally is one field as one shard counts it. A value or key may come more than once, in any order.
type Tally struct {
	Name     string
	Overflow bool     // the shard has met more than 254 values and keeps none of them; numbers keep their keys
	Present  Count    // customers with any value of it
	Values   []Value  // empty after an overflow
	Numbers  []Number // of customers whose value is a number; these are among Values too, unless there was an overflow
}
