package terminal

import (
	"fmt"
	"slices"
	"strings"

	"kindred/schemas"
)

// Members draws members in the order given, the first being number first.
func (s Screen) Members(first int, members []schemas.Membership) {
	rank := max(len(Number(first+len(members))), 4)
	for i, member := range members {
		band := BandNumber(member.Band)
		s.Line("  %s  %s  %s  %s  %s", s.Faint(pad(Number(first+i), -rank)), fmt.Sprintf("%.4f", member.Score),
			s.Band(band, pad(bar(member.Score, 12), 12)), s.Band(band, pad(member.Band, 16)), member.CustomerID)
	}
}

// BandNumber returns the number of a band; -1 when no band has the name.
func BandNumber(name string) int {
	return slices.Index(schemas.BandNames[:], name)
}

// Table draws rows in columns as wide as they need to be. A column whose heading begins with "#" holds numbers,
// which stand to the right.
func (s Screen) Table(headings []string, rows [][]string) {
	widths := make([]int, len(headings))
	for column, heading := range headings {
		widths[column] = runes(strings.TrimPrefix(heading, "#"))
		for _, row := range rows {
			widths[column] = max(widths[column], runes(row[column]))
		}
	}
	line := func(cells []string) string {
		var text strings.Builder
		for column, cell := range cells {
			width := widths[column]
			if strings.HasPrefix(headings[column], "#") {
				width = -width
			}
			text.WriteString("  " + pad(cell, width))
		}
		return strings.TrimRight(text.String(), " ")
	}
	plain := make([]string, len(headings))
	for i, heading := range headings {
		plain[i] = strings.TrimPrefix(heading, "#")
	}
	s.Line("%s", s.Faint(line(plain)))
	for _, row := range rows {
		s.Line("%s", line(row))
	}
}
