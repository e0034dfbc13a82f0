package field

import (
	"strconv"
	"strings"
)

const mostBins = 10

// levels gives every value that can be named, and absence, a level, and says how many customers each level has.
func (k *known) levels(customers Count) (Column, []Count) {
	column := Column{Name: k.name, Absent: None}
	var counts []Count
	present := k.present
	switch {
	case k.binned():
		column.Bounds, counts = bins(k.numbers)
		present = total(k.numbers)
	case len(k.values) <= mostNamed:
		for _, v := range k.values {
			if v.All >= fewestNamed {
				column.Values = append(column.Values, v.Text)
				counts = append(counts, v.Count)
			}
		}
	}
	if absent := customers.less(present); absent.All >= fewestNamed {
		column.Absent = uint8(len(counts))
		counts = append(counts, absent)
	}
	return column, counts
}

// bins cuts numbers, sorted by key, into at most ten ranges that hold about as many customers each, and no fewer than
// can be named. Equal numbers stay together; what many have in common (0, say) does not cost the others their bins.
func bins(numbers []Number) (bounds []uint16, counts []Count) {
	left := total(numbers).All
	few := len(numbers) <= mostBins // then each number is a bin of its own
	var bin Count
	for i, n := range numbers {
		if i > 0 && bin.All >= fewestNamed && left >= fewestNamed && len(bounds) < mostBins-1 {
			share := (bin.All + left) / int64(mostBins-len(bounds))
			if few || bin.All >= share || bin.All+n.All-share > share-bin.All {
				bounds, counts, bin = append(bounds, n.Key), append(counts, bin), Count{}
			}
		}
		bin = bin.plus(n.Count)
		left -= n.All
	}
	return bounds, append(counts, bin)
}

func total(numbers []Number) (all Count) {
	for _, n := range numbers {
		all = all.plus(n.Count)
	}
	return all
}

// number reads a value that is a JSON number.
func (v Value) number() (float64, bool) {
	if v.Text == "" || !strings.ContainsAny(v.Text[:1], "-0123456789") {
		return 0, false
	}
	number, err := strconv.ParseFloat(v.Text, 64)
	return number, err == nil
}
