package field

import (
	"fmt"

	"kindred/schemas"
)

// refused says in words why a named field cannot be used, and what to do.
func (k *known) refused(reason string) *Refused {
	r := &Refused{Field: k.name, Reason: reason, Hint: "leave " + k.name + " out of the list of fields"}
	switch reason {
	case Sensitive:
		r.Message = fmt.Sprintf("field %s is declared sensitive and never learned from", k.name)
	case Cardinality:
		r.Message = fmt.Sprintf("field %s has %s", k.name, k.howMany())
	case Coverage:
		r.Message = fmt.Sprintf("field %s is present in fewer than %d %% of the profiles", k.name, fewestCovered)
	case Leak:
		r.Message = fmt.Sprintf("field %s tells the source segment almost exactly: it would only find the source again", k.name)
	case Overflow:
		r.Message = fmt.Sprintf("field %s had more than %d values in a shard, which keeps none of them since", k.name, mostNamed)
		r.Hint += ", or rebuild that shard's cache once the values are fewer"
	}
	return r
}

func (k *known) howMany() string {
	switch distinct := k.distinct(); {
	case distinct == mostCounted && !k.binned():
		return fmt.Sprintf("more than %d values", mostNamed)
	case distinct < 2:
		return "fewer than 2 values"
	default:
		return fmt.Sprintf("fewer than 2 values that at least %d customers have", fewestNamed)
	}
}

func unknown(name string) *Refused {
	return &Refused{
		Field:   name,
		Reason:  Unknown,
		Message: fmt.Sprintf("there is no field %s in any profile", name),
		Hint:    "name fields as they stand in the profiles (upper and lower case differ)",
	}
}

func nothing(message string) *Refused {
	return &Refused{
		Reason:  Unknown,
		Message: message,
		Hint:    "name the fields to learn from: --field NAME, once for each",
	}
}

// warnings tells what a person should know about the fields, used and not.
func (c *Catalogue) warnings(named []string, chosen []*known) []schemas.Warning {
	var warnings []schemas.Warning
	for _, k := range c.fields {
		if named == nil && k.reason(c.customers, false) == Leak {
			warnings = append(warnings, schemas.Warning{
				Code:    "leak",
				Message: fmt.Sprintf("field %s tells the source segment almost exactly and is left out", k.name),
			})
		}
	}
	for _, k := range chosen {
		if k.ruled(c.customers) {
			warnings = append(warnings, schemas.Warning{
				Code: "rule_field",
				Message: fmt.Sprintf("the source segment looks as if defined by field %s: "+
					"hardly any of its members has the values that many others have", k.name),
				Hint: "name the other fields only: --field NAME, once for each",
			})
		}
	}
	return warnings
}
