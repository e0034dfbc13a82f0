package table

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"slices"

	"kindred/schemas"
)

// customers looks at every id that an input names.
type customers struct {
	trimmed, quoted, zeros, shortened, decimals mark
	seed                                        maphash.Seed
	hashes                                      []uint64 // of all of them, to count those that come twice in little memory
}

func newCustomers() *customers { return &customers{seed: maphash.MakeSeed()} }

// look returns an id without the blanks around it, and takes note of what is strange about it.
func (c *customers) look(id []byte, r rows) []byte {
	bare := bytes.TrimSpace(id)
	if len(bare) < len(id) {
		c.trimmed.see(r)
	}
	if len(bare) > 1 && bare[0] >= '0' && bare[0] <= '9' {
		switch formOf(bare) {
		case leadingZero:
			c.zeros.see(r)
		case numeral:
			if bytes.IndexByte(bare, 'E') > 0 {
				c.shortened.see(r)
			} else if bytes.HasSuffix(bare, []byte(".0")) {
				c.decimals.see(r)
			}
		}
	}
	c.hashes = append(c.hashes, maphash.Bytes(c.seed, bare))
	return bare
}

// distinct counts the customers.
func (c *customers) distinct() int64 {
	slices.Sort(c.hashes)
	return int64(len(slices.Compact(c.hashes)))
}

func (c *customers) findings() (all []Finding) {
	note := func(m mark, code, what, try string) {
		if m.count > 0 {
			all = append(all, Finding{code, fmt.Sprintf("%s %s, the first in %s", count(m.count, "id"), what, m.first), try})
		}
	}
	note(c.trimmed, "id_blanks", "with blanks around, which are left out", "")
	note(c.quoted, "id_quotes", "in quotes, which are left out", "")
	note(c.zeros, "id_leading_zeros", "with a zero in front, which is kept: 007 and 7 are two customers", "the same spelling in every profile and segment")
	note(c.shortened, "id_shortened", "like 1.23E+15: a spreadsheet has shortened them, and several customers may have become one",
		"format the column as text before it is exported")
	note(c.decimals, "id_decimals", "with .0 at the end, as when ids pass through a program that takes them for numbers: 17.0 and 17 are two customers",
		"export the column as text or whole numbers")
	return all
}

// valid returns an error unless a customer may have this id.
func (n nothing) valid(id []byte, r rows) error {
	if word, no := n.means(id); no {
		if word == "" {
			return fmt.Errorf("%s: the id is blank", r.at())
		}
		return refuse("--null '' if it is an id", "%s: the id is %s, which stands for nothing", r.at(), word)
	}
	if err := schemas.ValidCustomerID(id); err != nil {
		return fmt.Errorf("%s: %w", r.at(), err)
	}
	return nil
}

// appendID appends the id that a cell holds; nothing when it holds none.
func appendID(dst []byte, cell *schemas.FieldValue) []byte {
	switch {
	case cell.Kind == schemas.String, cell.Kind == schemas.Number && isInteger(cell.Text):
		return append(dst, cell.Text...)
	case cell.Kind == schemas.Number:
		return schemas.AppendCanonical(dst, cell)
	}
	return dst
}

func isInteger(text []byte) bool {
	n, rest := digits(bytes.TrimPrefix(text, []byte("-")))
	return n > 0 && len(rest) == 0
}

// count writes a number and what it counts.
func count(n int64, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}
