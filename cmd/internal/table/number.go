package table

import (
	"math"
	"strconv"
)

// form is what a cell of a delimited file looks like.
type form int

const (
	word         form = iota
	numeral           // a JSON number that a profile may hold: at most 40 digits, within float64
	leadingZero       // 0150: more likely a code than a number
	decimalComma      // 1,5
	hugeInteger       // beyond 2^53, where float64 would round it: more likely an id than a number
)

// formOf tells the form of a cell without blanks around it. "+1" is a word, as JSON has it.
func formOf(cell []byte) form {
	rest := cell
	if len(rest) > 0 && rest[0] == '-' {
		rest = rest[1:]
	}
	integer := rest
	whole, rest := digits(rest)
	if whole == 0 {
		return word
	}
	zero := whole > 1 && integer[0] == '0'
	switch {
	case len(rest) == 0 && zero:
		return leadingZero
	case len(rest) == 0 && whole >= 16 && whole <= 40:
		if huge(cell) {
			return hugeInteger
		}
		return numeral
	case len(rest) == 0 && whole < 16:
		return numeral
	case rest[0] == ',':
		if part, after := digits(rest[1:]); part > 0 && len(after) == 0 && !zero {
			return decimalComma
		}
		return word
	case zero || !rational(rest, whole):
		return word
	}
	value, err := strconv.ParseFloat(string(cell), 64)
	if err != nil || math.IsInf(value, 0) {
		return word
	}
	return numeral
}

// rational reports whether what follows the whole digits of a number is a fraction, an exponent, or both.
func rational(rest []byte, count int) bool {
	part := 0
	if rest[0] == '.' {
		if part, rest = digits(rest[1:]); part == 0 {
			return false
		}
		count += part
	}
	if len(rest) > 0 && (rest[0] == 'e' || rest[0] == 'E') {
		if rest = rest[1:]; len(rest) > 0 && (rest[0] == '+' || rest[0] == '-') {
			rest = rest[1:]
		}
		if part, rest = digits(rest); part == 0 {
			return false
		}
		count += part
	}
	return len(rest) == 0 && count <= 40
}

// huge reports whether a whole number lies beyond 2^53. Other texts are not.
func huge(number []byte) bool {
	if len(number) < 16 {
		return false
	}
	magnitude := number
	if magnitude[0] == '-' {
		magnitude = magnitude[1:]
	}
	if n, rest := digits(magnitude); n == 0 || len(rest) > 0 {
		return false
	}
	value, err := strconv.ParseUint(string(magnitude), 10, 64)
	return err != nil || value > 1<<53
}

// digits counts the digits at the beginning, and returns what follows them.
func digits(text []byte) (int, []byte) {
	n := 0
	for n < len(text) && text[n] >= '0' && text[n] <= '9' {
		n++
	}
	return n, text[n:]
}
