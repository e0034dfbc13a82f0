package terminal

import (
	"fmt"
	"slices"

	"kindred/schemas"
)

// Members draws members in the order given, the first being number first.
func (s Screen) Members(first int, members []schemas.Membership) {
	const left = 2 + 2 + 6 + 2 + 12 + 2 + 16 + 2 // beside the rank
	rank := max(len(Number(first+len(members))), 4)
	for i, member := range members {
		band := BandNumber(member.Band)
		s.Line("  %s  %s  %s  %s  %s", s.Faint(pad(Number(first+i), -rank)), fmt.Sprintf("%.4f", member.Score),
			s.Band(band, pad(bar(member.Score, 12), 12)), s.Band(band, pad(member.Band, 16)),
			s.fit(clean(member.CustomerID), s.Width-left-rank))
	}
}

// BandNumber returns the number of a band; -1 when no band has the name.
func BandNumber(name string) int {
	return slices.Index(schemas.BandNames[:], name)
}
