package field

import (
	"cmp"
	"maps"
	"slices"

	"kindred/schemas"
)

// Catalogue is all that is known of the fields.
type Catalogue struct {
	More bool // shards have no place for more fields than the tallies name

	customers Count
	fields    []*known // by name
}

// known is one field over all shards.
type known struct {
	name      string
	kind      string // declared or inferred type
	sensitive bool
	present   Count   // customers who have any value of it
	values    []Value // by text, each once: of a category by format.Text, of a field of numbers only those
	ranges    []Range // from shards that keep no values
	shards    int     // that have met it
	overflows int     // shards where it overflowed
	unplaced  int     // shards that have no place for it

	numeric bool     // it is learned from as numbers: other values count as absent
	numbers []number // of a field of numbers, ascending
	crowded bool     // its numbers are too many to be told apart one by one
	holders Count    // customers who have a value that counts
	differ  int64    // customers whose value is not of the field's type

	column Column  // its levels
	counts []Count // by level
}

// New makes a catalogue from what was declared (the last declaration of a name counts) and what every shard counted.
func New(declared []schemas.Field, customers Count, tallies []Tally) *Catalogue {
	byName := map[string]*known{}
	of := func(name string) *known {
		if byName[name] == nil {
			byName[name] = &known{name: name}
		}
		return byName[name]
	}
	for _, t := range tallies {
		if t.Present.All > 0 || t.Unplaced { // else it is one that customers had once
			of(t.Name).add(t)
		}
	}
	for _, d := range declared {
		k := of(d.Name)
		k.kind, k.sensitive = d.Type, d.Sensitive
	}
	c := &Catalogue{customers: customers, fields: slices.Collect(maps.Values(byName))}
	slices.SortFunc(c.fields, func(a, b *known) int { return cmp.Compare(a.name, b.name) })
	for _, k := range c.fields {
		k.settle()
		k.column, k.counts = k.levels(customers)
	}
	return c
}

func (k *known) add(t Tally) {
	k.values = append(k.values, t.Values...)
	k.ranges = append(k.ranges, t.Numbers...)
	k.present = k.present.plus(t.Present)
	k.shards++
	if t.Overflow {
		k.overflows++
	}
	if t.Unplaced {
		k.unplaced++
	}
}

// joined sorts by key and adds up the counts of equal keys. What nobody has is dropped.
func joined[T any, K cmp.Ordered](all []T, key func(T) K, count func(*T) *Count) []T {
	slices.SortFunc(all, func(a, b T) int { return cmp.Compare(key(a), key(b)) })
	kept := all[:0]
	for i := range all {
		if count(&all[i]).All <= 0 {
			continue
		}
		if n := len(kept); n > 0 && key(kept[n-1]) == key(all[i]) {
			*count(&kept[n-1]) = count(&kept[n-1]).plus(*count(&all[i]))
			continue
		}
		kept = append(kept, all[i])
	}
	return kept
}

// byText joins values that have the same text.
func byText(values []Value) []Value {
	return joined(values, func(v Value) string { return v.Text }, func(v *Value) *Count { return &v.Count })
}
