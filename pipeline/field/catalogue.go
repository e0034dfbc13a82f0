package field

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"kindred/pipeline/format"

	"kindred/schemas"
)

// Why a field is not used, as reports say it.
const (
	ByType      = "type"        // its type is excluded unless somebody names it
	Cardinality = "cardinality" // fewer than 2 values, or too many
	Coverage    = "coverage"    // too few customers have it
	Sensitive   = "sensitive"   // declared so: never used, whoever asks
	Leak        = "leak"        // it tells the source almost exactly: it was made from it, or the source from it
	Overflow    = "overflow"    // a shard met more than 254 values once and keeps none until it is rebuilt
	NotAsked    = "not_asked"   // others were named
	Unknown     = "unknown"     // there is no such field
)

const (
	mostRecommended = 30  // distinct values
	mostNamed       = 254 // distinct values, of a field that somebody named
	mostCounted     = 255 // stands for this many or more
	fewestCovered   = 1   // percent of the customers
	fewestNamed     = 10  // customers that have a value before it is named
)

// The types that stand in profiles for what is seldom a trait by itself: flags, codes, texts and plain numbers.
var excludedTypes = []string{
	"StringType", "BooleanType", "CharType", "LongType", "IntType", "DoubleType", "FloatType", "ShortType",
}

var numberTypes = []string{"LongType", "IntType", "DoubleType", "FloatType", "ShortType"}

// category is the type of an undeclared field that holds strings.
const category = "category"

// Catalogue is all that is known of the fields.
type Catalogue struct {
	customers Count
	fields    []*known // by name
}

// known is one field over all shards.
type known struct {
	name      string
	kind      string // declared or inferred type
	sensitive bool
	values    []Value  // by text, each once
	numbers   []Number // by key, each once
	present   Count
	shards    int // that have met it
	overflows int // shards where it overflowed

	column Column
	counts []Count // by level of the column
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
		of(t.Name).add(t)
	}
	for _, d := range declared {
		k := of(d.Name)
		k.kind, k.sensitive = d.Type, d.Sensitive
	}
	c := &Catalogue{customers: customers, fields: slices.Collect(maps.Values(byName))}
	slices.SortFunc(c.fields, func(a, b *known) int { return cmp.Compare(a.name, b.name) })
	for _, k := range c.fields {
		k.settle(customers)
	}
	return c
}

func (k *known) add(t Tally) {
	k.values = append(k.values, t.Values...)
	k.numbers = append(k.numbers, t.Numbers...)
	k.present = k.present.plus(t.Present)
	k.shards++
	if t.Overflow {
		k.overflows++
	}
}

// settle joins what the shards counted and gives the values their levels.
func (k *known) settle(customers Count) {
	k.values = joined(k.values, func(v Value) string { return v.Text }, func(v *Value) *Count { return &v.Count })
	k.numbers = joined(k.numbers, func(n Number) uint16 { return n.Key }, func(n *Number) *Count { return &n.Count })
	if k.kind == "" {
		k.kind = k.inferred()
	}
	k.column, k.counts = k.levels(customers)
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

// inferred is the type of a field that nobody declared. One number makes it a field of numbers.
func (k *known) inferred() string {
	if len(k.numbers) > 0 {
		return k.inferredNumber()
	}
	for _, v := range k.values {
		if v.Text != "true" && v.Text != "false" {
			return category
		}
	}
	if len(k.values) > 0 {
		return "BooleanType"
	}
	return category // its strings overflowed, or nobody has it
}

// After an overflow only the rounded numbers are left: a large one that was not whole is then taken for whole.
func (k *known) inferredNumber() string {
	for _, n := range k.numbers {
		if whole := format.Nearest(n.Key); whole != math.Trunc(whole) {
			return "DoubleType"
		}
	}
	for _, v := range k.values {
		if v.isFraction() {
			return "DoubleType"
		}
	}
	return "LongType"
}

// isFraction says that the value is a number that is not whole. Dictionaries may write a whole one as 1e+21.
func (v Value) isFraction() bool {
	number, ok := v.number()
	return ok && number != math.Trunc(number)
}

// binned says that it is learned from by ranges of numbers, not by single values.
func (k *known) binned() bool {
	return len(k.numbers) > 0 && slices.Contains(numberTypes, k.kind)
}

// distinct is at least how many values customers have.
func (k *known) distinct() int {
	if k.overflows > 0 && !k.binned() {
		return mostCounted
	}
	return min(max(len(k.values), len(k.numbers)), mostCounted)
}

// reason says why the field cannot be used, or nothing. What is named is taken whatever its type.
func (k *known) reason(customers Count, named bool) string {
	distinct := k.distinct()
	switch {
	case k.sensitive:
		return Sensitive
	case !named && slices.Contains(excludedTypes, k.kind):
		return ByType
	case distinct == mostCounted && !k.binned():
		return k.crowded()
	case distinct < 2:
		return Cardinality
	case distinct > mostRecommended && !named:
		return Cardinality
	case k.present.All*100 < customers.All*fewestCovered:
		return Coverage
	case k.column.Levels() < 2 || k.binned() && k.column.Bounds == nil: // all values but one are too rare
		return Cardinality
	case k.leaks(customers):
		return Leak
	}
	return ""
}

// crowded tells too many values from a field that only one shard has seen too many of, maybe long ago.
func (k *known) crowded() string {
	if k.overflows == k.shards || len(k.values) > mostRecommended {
		return Cardinality
	}
	return Overflow
}
