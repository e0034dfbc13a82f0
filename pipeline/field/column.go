package field

import (
	"slices"

	"kindred/pipeline/format"
)

// None is the level of a value that weighs nothing: too rare to be named, or unseen when the levels were made.
const None = 255

const (
	mostSingle  = 10 // different numbers that are taken by value
	mostFew     = 30 // different numbers each of which is a range of its own
	mostBins    = 16 // ranges of a field with more
	fewestNamed = 10 // customers that have a value before it gets a level, which names it
)

// Column is a field with its levels: first the values or ranges, in order, then absence.
type Column struct {
	Name    string
	Numbers bool      // it is of numbers: whoever has something else counts as having no value
	Bounds  []float64 // of numbers that are cut: level i holds those from Bounds[i-1] (inclusive) to Bounds[i]
	Values  []string  // else: level i is the value Values[i] (sorted): a number, or the text by which one counts in a category
	Absent  uint8     // the level of having no value, the last; None when fewer than ten lack it
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

// Level returns the level of a value by its canonical JSON text.
func (c *Column) Level(text string) uint8 {
	if !c.Numbers {
		return c.value(format.Text(text))
	}
	number, is := format.Number(text)
	switch {
	case !is:
		return c.Absent
	case c.Bounds == nil:
		return c.value(text)
	}
	return uint8(reached(c.Bounds, func(bound float64) bool { return bound <= number }))
}

func (c *Column) value(text string) uint8 {
	if i, found := slices.BinarySearch(c.Values, text); found {
		return uint8(i)
	}
	return None
}

// Codes returns the level of every code of a dictionary that holds values by code. Code 0 is absence; any other code
// without a value stands for one that is not known, which weighs nothing and is no number.
func (c *Column) Codes(dictionary []string) (levels [256]uint8) {
	for code := range levels {
		levels[code] = None
		switch {
		case code < len(dictionary) && dictionary[code] != "":
			levels[code] = c.Level(dictionary[code])
		case code == 0 || c.Numbers:
			levels[code] = c.Absent
		}
	}
	return levels
}

// Key returns the level of a number of which only the key is left. Key 0 stands for no number. Where numbers are not cut, one of
// those that have the key is as good as another.
func (c *Column) Key(key uint32) uint8 {
	if key == 0 {
		return c.Absent
	}
	if c.Bounds == nil {
		i := slices.IndexFunc(c.Values, func(text string) bool { n, is := format.Number(text); return is && format.Key(n) == key })
		if i < 0 {
			return None
		}
		return uint8(i)
	}
	return uint8(reached(c.Bounds, func(bound float64) bool { return format.Key(bound) <= key }))
}

// reached returns how many bounds, which ascend, are at or below a number.
func reached(bounds []float64, below func(bound float64) bool) int {
	for i, bound := range bounds {
		if !below(bound) {
			return i
		}
	}
	return len(bounds)
}

// levels gives a level to every value that can be named, and to absence. It also returns how many customers each level has.
func (k *known) levels(customers Count) (Column, []Count) {
	column := Column{Name: k.name, Numbers: k.numeric, Absent: None}
	var counts []Count
	switch {
	case k.binned():
		column.Bounds, counts = bins(k.numbers)
	case len(k.values) <= mostNamed:
		for _, v := range k.values {
			if v.All >= fewestNamed {
				column.Values = append(column.Values, v.Text)
				counts = append(counts, v.Count)
			}
		}
	}
	if absent := customers.less(k.holders); absent.All >= fewestNamed {
		column.Absent = uint8(len(counts))
		counts = append(counts, absent)
	}
	return column, counts
}

// binned reports whether the field is learned from by ranges of numbers, not by single values.
func (k *known) binned() bool { return k.numeric && (k.crowded || len(k.numbers) > mostSingle) }
