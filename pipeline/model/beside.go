package model

import (
	"cmp"
	"iter"
	"slices"
	"strings"
)

// Beside explains what sets a row apart from others: it is Reasons with each weight less what it is on average among the
// others, so that what nearly everybody has weighs nearly nothing. Where there are no others, it is Reasons. Of crosses there are
// those that weigh something for the row.
func (a *Account) Beside(row []byte, others iter.Seq[[]byte]) []Reason {
	usual, n := map[string]int64{}, int64(0)
	for other := range others {
		n++
		for _, r := range a.Reasons(other) {
			usual[r.About()] += int64(r.Weight)
		}
	}
	reasons := a.Reasons(row)
	for i := range reasons {
		reasons[i].Weight -= int32(usual[reasons[i].About()] / max(n, 1))
	}
	slices.SortStableFunc(reasons, func(a, b Reason) int {
		return cmp.Compare(magnitude(b.Weight), magnitude(a.Weight))
	})
	return reasons
}

// About names what a reason is about: a field, or the fields of a cross.
func (r *Reason) About() string {
	if r.Together == nil {
		return r.Field
	}
	var names []string
	for i := range r.Together {
		names = append(names, r.Together[i].Field)
	}
	return strings.Join(names, ", ")
}
