package field

import (
	"fmt"

	"kindred/schemas"
)

// Refused is the error when a field that was asked for cannot be used. Field is empty when there is no usable field at all.
type Refused struct {
	Field   string
	Reason  string // as in a report; unknown: there is no such field
	Message string
	Hint    string
}

func (r *Refused) Error() string { return r.Message }

// Named returns a field's name as it stands in texts for people: one that is longer than names of fields may be is cut.
func Named(name string) string { return schemas.Shorten(name, schemas.LongestFieldName) }

// refused explains to people why a named field cannot be used, and what to do.
func (k *known) refused(reason string) *Refused {
	name := Named(k.name)
	r := &Refused{Field: k.name, Reason: reason, Hint: "leave " + name + " out of the list of fields"}
	switch reason {
	case Sensitive:
		r.Message = fmt.Sprintf("field %s is declared sensitive and never learned from", name)
	case Cardinality:
		r.Message = fmt.Sprintf("field %s has %s", name, k.howMany())
	case Coverage:
		r.Message = fmt.Sprintf("field %s is present in fewer than %d %% of the profiles", name, fewestCovered)
	case Leak:
		r.Message = fmt.Sprintf("field %s tells the source segment almost exactly: it would only find the source again", name)
	case NoPlace:
		r.Message = fmt.Sprintf("there is no place for field %s: 256 other fields came first", name)
		r.Hint = "publish only fields that tell customers apart; a field has its place once nobody has a value in one of the others, " +
			"and its customers were published again"
	case Overflow:
		r.Message = fmt.Sprintf("field %s had more than %d values in a shard, which keeps none of them", name, mostNamed)
		r.Hint += ", or publish all customers again who have a value there, once the values are fewer"
	}
	return r
}

// howMany is the number of values that the field has too many or too few of, in words.
func (k *known) howMany() string {
	switch distinct := k.distinct(); {
	case distinct == mostCounted && !k.numeric:
		return fmt.Sprintf("more than %d values", mostNamed)
	case distinct < 2:
		return "fewer than 2 values"
	default:
		return fmt.Sprintf("fewer than 2 values that at least %d customers have", fewestNamed)
	}
}

// unknown is the refusal of a field that no profile has.
func unknown(name string) *Refused {
	return &Refused{
		Field:   name,
		Reason:  Unknown,
		Message: fmt.Sprintf("there is no field %s in any profile", Named(name)),
		Hint:    "name fields as they stand in the profiles (upper and lower case differ)",
	}
}

// nothing is the refusal of a choice that has no field in it.
func nothing(message string) *Refused {
	return &Refused{
		Reason:  Unknown,
		Message: message,
		Hint:    "name the fields to learn from: --field NAME, once for each",
	}
}
