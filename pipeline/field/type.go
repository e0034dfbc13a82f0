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

// Whole reports whether a field of this type has whole numbers only.
func Whole(kind string) bool { return kind == "LongType" || kind == "IntType" || kind == "ShortType" }

// category is the type of an undeclared field that holds strings, or a mixture.
const category = "category"

// typePercent is how many of a field's holders must have values of a type to make it the field's. The others do not.
const typePercent = 90

// kinds are how many customers have a value of each JSON type. Of a shard that keeps no values, booleans count as texts.
type kinds struct {
	texts, numbers, flags int64
}

func (n kinds) all() int64 { return n.texts + n.numbers + n.flags }

// settle joins what the shards counted, decides what the field's type is, and takes the values by it.
func (k *known) settle() {
	k.values = byText(k.values)
	numbers := k.allNumbers()
	counted := k.kinds(numbers)
	if k.kind == "" {
		k.kind = k.inferred(counted, numbers)
		k.numeric = slices.Contains(numberTypes, k.kind)
	} else {
		// A declaration is taken at its word unless nearly everybody has something else.
		k.numeric = slices.Contains(numberTypes, k.kind) && counted.numbers*100 > counted.all()*(100-typePercent)
	}
	k.holders, k.differ = k.present, counted.all()-max(counted.texts, counted.numbers, counted.flags)
	if slices.Contains(numberTypes, k.kind) {
		k.differ = counted.all() - counted.numbers
	}
	if k.numeric {
		k.numbers, k.holders = numbers, total(numbers)
		k.values = slices.DeleteFunc(k.values, func(v Value) bool { _, is := format.Number(v.Text); return !is })
		return
	}
	for i := range k.values {
		k.values[i].Text = format.Text(k.values[i].Text)
	}
	k.values = byText(k.values)
}

func (k *known) kinds(numbers []number) (n kinds) {
	for _, v := range k.values {
		if v.Text == "true" || v.Text == "false" {
			n.flags += v.All
		}
	}
	n.numbers = total(numbers).All
	n.texts = k.present.All - n.numbers - n.flags
	return n
}

// inferred returns the type of a field that nobody declared: what at least 90 % of its holders have.
func (k *known) inferred(n kinds, numbers []number) string {
	switch holders := n.all(); {
	case holders == 0:
		return category
	case n.numbers*100 >= holders*typePercent && k.fractions(numbers):
		return "DoubleType"
	case n.numbers*100 >= holders*typePercent:
		return "LongType"
	case n.flags*100 >= holders*typePercent:
		return "BooleanType"
	}
	return category
}

// fractions reports whether a number is not whole. Of a large one of which only the range is left, nobody knows.
func (k *known) fractions(numbers []number) bool {
	fraction := func(number float64) bool { return number != math.Trunc(number) }
	for _, v := range k.values {
		if number, is := format.Number(v.Text); is && fraction(number) {
			return true
		}
	}
	return slices.ContainsFunc(numbers, func(n number) bool { return fraction(n.from) })
}
