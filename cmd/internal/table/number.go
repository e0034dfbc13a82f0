package table

import (
	"math"
	"strconv"
)

// number reports whether a cell is a JSON number that a profile may hold: at most 40 digits, within float64. "007" and
// "+1" are none: they are more likely to be codes.
func number(cell string) bool {
	rest := cell
	if rest != "" && rest[0] == '-' {
		rest = rest[1:]
	}
	whole, rest := digits(rest)
	if whole == 0 || whole > 1 && cell[len(cell)-len(rest)-whole] == '0' {
		return false
	}
	count := whole
	if rest != "" && rest[0] == '.' {
		var part int
		part, rest = digits(rest[1:])
		if part == 0 {
			return false
		}
		count += part
	}
	if rest != "" && (rest[0] == 'e' || rest[0] == 'E') {
		rest = rest[1:]
		if rest != "" && (rest[0] == '+' || rest[0] == '-') {
			rest = rest[1:]
		}
		var part int
		part, rest = digits(rest)
		if part == 0 {
			return false
		}
		count += part
	}
	if rest != "" || count > 40 {
		return false
	}
	value, err := strconv.ParseFloat(cell, 64)
	return err == nil && !math.IsInf(value, 0)
}

// digits counts the digits at the beginning, and returns what follows them.
func digits(text string) (int, string) {
	n := 0
	for n < len(text) && text[n] >= '0' && text[n] <= '9' {
		n++
	}
	return n, text[n:]
}
