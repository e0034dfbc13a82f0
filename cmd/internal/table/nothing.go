package table

import (
	"bytes"
	"slices"
)

// usual are the words that mean nothing, in capitals or not.
var usual = []string{"NULL", "NA", "N/A", "NaN", "None", `\N`}

// nothing are more words that stand for an absent value, as they are written; an empty one takes the usual ones away.
type nothing []string

// means returns the word that a cell is, and reports whether it means nothing. The cell has no blanks around it.
func (n nothing) means(cell []byte) (word string, ok bool) {
	if len(cell) == 0 {
		return "", true
	}
	own := false
	for _, word := range n {
		if word == string(cell) {
			return word, true
		}
		own = own || word == ""
	}
	if own || len(cell) > 4 || cell[0] != 'N' && cell[0] != 'n' && cell[0] != '\\' {
		return "", false
	}
	at := slices.IndexFunc(usual, func(word string) bool { return bytes.EqualFold(cell, []byte(word)) })
	if at < 0 {
		return "", false
	}
	return usual[at], true
}
