package field

import (
	"cmp"
	"slices"
)

// leakPercent is the precision and the recall of a leak: a set of values that nearly all of the source has, and nearly
// nobody else.
const leakPercent = 99

// The limits of a field by which the source seems to be defined. On real data 60 to 87 % of the background has values that
// hardly any source member has; with other fields it is at most 21 %, once 50 %.
const (
	ruleLift  = 0.02 // frequency in the source over that in the background
	ruleShare = 0.3  // of the background

	// Source members who would have such a value, and such values together, if chance decided. With fewer, it means nothing
	// that nobody in the source has it.
	ruleExpected      = 5
	ruleExpectedOfAll = 30
)

// leaks reports whether one set of the field's values has precision and recall of 0.99 for the source.
func (k *known) leaks(customers Count) bool {
	source := customers.Source
	if source == 0 || source*100 >= customers.All*leakPercent {
		return false // nobody, or everybody, is found by any field
	}
	return leakyValues(k.counts, source) || k.numeric && leakyThreshold(k.numbers, source)
}

// leakyValues reports whether values leak. It tries the set that finds most of the source at that precision, best values
// first.
func leakyValues(counts []Count, source int64) bool {
	best := slices.Clone(counts)
	slices.SortFunc(best, func(a, b Count) int {
		return cmp.Or(
			cmp.Compare(float64(b.Source)/float64(b.All), float64(a.Source)/float64(a.All)),
			cmp.Compare(b.Source, a.Source),
		)
	})
	var set Count
	for _, c := range best {
		if with := set.plus(c); precise(with) {
			set = with
		}
	}
	return precise(set) && complete(set, source)
}

// leakyThreshold reports whether numbers leak. It tries all numbers below, and all from, every number. Freer sets would
// fit by chance where numbers are many.
func leakyThreshold(numbers []number, source int64) bool {
	all := total(numbers)
	var below Count
	for _, n := range numbers {
		below = below.plus(n.Count)
		for _, set := range [2]Count{below, all.less(below)} {
			if precise(set) && complete(set, source) {
				return true
			}
		}
	}
	return false
}

func precise(set Count) bool { return set.Source*100 >= set.All*leakPercent }

func complete(set Count, source int64) bool {
	return set.Source > 0 && set.Source*100 >= source*leakPercent
}

// ruled reports whether much of the background has values that nobody in the source has, as when the source is defined by
// them.
func (k *known) ruled(customers Count) bool {
	source, background := float64(customers.Source), float64(customers.background())
	var shunned float64 // share of the background
	for _, c := range k.counts {
		share := float64(c.background()) / background
		expected := share * source
		if expected >= ruleExpected && float64(c.Source) < ruleLift*expected {
			shunned += share
		}
	}
	return shunned > ruleShare && shunned*source >= ruleExpectedOfAll
}
