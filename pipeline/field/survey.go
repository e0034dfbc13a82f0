package field

import (
	"cmp"
	"fmt"
	"slices"

	"kindred/schemas"
)

// Surveyed is a field as people look at it before they choose. Used says that it is recommended.
type Surveyed struct {
	schemas.FieldReport
	Why    string  // it is not recommended, in words; empty: it is
	Values []Value // those that at least ten customers have, the most frequent first; none of a sensitive field
}

// Survey returns every field of the catalogue, by name, as if the recommended ones were to be chosen.
func (c *Catalogue) Survey() []Surveyed {
	all := make([]Surveyed, len(c.fields))
	for i, report := range c.Reports() {
		k := c.fields[i]
		all[i] = Surveyed{FieldReport: report, Why: k.whyNot(report.Reason)}
		if !k.sensitive {
			all[i].Values = k.common()
		}
	}
	return all
}

// common returns the values that can be named, the most frequent first.
func (k *known) common() []Value {
	common := slices.DeleteFunc(slices.Clone(k.values), func(v Value) bool { return v.All < fewestNamed })
	slices.SortStableFunc(common, func(a, b Value) int { return cmp.Compare(b.All, a.All) })
	return common
}

// whyNot explains in a few words why the field is not recommended.
func (k *known) whyNot(reason string) string {
	switch reason {
	case Sensitive:
		return "declared sensitive"
	case ByType:
		return "of this type only when named"
	case Cardinality:
		if k.distinct() > mostRecommended {
			return fmt.Sprintf("more than %d values", mostRecommended)
		}
		return k.howMany()
	case Coverage:
		return fmt.Sprintf("fewer than %d %% have it", fewestCovered)
	case Leak:
		return "gives the segment away"
	case Overflow:
		return fmt.Sprintf("had more than %d values in a shard", mostNamed)
	}
	return reason
}
