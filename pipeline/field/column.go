package field

import "slices"

// None is the level of a value that weighs nothing: too rare to be named, or unseen when the levels were made.
const None = 255

const (
	mostBins    = 10 // ranges of a field of numbers
	fewestNamed = 10 // customers that have a value before it gets a level, which names it
)

// Column is a field with its levels: first the values or ranges, in order, then absence.
type Column struct {
	Name   string
	Bounds []uint16 // of numbers: level i holds the keys from Bounds[i-1] (inclusive) to Bounds[i]; nil: a category
	Values []string // of a category: level i is the value Values[i] (JSON, sorted)
	Absent uint8    // the level of having no value (with Bounds: no number), the last; None when fewer than ten lack it
}

// Levels returns how many levels there are. A level is below it, or None.
func (c *Column) Levels() int {
	n := c.present()
	if c.Absent != None {
		n++
	}
	return n
}

// present returns how many levels stand for having a value.
func (c *Column) present() int {
	if len(c.Bounds) > 0 {
		return len(c.Bounds) + 1
	}
	return len(c.Values)
}

// Level returns the level of a category's value by its JSON text.
func (c *Column) Level(text string) uint8 {
	if i, found := slices.BinarySearch(c.Values, text); found {
		return uint8(i)
	}
	return None
}

// Codes returns the level of every code of a dictionary that holds values by code. Code 0 is absence; a code without a
// value weighs nothing.
func (c *Column) Codes(dictionary []string) (levels [256]uint8) {
	for code := range levels {
		levels[code] = None
		if code < len(dictionary) {
			levels[code] = c.Level(dictionary[code])
		}
	}
	levels[0] = c.Absent
	return levels
}

// Bin returns the level of a number by its key: how many bounds are at or below it. Key 0 stands for no number.
func (c *Column) Bin(key uint16) uint8 {
	if key == 0 {
		return c.Absent
	}
	i, found := slices.BinarySearch(c.Bounds, key)
	if found {
		i++
	}
	return uint8(i)
}

// levels gives a level to every value that can be named, and to absence. It also returns how many customers each level has.
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

// total adds up the counts of numbers.
func total(numbers []Number) (all Count) {
	for _, n := range numbers {
		all = all.plus(n.Count)
	}
	return all
}
