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
			})
		}
	}
	for _, k := range chosen {
		if k.ruled(c.customers) {
			warnings = append(warnings, schemas.Warning{
				Code: "rule_field",
				Message: fmt.Sprintf("the source segment looks as if defined by field %s: "+
					"hardly any of its members has the values that many others have", Named(k.name)),
				Hint: "name the other fields only: --field NAME, once for each",
			})
		}
	}
	return warnings
}
