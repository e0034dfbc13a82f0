package field

import (
	"math"
	"slices"

	"kindred/pipeline/format"
)

// The types that stand in profiles for what is seldom a trait by itself: flags, codes, texts and plain numbers.
var excludedTypes = []string{
	"StringType", "BooleanType", "CharType", "LongType", "IntType", "DoubleType", "FloatType", "ShortType",
}

var numberTypes = []string{"LongType", "IntType", "DoubleType", "FloatType", "ShortType"}

// category is the type of an undeclared field that holds strings.
const category = "category"

// inferred returns the type of a field that nobody declared. One number makes it a field of numbers.
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

// inferredNumber returns the type of an undeclared field of numbers. After an overflow only the rounded numbers are left: a
// large one that was not whole is then taken for whole.
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

// binned reports whether the field is learned from by ranges of numbers, not by single values.
func (k *known) binned() bool {
	return len(k.numbers) > 0 && slices.Contains(numberTypes, k.kind)
}
