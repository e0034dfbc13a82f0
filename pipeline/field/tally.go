package field

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

// Tally is one field as one shard counts it. A value or a range may come more than once, in any order.
type Tally struct {
	Name     string
	Overflow bool    // the shard has met more than 254 values and keeps none of them
	Present  Count   // customers with any value of it
	Values   []Value // empty after an overflow
	Unplaced bool    // the shard has no place for the field and counts nothing of it
	Numbers  []Range // after an overflow, of customers whose value is a number: what is left of it, its key
}
