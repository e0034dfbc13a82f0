package field

import "kindred/pipeline/format"

// number is how many customers have a number, or one from it up to the next.
type number struct {
	from float64
	Count
}

// allNumbers returns the numbers that customers have, ascending: each by itself where they are at most 254, else by the
// ranges of their keys, so that it makes no difference which shards still keep values.
func (k *known) allNumbers() []number {
	var exact []number
	for _, v := range k.values {
		if n, is := format.Number(v.Text); is {
			exact = append(exact, number{n, v.Count})
		}
	}
	if k.crowded = len(k.ranges) > 0 || len(exact) > mostNamed; !k.crowded {
		return byNumber(exact)
	}
	var w weights
	for _, r := range k.ranges {
		w.add(r.Key, r.Bits, r.All)
	}
	for _, n := range exact {
		w.add(format.Key(n.from), 0, n.All)
	}
	var all []number
	for _, r := range k.ranges {
		all = append(all, number{format.Least(r.Key), r.Count})
	}
	for _, n := range exact {
		all = append(all, number{format.Least(w.leaf(format.Key(n.from)).Key), n.Count})
	}
	return byNumber(all)
}

func byNumber(numbers []number) []number {
	return joined(numbers, func(n number) float64 { return n.from }, func(n *number) *Count { return &n.Count })
}

// bins cuts numbers, ascending, into at most sixteen ranges that hold about as many customers each, and no fewer than can be
// named. Equal numbers stay together; what many have in common (0, say) does not cost the others their bins.
func bins(numbers []number) (bounds []float64, counts []Count) {
	left := total(numbers).All
	most := mostBins
	few := len(numbers) <= mostFew // then each number is a bin of its own
	if few {
		most = mostFew
	}
	var bin Count
	for i, n := range numbers {
		if i > 0 && bin.All >= fewestNamed && left >= fewestNamed && len(bounds) < most-1 {
			share := (bin.All + left) / int64(most-len(bounds))
			if few || bin.All >= share || bin.All+n.All-share > share-bin.All {
				bounds, counts, bin = append(bounds, bound(numbers[i-1].from, n.from)), append(counts, bin), Count{}
			}
		}
		bin = bin.plus(n.Count)
		left -= n.All
	}
	return bounds, append(counts, bin)
}

// bound returns what separates two numbers. Where their keys differ it is the least number of the upper key, so that it
// makes no difference whether a shard still has the numbers or only their keys.
func bound(below, above float64) float64 {
	if key := format.Key(above); format.Key(below) < key {
		return format.Least(key)
	}
	return above
}

// total adds up the counts of numbers.
func total(numbers []number) (all Count) {
	for _, n := range numbers {
		all = all.plus(n.Count)
	}
	return all
}
