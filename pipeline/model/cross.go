package model

import (
	"errors"
	"slices"
)

// Cross holds what combinations of the values of some fields weigh, beside what each value weighs by itself.
type Cross struct {
	Fields []string `json:"fields"` // names of the model's fields, two or more

	// Values are those of each field that count here, as Field.Weights has them; "" stands for having no value. With any other
	// value the cross weighs nothing.
	Values [][]string `json:"values"`

	// Weights are by combination: that of the first values, then those with the next value of the last field, and so on.
	Weights []int32 `json:"weights"`
}

// mostCombinations bounds the memory of a cross.
const mostCombinations = 1 << 16

// validate looks whether each combination has a weight, and one only. names are those of the model's fields.
func (c *Cross) validate(names map[string]bool) error {
	if len(c.Fields) < 2 || len(c.Values) != len(c.Fields) {
		return errors.New("a cross needs two fields or more, and the values of each")
	}
	combinations := 1
	for i, name := range c.Fields {
		if !names[name] || slices.Contains(c.Fields[:i], name) {
			return errors.New("a field of a cross is not in the model, or there twice")
		}
		values := slices.Sorted(slices.Values(c.Values[i]))
		if len(slices.Compact(values)) < len(c.Values[i]) {
			return errors.New("a value of a cross stands there twice")
		}
		if combinations *= len(c.Values[i]); combinations > mostCombinations {
			return errors.New("a cross has too many combinations")
		}
	}
	if combinations != len(c.Weights) {
		return errors.New("a cross does not have a weight for each combination")
	}
	return nil
}

// largest returns the magnitude of the heaviest combination.
func (c *Cross) largest() (most int64) {
	for _, w := range c.Weights {
		most = max(most, magnitude(w))
	}
	return most
}
