package field

import (
	"fmt"

	"kindred/schemas"
)

// warnings returns what a person should know about the fields, used and not.
func (c *Catalogue) warnings(named []string, chosen []*known) []schemas.Warning {
	var warnings []schemas.Warning
	for _, k := range c.fields {
		if named == nil && k.reason(c.customers, false) == Leak {
			warnings = append(warnings, schemas.Warning{
				Code:    Leak,
				Message: fmt.Sprintf("field %s tells the source segment almost exactly and is left out", Named(k.name)),
				Hint: "nothing is to be done if it was made from the segment, or the segment from it; else publish in its place what is known " +
					"of customers before they join",
			})
		}
	}
	for _, k := range chosen {
		if k.differ > 0 {
			warnings = append(warnings, k.mixed())
		}
	}
	return warnings
}

// mixed warns of values that are not of the field's type.
func (k *known) mixed() schemas.Warning {
	w := schemas.Warning{Code: "mixed_types", Hint: "publish all values of a field as the same JSON type"}
	if k.numeric {
		w.Message = fmt.Sprintf("field %s is a number, and %d of %d customers have something else there: they count as having none",
			Named(k.name), k.differ, k.present.All)
		return w
	}
	w.Message = fmt.Sprintf("field %s holds texts, numbers or booleans side by side, %d of %d customers have another type than the "+
		"most: all count by their text, 7 as \"7\"", Named(k.name), k.differ, k.present.All)
	return w
}
