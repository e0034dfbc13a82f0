package table

import (
	"bytes"
	"fmt"
	"strconv"

	"kindred/schemas"
)

// Column is one field.
type Column struct {
	Name    string
	Numeric bool  // its numbers are published as numbers
	Present int64 // rows that have a value

	at                                  int // in the row
	numbers, words, zeros, commas, huge mark
	bools, others                       mark
	typed                               bool
}

// look takes note of a cell that means something.
func (c *Column) look(cell *schemas.FieldValue, bare []byte, r rows) {
	var of *mark
	switch {
	case cell.Kind == schemas.Other:
		c.others.see(r)
		return
	case cell.Kind == schemas.Bool:
		of = &c.bools
	case cell.Kind == schemas.Number && huge(cell.Text):
		of = &c.huge
	case cell.Kind == schemas.Number:
		of = &c.numbers
	case c.typed:
		of = &c.words
	default:
		of = [...]*mark{word: &c.words, numeral: &c.numbers, leadingZero: &c.zeros, decimalComma: &c.commas, hugeInteger: &c.huge}[formOf(bare)]
	}
	c.Present++
	of.see(r)
}

// settle decides how the column is published once all cells are known. Where cells have no type, a few words do not make text of
// the numbers: a field is what nine tenths of its holders have, and one dirty row must not change all customers. A single code
// that would not be kept as a number does: its column has no numbers.
func (c *Column) settle() {
	few := c.words.count*10 <= c.Present
	c.Numeric = c.numbers.count > 0 && c.huge.count == 0 && (c.typed || c.zeros.count+c.commas.count == 0 && few)
}

// value returns what is published of a cell that means something; false: nothing is.
func (c *Column) value(cell *schemas.FieldValue, bare []byte) (schemas.FieldValue, bool) {
	field := schemas.FieldValue{Kind: cell.Kind, Text: cell.Text, Number: cell.Number, Bool: cell.Bool}
	untyped := cell.Kind == schemas.String && !c.typed
	switch {
	case cell.Kind == schemas.Other:
		return field, false
	case cell.Kind == schemas.Number && !c.Numeric:
		field.Kind = schemas.String
		if len(field.Text) == 0 {
			field.Text = schemas.AppendCanonical(nil, cell)
		}
	case untyped && c.Numeric && (c.words.count == 0 || formOf(bare) == numeral):
		value, err := strconv.ParseFloat(string(bare), 64)
		if err != nil {
			return field, false
		}
		field.Kind, field.Number = schemas.Number, value
	}
	return field, true
}

// findings says why a column is not what its owner may think it is.
func (c *Column) findings() (all []Finding) {
	note := func(code, try, format string, arguments ...any) {
		all = append(all, Finding{code, fmt.Sprintf("column %q: ", c.Name) + fmt.Sprintf(format, arguments...), try})
	}
	if c.others.count > 0 {
		note("not_kept", "a column for each value", "%s cannot be a field (a list, an object, or bytes), the first in %s", count(c.others.count, "cell"), c.others.first)
	}
	if c.huge.count > 0 {
		note("large_integers", "", "%s beyond 2^53, the first in %s, would be rounded: all of it is published as text",
			count(c.huge.count, "whole number"), c.huge.first)
		return all
	}
	if c.typed {
		if both := min(c.words.count, c.numbers.count); both > 0 {
			note("mixed", "one type in all rows", "%s (the first in %s) and %s (the first in %s)", count(c.numbers.count, "number"), c.numbers.first,
				count(c.words.count, "text"), c.words.first)
		}
		return all
	}
	numbers := c.numbers.count + c.zeros.count + c.commas.count
	switch {
	case c.words.count > 0 && c.Numeric:
		note("some_text", "mend the cell, or --null WORD if it means nothing", "%s no number, the first in %s: only that is published as text",
			cellsOf(c.words.count, c.Present), c.words.first)
	case c.words.count > 0 && numbers >= c.words.count:
		note("text", "mend the cell, or --null WORD if it means nothing", "%s no number, the first in %s: all of it is published as text",
			cellsOf(c.words.count, c.Present), c.words.first)
	case c.words.count > 0:
	case c.commas.count > 0:
		note("decimal_comma", "export numbers with a point", "%s a decimal comma, the first in %s: all of it is published as text",
			have(c.commas.count), c.commas.first)
	case c.zeros.count > 0:
		note("leading_zeros", "", "%s a leading zero, the first in %s: all of it is published as text", have(c.zeros.count), c.zeros.first)
	}
	return all
}

func cellsOf(n, of int64) string {
	if n == 1 {
		return fmt.Sprintf("1 of %s is", count(of, "cell"))
	}
	return fmt.Sprintf("%d of %s are", n, count(of, "cell"))
}

func have(n int64) string {
	if n == 1 {
		return "1 number has"
	}
	return fmt.Sprintf("%d numbers have", n)
}

// bare returns a cell without the blanks around it.
func bare(cell *schemas.FieldValue) []byte { return bytes.TrimSpace(cell.Text) }
