package field

import (
	"slices"

	"kindred/schemas"
)

// Choice is what to learn from.
type Choice struct {
	Columns  []Column              // by name
	Reports  []schemas.FieldReport // of every field of the catalogue, by name; Influence is for whoever learns
	Warnings []schemas.Warning
}

// Column is a field with its levels: first the values or ranges, in order, then absence.
type Column struct {
	Name   string
	Bounds []uint16 // of numbers: level i holds the keys from Bounds[i-1] (inclusive) to Bounds[i]; nil: a category
	Values []string // of a category: level i is the value Values[i] (JSON, sorted)
	Absent uint8    // the level of having no value (with Bounds: no number), the last; None when fewer than ten lack it
}

// Levels is how many levels there are. A level is below it, or None.
func (c *Column) Levels() int {
	n := c.present()
	if c.Absent != None {
		n++
	}
	return n
}

func (c *Column) present() int {
	if len(c.Bounds) > 0 {
		return len(c.Bounds) + 1
	}
	return len(c.Values)
}

// Level gives the level of a category's value by its JSON text.
func (c *Column) Level(text string) uint8 {
	if i, found := slices.BinarySearch(c.Values, text); found {
		return uint8(i)
	}
	return None
}

// Codes gives the level of every code of a dictionary that holds values by code. Code 0 is absence; a code without a
// value weighs nothing.
func (c *Column) Codes(dictionary []string) (levels [256]uint8) {
	for code := range levels {
		levels[code] = None
		if code < len(dictionary) {
			levels[code] = c.Level(dictionary[code])
		}
	}
	levels[0] = c.Absent
	return levels
}

// Bin gives the level of a number by its key: how many bounds are at or below it. Key 0 stands for no number.
func (c *Column) Bin(key uint16) uint8 {
	if key == 0 {
		return c.Absent
	}
	i, found := slices.BinarySearch(c.Bounds, key)
	if found {
		i++
	}
	return uint8(i)
}

// Refused says that a field that was asked for cannot be used. Field is empty when there is no usable field at all.
type Refused struct {
	Field   string
	Reason  string // as in a report; unknown: there is no such field
	Message string
	Hint    string
}

func (r *Refused) Error() string { return r.Message }

// Choose takes the named fields, or the recommended ones when named is nil. Its error is a *Refused.
func (c *Catalogue) Choose(named []string) (*Choice, error) {
	chosen, err := c.chosen(named)
	if err != nil {
		return nil, err
	}
	choice := &Choice{Reports: c.reports(named, chosen)}
	for _, k := range chosen {
		choice.Columns = append(choice.Columns, k.column)
	}
	choice.Warnings = c.warnings(named, chosen)
	return choice, nil
}

// Reports tells of every field, by name; those recommended are said to be used.
func (c *Catalogue) Reports() []schemas.FieldReport {
	return c.reports(nil, c.recommended())
}

func (c *Catalogue) chosen(named []string) ([]*known, error) {
	if named == nil {
		if fields := c.recommended(); len(fields) > 0 {
			return fields, nil
		}
		return nil, nothing("no field is recommended")
	}
	if len(named) == 0 {
		return nil, nothing("the list of fields is empty")
	}
	var fields []*known
	for _, k := range c.fields {
		if !slices.Contains(named, k.name) {
			continue
		}
		if reason := k.reason(c.customers, true); reason != "" {
			return nil, k.refused(reason)
		}
		fields = append(fields, k)
	}
	for _, name := range named {
		if !slices.ContainsFunc(c.fields, func(k *known) bool { return k.name == name }) {
			return nil, unknown(name)
		}
	}
	return fields, nil
}

func (c *Catalogue) recommended() []*known {
	var fields []*known
	for _, k := range c.fields {
		if k.reason(c.customers, false) == "" {
			fields = append(fields, k)
		}
	}
	return fields
}

func (c *Catalogue) reports(named []string, chosen []*known) []schemas.FieldReport {
	reports := make([]schemas.FieldReport, 0, len(c.fields))
	for _, k := range c.fields {
		report := schemas.FieldReport{
			Name:     k.name,
			Type:     k.kind,
			Distinct: int64(k.distinct()),
			Used:     slices.Contains(chosen, k),
		}
		if c.customers.All > 0 {
			report.Coverage = float64(k.present.All) / float64(c.customers.All)
		}
		if !report.Used {
			report.Reason = k.reason(c.customers, false)
			if report.Reason == "" && named != nil {
				report.Reason = NotAsked
			}
		}
		reports = append(reports, report)
	}
	return reports
}
