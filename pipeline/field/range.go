package field

import (
	"cmp"
	"maps"
	"slices"

	"kindred/pipeline/format"
)

// Coarse is how many of the low bits of keys are disregarded when numbers are counted at first.
const Coarse = 16

const (
	finer          = 8 // into how fine parts a range is divided at a time, in bits
	blurredPercent = 2 // of a field's numbers: a range that holds fewer need not be divided, however a bound lies to it
)

// Range is how many customers have a number whose key (format.Key) is Key but for its low Bits.
type Range struct {
	Key  uint32 // its low bits are 0
	Bits int    // Coarse at first, 0 when all have the same key
	Count
}

// rangeOf returns the range of so many bits that a key lies in, with nobody in it.
func rangeOf(key uint32, bits int) Range { return Range{Key: key >> bits << bits, Bits: bits} }

// weights are how many customers each range holds, over all shards.
type weights struct {
	of    map[Range]int64
	total int64
}

func (w *weights) add(key uint32, bits int, n int64) {
	if w.of == nil {
		w.of = map[Range]int64{}
	}
	for coarse := Coarse; coarse > 0 && coarse >= bits; coarse -= finer {
		w.of[rangeOf(key, coarse)] += n
	}
	w.total += n
}

// blurred reports whether a range holds so many that it has to be divided.
func (w *weights) blurred(r Range) bool {
	return r.Bits > 0 && w.of[rangeOf(r.Key, r.Bits)]*100 >= w.total*blurredPercent
}

// leaf returns the range in which a key is counted: the largest that is not blurred.
func (w *weights) leaf(key uint32) Range {
	r := rangeOf(key, Coarse)
	for w.blurred(r) {
		r = rangeOf(key, r.Bits-finer)
	}
	return r
}

// Blurred returns, by field, the parts that have to be counted before the fields can be judged: ranges that many customers
// are in are divided. The tallies are to take them in (Divide); then ask again. None: they are fine enough. It depends on
// all customers together, not on how they are spread over shards.
func Blurred(tallies []Tally) map[string][]Range {
	all := map[string]*weights{}
	for i := range tallies {
		t := &tallies[i]
		if all[t.Name] == nil {
			all[t.Name] = new(weights)
		}
		t.weigh(all[t.Name])
	}
	parts := map[string]map[Range]bool{}
	for i := range tallies {
		t := &tallies[i]
		for _, r := range t.Numbers {
			if all[t.Name].blurred(r) {
				if parts[t.Name] == nil {
					parts[t.Name] = map[Range]bool{}
				}
				parts[t.Name][rangeOf(r.Key, r.Bits)] = true
			}
		}
	}
	blurred := map[string][]Range{}
	for name, of := range parts {
		blurred[name] = slices.SortedFunc(maps.Keys(of), func(a, b Range) int { return cmp.Compare(a.Key, b.Key) })
	}
	return blurred
}

// weigh adds the numbers of a tally.
func (t *Tally) weigh(w *weights) {
	for _, r := range t.Numbers {
		w.add(r.Key, r.Bits, r.All)
	}
	for _, v := range t.Values {
		if number, is := format.Number(v.Text); is {
			w.add(format.Key(number), 0, v.All)
		}
	}
}

// Parts returns the ranges that a range is divided into, with nobody in them.
func (r Range) Parts() []Range {
	parts := make([]Range, 1<<finer)
	for i := range parts {
		parts[i] = Range{Key: r.Key | uint32(i)<<(r.Bits-finer), Bits: r.Bits - finer}
	}
	return parts
}

// Divide replaces ranges of the tally by the parts that were counted instead.
func (t *Tally) Divide(divided, parts []Range) {
	t.Numbers = slices.DeleteFunc(t.Numbers, func(r Range) bool { return slices.Contains(divided, rangeOf(r.Key, r.Bits)) })
	for _, p := range parts {
		if p.All > 0 {
			t.Numbers = append(t.Numbers, p)
		}
	}
}
